"""A small OpenID provider of our own, for demonstrations and tests: what it decides, without the pages around it.

It keeps everything in memory and knows its people by heart; it is no provider for anybody's real accounts.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import RSAKey

from webapp import clock

CODE_SECONDS = 60
TOKEN_SECONDS = 300
SCOPES = ("openid", "email", "profile", "groups", "offline_access")


@dataclass(frozen=True)
class DemoClient:
    """Software that people sign in to here."""

    secret: str
    redirect_uris: tuple[str, ...]

    def may_return_to(self, address: str) -> bool:
        """Tell whether people may be sent back to an address."""
        return address in self.redirect_uris


@dataclass(frozen=True)
class Grant:
    """What one person let one client know, until when the code for it is good, and what the request asked for."""

    client_id: str
    subject: str
    asked: Mapping[str, str]
    expires_at: float


class Reply(NamedTuple):
    """What an endpoint answers: a status, and an object for JSON."""

    status: int
    body: dict[str, Any]


@dataclass
class DemoIdentityProvider:
    """An OpenID provider: the code flow with PKCE, one-use codes, refresh tokens that rotate, and userinfo.

    `people` are their claims by subject; `clients` are by client id.
    """

    issuer: str
    clients: dict[str, DemoClient]
    people: dict[str, dict[str, Any]]
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"use": "sig"}, auto_kid=True))
    codes: dict[str, Grant] = field(default_factory=dict)
    _access: dict[str, Grant] = field(default_factory=dict)
    _refresh: dict[str, Grant] = field(default_factory=dict)

    def discovery(self) -> dict[str, Any]:
        """Describe this provider (OpenID Connect Discovery 1.0)."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": list(SCOPES),
            "authorization_response_iss_parameter_supported": True,
        }

    def jwks(self) -> dict[str, Any]:
        """Return the public keys."""
        return {"keys": [self.key.as_dict(private=False)]}

    def is_known(self, asked: Mapping[str, str]) -> bool:
        """Tell whether a request comes from a client of ours, and may be answered to where it says."""
        client = self.clients.get(asked.get("client_id", ""))
        return client is not None and client.may_return_to(asked.get("redirect_uri", ""))

    def answer(self, asked: Mapping[str, str], subject: str | None) -> str:
        """Return the address to send the browser back to, for a person who agreed or, with None, did not."""
        return f"{asked['redirect_uri']}?{urlencode(self.parameters(asked, subject))}"

    def parameters(self, asked: Mapping[str, str], subject: str | None) -> list[tuple[str, str]]:
        """Return what the browser brings back."""
        always = [("state", asked.get("state", "")), ("iss", self.issuer)]
        if asked.get("response_type") != "code" or asked.get("code_challenge_method") != "S256":
            return [("error", "invalid_request"), *always]
        if subject is None:
            return [("error", "access_denied"), *always]
        code = secrets.token_urlsafe(16)
        self.codes[code] = Grant(asked["client_id"], subject, dict(asked), _now() + CODE_SECONDS)
        return [("code", code), *always]

    def token(self, form: Mapping[str, str], credentials: tuple[str, str] | None) -> Reply:
        """Exchange a code or a refresh token (RFC 6749, sections 4.1.3 and 6).

        Args:
            form: what was sent.
            credentials: client id and secret of the header, where there is one.
        """
        client_id, secret = credentials or (form.get("client_id", ""), form.get("client_secret", ""))
        client = self.clients.get(client_id)
        if client is None or not secrets.compare_digest(client.secret.encode(), secret.encode()):
            return Reply(401, {"error": "invalid_client"})
        grant = self._granted(form)
        if grant is None or grant.client_id != client_id:
            return Reply(400, {"error": "invalid_grant"})
        return Reply(200, self.tokens(grant, is_refresh=form.get("grant_type") == "refresh_token"))

    def tokens(self, grant: Grant, *, is_refresh: bool) -> dict[str, Any]:
        """Return what the token endpoint gives for a grant."""
        access_token, refresh_token = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
        self._access[access_token], self._refresh[refresh_token] = grant, grant
        said = self.claims(grant, is_refresh=is_refresh)
        return {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "refresh_token": refresh_token,
            "id_token": self.sign(said),
        }

    def claims(self, grant: Grant, *, is_refresh: bool) -> dict[str, Any]:
        """Return what the ID token says; what is known of the person is for userinfo."""
        now = int(_now())
        said: dict[str, Any] = {"iss": self.issuer, "sub": grant.subject, "aud": grant.client_id}
        said |= {"iat": now, "exp": now + TOKEN_SECONDS, "auth_time": now}
        return said if is_refresh else said | {"nonce": grant.asked.get("nonce")}

    def sign(self, said: Mapping[str, Any]) -> str:
        """Return an ID token."""
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, dict(said), self.key, algorithms=["RS256"])

    def userinfo(self, access_token: str) -> Reply:
        """Say what is known of the person who let the bearer know."""
        grant = self._access.get(access_token)
        if grant is None:
            return Reply(401, {"error": "invalid_token"})
        return Reply(200, {"sub": grant.subject, **self.people[grant.subject]})

    def _granted(self, form: Mapping[str, str]) -> Grant | None:
        if form.get("grant_type") == "refresh_token":
            return self._refresh.pop(form.get("refresh_token", ""), None)
        grant = self.codes.pop(form.get("code", ""), None)
        if grant is None or grant.expires_at < _now() or form.get("redirect_uri") != grant.asked["redirect_uri"]:
            return None
        return grant if challenge(form.get("code_verifier", "")) == grant.asked.get("code_challenge") else None


def challenge(verifier: str) -> str:
    """Return the S256 challenge for a verifier (RFC 7636, section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _now() -> float:
    return clock.now().timestamp()
