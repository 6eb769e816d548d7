"""What an OpenID provider says of itself (OpenID Connect Discovery 1.0), as far as we use and believe it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from authlib.oidc.discovery import get_well_known_url

from webapp.providers.errors import DoesNotAnswer, Misconfigured, OtherIssuer, Reason
from webapp.providers.http import Conversation, checked_address

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA")
METHODS: Final = ("client_secret_basic", "client_secret_post")


@dataclass(frozen=True)
class Metadata:
    """A provider's addresses and abilities. `algorithms` are those of ours that it signs with."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    algorithms: tuple[str, ...]
    method: str
    scopes: frozenset[str]
    sends_issuer: bool


def metadata_of(issuer: str, conversation: Conversation) -> Metadata:
    """Fetch and check what a provider says of itself.

    Raises:
        Misconfigured: it calls itself otherwise, even by one byte, or cannot do what we need.
        ProviderError: it could not be fetched.
    """
    checked_address(issuer)
    if "?" in issuer:
        raise Misconfigured(Reason.ADDRESS)
    answer = conversation.get(str(get_well_known_url(issuer, external=True)))
    if answer.status >= 500 or answer.status == 429:
        raise DoesNotAnswer(Reason.FAILING)
    if answer.status != 200:
        raise Misconfigured(Reason.DISCOVERY)
    said = answer.json_object()
    if said.get("issuer") != issuer:
        raise OtherIssuer(_address(said.get("issuer")))
    return _checked(issuer, said)


def _checked(issuer: str, said: Mapping[str, Any]) -> Metadata:
    if said.get("require_pushed_authorization_requests") is True:
        raise Misconfigured(Reason.REQUEST)
    userinfo = said.get("userinfo_endpoint")
    return Metadata(
        issuer=issuer,
        authorization_endpoint=_endpoint(issuer, said.get("authorization_endpoint")),
        token_endpoint=_endpoint(issuer, said.get("token_endpoint")),
        jwks_uri=_endpoint(issuer, said.get("jwks_uri")),
        userinfo_endpoint=None if userinfo is None else _endpoint(issuer, userinfo),
        algorithms=_ours(said, "id_token_signing_alg_values_supported", ALGORITHMS, "RS256", Reason.ALGORITHMS),
        method=_ours(said, "token_endpoint_auth_methods_supported", METHODS, METHODS[0], Reason.METHODS)[0],
        scopes=frozenset(_words(said, "scopes_supported") or ()),
        sends_issuer=said.get("authorization_response_iss_parameter_supported") is True,
    )


def _address(value: object) -> str | None:
    """Return what a provider calls itself, if that is an address at all."""
    if not isinstance(value, str):
        return None
    try:
        checked_address(value)
    except Misconfigured:
        return None
    return value


def _endpoint(issuer: str, value: object) -> str:
    if not isinstance(value, str):
        raise Misconfigured(Reason.DISCOVERY)
    scheme = checked_address(value).scheme
    if scheme != "https" and scheme != checked_address(issuer).scheme:
        raise Misconfigured(Reason.PLAIN_HTTP)
    return value


def _ours(said: Mapping[str, Any], name: str, ours: tuple[str, ...], default: str, reason: Reason) -> tuple[str, ...]:
    """Return which of ours the provider knows too, in our order; the specification's default where it says nothing."""
    words = _words(said, name)
    known = tuple(word for word in ours if word in (words if words is not None else [default]))
    if not known:
        raise Misconfigured(reason)
    return known


def _words(said: Mapping[str, Any], name: str) -> list[str] | None:
    value = said.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(word, str) and len(word) <= 100 for word in value):
        raise Misconfigured(Reason.DISCOVERY)
    return value
