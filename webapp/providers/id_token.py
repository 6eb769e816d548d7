"""Whether an ID token is believed (OpenID Connect Core 1.0, sections 3.1.3.7 and 12.2)."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any, Final

from authlib.oidc.core import CodeIDToken
from joserfc.errors import InvalidClaimError, JoseError, MissingClaimError

from webapp import clock
from webapp.providers.claims import subject
from webapp.providers.errors import NotBelieved, Reason

LEEWAY_SECONDS = 30
ISSUED_MAX_AGE_SECONDS = 10 * 60
# Core, section 3.1.3.6, and for EdDSA the hash that Ed25519 itself uses
HASHES: Final[Mapping[str, Callable[[bytes], Any]]] = {
    "RS256": hashlib.sha256,
    "PS256": hashlib.sha256,
    "ES256": hashlib.sha256,
    "EdDSA": hashlib.sha512,
}
REASONS: Final = {
    "iss": Reason.ISSUER,
    "sub": Reason.SUBJECT,
    "aud": Reason.AUDIENCE,
    "azp": Reason.AUDIENCE,
    "exp": Reason.TIMES,
    "nbf": Reason.TIMES,
    "iat": Reason.TIMES,
    "auth_time": Reason.TIMES,
    "nonce": Reason.NONCE,
}


@dataclass(frozen=True)
class Expected:
    """What a token must say. `nonce` is None for the token of a refresh, which has none."""

    issuer: str
    client_id: str
    access_token: str = field(repr=False)
    nonce: str | None = field(repr=False)
    max_age_seconds: int | None = None


def check(claims: dict[str, Any], algorithm: str, expected: Expected) -> None:
    """Check the claims of a token whose signature is good.

    Raises:
        NotBelieved: it is from or for somebody else, of another time or another sign-in.
    """
    now = int(clock.now().timestamp())
    _check_audience(claims, expected.client_id)
    _check_registered(claims, expected, now)
    subject(claims.get("sub"))
    if now - claims["iat"] > ISSUED_MAX_AGE_SECONDS + LEEWAY_SECONDS:
        raise NotBelieved(Reason.TIMES)
    _check_sign_in(claims, expected.max_age_seconds, now)
    _check_token_hash(claims.get("at_hash"), algorithm, expected.access_token)


def authenticated_at(claims: Mapping[str, Any]) -> datetime | None:
    """Return when the person last proved themselves at the provider, if it says so."""
    seconds = claims.get("auth_time")
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(_number(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        raise NotBelieved(Reason.TIMES) from None


def _check_audience(claims: Mapping[str, Any], client_id: str) -> None:
    """Demand our own client among the audience, whatever `azp` says, and as `azp` where there are others."""
    audience, authorized = claims.get("aud"), claims.get("azp", client_id)
    several = audience if isinstance(audience, list) else [audience]
    if client_id not in several or authorized != client_id or (len(several) > 1 and "azp" not in claims):
        raise NotBelieved(Reason.AUDIENCE)


def _check_registered(claims: dict[str, Any], expected: Expected, now: int) -> None:
    """Let Authlib check what it checks well: issuer, times, nonce, and the types of all of them."""
    options = {"iss": {"essential": True, "value": expected.issuer}, "sub": {"essential": True}}
    params = {"nonce": expected.nonce, "client_id": expected.client_id}
    try:
        CodeIDToken(claims, {}, options, params).validate(now, LEEWAY_SECONDS)
    except (InvalidClaimError, MissingClaimError) as error:
        raise NotBelieved(REASONS.get(str(getattr(error, "claim", "")), Reason.CLAIMS)) from None
    except JoseError:
        raise NotBelieved(Reason.TIMES) from None


def _check_sign_in(claims: Mapping[str, Any], max_age_seconds: int | None, now: int) -> None:
    signed_in_at = authenticated_at(claims)
    if signed_in_at is not None and signed_in_at.timestamp() > now + LEEWAY_SECONDS:
        raise NotBelieved(Reason.TIMES)
    if max_age_seconds is None:
        return
    if signed_in_at is None or now - signed_in_at.timestamp() > max_age_seconds + LEEWAY_SECONDS:
        raise NotBelieved(Reason.SIGN_IN_TOO_OLD)


def _check_token_hash(said: object, algorithm: str, access_token: str) -> None:
    if said is None:
        return
    digest = HASHES[algorithm](access_token.encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
    if not isinstance(said, str) or not compare_digest(said.encode("utf-8", "replace"), half):
        raise NotBelieved(Reason.TOKEN_HASH)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotBelieved(Reason.TIMES)
    return float(value)
