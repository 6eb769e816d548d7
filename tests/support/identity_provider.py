"""The demo's OpenID provider on loopback, over real HTTP, with switches for everything a hostile one does.

Every endpoint counts its hits: that nothing was asked is the proof that a refusal came before it.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from flask import Flask, Response, abort, jsonify, redirect, request
from joserfc import jws, jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import Client

from webapp.blueprints.demo_provider.routes import credentials_in
from webapp.providers.addresses import PrivateProviders
from webapp.providers.base import Attempt, Connection, Provider, SignedIn, Surroundings
from webapp.providers.demo_identity_provider import DemoClient, DemoIdentityProvider, Grant, Reply, challenge
from webapp.providers.http import Network
from webapp.providers.registry import provider_for

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CLIENT_ID: Final = "vestibule"
# With what must be encoded before it is sent (RFC 6749, section 2.3.1)
CLIENT_SECRET: Final = "canary: 100% secret+ü"
CALLBACK: Final = "https://vestibule.example.org/sso/callback/1"


class Absent(Enum):
    """As a value of a switch: leave it out. Its name is the same in every process that collects the tests."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT

PEOPLE: Final = {
    "u-1": {"email": "mia@example.org", "email_verified": True, "name": "Mia Sommer", "groups": ["staff", "desk"]},
    "u-2": {"email": "theo@example.org", "email_verified": True, "name": "Theo Winter"},
}
Changes = dict[str, Any]


@cache
def rsa_key(name: str, kid: str | None = None, size: int = 2048) -> RSAKey:
    """Return the same RSA key for the same name, under an id of one's choice; None gives it none."""
    if kid is not None:
        return RSAKey.import_key({**rsa_key(name, size=size).as_dict(private=True), "kid": kid})
    return RSAKey.generate_key(size, {"use": "sig"})


@dataclass
class HostileProvider(DemoIdentityProvider):
    """The demo's provider with switches; with none of them set it is an honest one.

    `..._changes` are laid over what it would say; a value of ABSENT takes something out. `key_set` replaces the public
    keys. `header` is laid over the header of ID tokens. `signer` makes the ID token from its claims by itself. What is
    in `replies` answers in the place of an endpoint. `person` agrees to every request; None refuses.
    """

    person: str | None = "u-1"
    discovery_changes: Changes = field(default_factory=dict)
    claims_changes: Changes = field(default_factory=dict)
    token_changes: Changes = field(default_factory=dict)
    userinfo_changes: Changes = field(default_factory=dict)
    callback_changes: Changes = field(default_factory=dict)
    header: Changes = field(default_factory=dict)
    algorithm: str = "RS256"
    signing_key: Key | None = None
    key_set: Sequence[Mapping[str, Any]] | None = None
    signer: Callable[[dict[str, Any]], str] | None = None
    ignores_pkce: bool = False
    replies: dict[str, Callable[[], Response]] = field(default_factory=dict)
    hits: Counter[str] = field(default_factory=Counter)
    seen: dict[str, Any] = field(default_factory=dict)
    connection_key: str = field(default_factory=lambda: uuid4().hex)

    def discovery(self) -> dict[str, Any]:
        """Describe this provider, or another one."""
        return laid_over(super().discovery(), self.discovery_changes)

    def jwks(self) -> dict[str, Any]:
        """Return public keys."""
        return super().jwks() if self.key_set is None else {"keys": list(self.key_set)}

    def parameters(self, asked: Mapping[str, str], subject: str | None) -> list[tuple[str, str]]:
        """Return what the browser brings back; a list of values is brought as often."""
        self.seen["authorize"] = dict(asked)
        changed = laid_over(dict(super().parameters(asked, subject)), self.callback_changes)
        several = {name: value if isinstance(value, list) else [value] for name, value in changed.items()}
        return [(name, value) for name, values in several.items() for value in values]

    def token(self, form: Mapping[str, str], credentials: tuple[str, str] | None) -> Reply:
        """Exchange a code or a refresh token, with or without a look at the verifier."""
        grant = self.codes.get(form.get("code", ""))
        if grant and self.ignores_pkce:
            asked = {**grant.asked, "code_challenge": challenge(form.get("code_verifier", ""))}
            self.codes[form["code"]] = replace(grant, asked=asked)
        return super().token(form, credentials)

    def tokens(self, grant: Grant, *, is_refresh: bool) -> dict[str, Any]:
        """Return what the token endpoint gives."""
        return laid_over(super().tokens(grant, is_refresh=is_refresh), self.token_changes)

    def claims(self, grant: Grant, *, is_refresh: bool) -> dict[str, Any]:
        """Return what the ID token says."""
        return laid_over(super().claims(grant, is_refresh=is_refresh), self.claims_changes)

    def sign(self, said: Mapping[str, Any]) -> str:
        """Return an ID token, signed well or not."""
        if self.signer:
            return self.signer(dict(said))
        key = self.signing_key or self.key
        header = laid_over({"alg": self.algorithm, "kid": key.kid}, self.header)
        return signed({k: v for k, v in header.items() if v is not None}, dict(said), key)


class _AnyHeader(jws.JWSRegistry):
    """Signs whatever header there is, and warns of nothing."""

    def check_header(self, header: dict[str, Any]) -> None:
        """Take it."""

    def get_alg(self, name: str) -> Any:
        """Return it without a warning."""
        return self.algorithms[name]


def signed(header: dict[str, Any], said: dict[str, Any], key: Key) -> str:
    """Return a token with this very header."""
    return jwt.encode(header, said, key, registry=_AnyHeader(algorithms=[header["alg"]]), default_type=None)


def laid_over(said: dict[str, Any], changes: Changes) -> dict[str, Any]:
    """Return what is said with changes; those that are ABSENT are left out."""
    return {name: value for name, value in {**said, **changes}.items() if value is not ABSENT}


def public(*keys: RSAKey | ECKey | OKPKey) -> list[dict[str, Any]]:
    """Return the public halves of keys."""
    return [dict(key.as_dict(private=False)) for key in keys]


def application(provider: HostileProvider, path: str = "") -> "WSGIApplication":
    """Return the provider as an application whose endpoints are below `path`."""
    endpoints = _endpoints(path)

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        return endpoints({**environ, "provider": provider}, start_response)

    return answer


def _ours() -> HostileProvider:
    found: HostileProvider = request.environ["provider"]
    return found


@cache
def _endpoints(path: str) -> Flask:
    """Return the endpoints of all providers whose issuers end alike: making them takes longer than asking one."""
    app = Flask("identity_provider")

    @app.before_request
    def count() -> Response | None:
        provider, endpoint = _ours(), request.endpoint or "unknown"
        provider.hits[endpoint] += 1
        return provider.replies[endpoint]() if endpoint in provider.replies else None

    @app.get(f"{path}/.well-known/openid-configuration")
    def discovery() -> Response:
        return jsonify(_ours().discovery())

    @app.get(f"{path}/jwks")
    def jwks() -> Response:
        return jsonify(_ours().jwks())

    @app.get(f"{path}/authorize")
    def authorize() -> Any:
        provider, asked = _ours(), request.args.to_dict()
        return redirect(provider.answer(asked, provider.person)) if provider.is_known(asked) else abort(400)

    @app.post(f"{path}/token")
    def token() -> Any:
        provider = _ours()
        provider.seen["token"] = {"form": request.form.to_dict(), "authorization": request.headers.get("Authorization")}
        reply = provider.token(request.form, credentials_in(request.authorization))
        return jsonify(reply.body), reply.status

    @app.get(f"{path}/userinfo")
    def userinfo() -> Any:
        provider = _ours()
        provider.seen["userinfo"] = {"query": request.args.to_dict()}
        shown = request.authorization.token if request.authorization else None
        reply = provider.userinfo(shown or "")
        return jsonify(laid_over(reply.body, provider.userinfo_changes)), reply.status

    return app


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Print nothing."""


@contextmanager
def served(app: "WSGIApplication", host: str = "127.0.0.1") -> Iterator[str]:
    """Serve an application on a free port within the block; give its address."""
    server = make_server(host, 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def running_provider(path: str = "") -> Iterator[HostileProvider]:
    """Run a provider on loopback within the block; `path` is what its issuer ends with."""
    key = rsa_key("honest", "k-1")
    client = DemoClient(CLIENT_SECRET, (CALLBACK,))
    people = {subject: dict(claims) for subject, claims in PEOPLE.items()}
    provider = HostileProvider("", {CLIENT_ID: client}, people, key)
    with served(application(provider, path)) as address:
        provider.issuer = address + path
        yield provider


LOOPBACK: Final = Surroundings(Network(PrivateProviders(["127.0.0.1"])), is_demo=True)


def connection_to(provider: HostileProvider, **more: Any) -> Connection:
    """Return an organization's connection to a provider."""
    given = {"key": provider.connection_key, "kind": "oidc", "issuer": provider.issuer, "client_id": CLIENT_ID, **more}
    return Connection(client_secret=CLIENT_SECRET, **given)


def connected(provider: HostileProvider, **more: Any) -> Provider:
    """Return our side of a connection to a provider on loopback."""
    return provider_for(connection_to(provider, **more), LOOPBACK)


@dataclass
class Browser:
    """Somebody's browser on the way to a provider and back: follows one redirect, and stops before our callback."""

    ours: Provider
    theirs: HostileProvider
    attempt: Attempt = field(default_factory=lambda: Attempt.new(CALLBACK))

    def leave(self, **more: Any) -> list[tuple[str, str]]:
        """Go to the provider; return what the browser brings back."""
        address = urlsplit(self.ours.begin(self.attempt, **more))
        theirs = Client(application(self.theirs, address.path.removesuffix("/authorize")))
        answer = theirs.get(f"{address.path}?{address.query}")
        assert answer.status_code == 302, answer.status
        return parse_qsl(urlsplit(answer.location).query, keep_blank_values=True)

    def sign_in(self) -> SignedIn:
        """Go to the provider and come back."""
        return self.ours.finish(self.attempt, self.leave())
