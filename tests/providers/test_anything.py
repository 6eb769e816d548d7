"""Whatever a provider answers, in JSON of any shape: it is believed or refused, and nothing else happens."""

import base64
import json
import time
from contextlib import suppress
from typing import Any

from flask import jsonify
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.identity_provider import Browser, connected, public, rsa_key, running_provider
from webapp.providers import id_token, keys
from webapp.providers.discovery import ALGORITHMS
from webapp.providers.errors import ProviderError
from webapp.providers.http import Answer
from webapp.providers.id_token import Expected
from webapp.providers.oauth import Tokens, tokens_in

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.just("vestibule"),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=10,
)
NAMES_IN_TOKENS = ["iss", "sub", "aud", "azp", "exp", "nbf", "iat", "auth_time", "nonce", "amr", "acr", "at_hash"]
NAMES_IN_ANSWERS = [
    "access_token",
    "token_type",
    "id_token",
    "refresh_token",
    "expires_in",
    "expires_at",
    "error",
    "error_description",
]
NAMES_IN_DESCRIPTIONS = [
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "userinfo_endpoint",
    "id_token_signing_alg_values_supported",
    "token_endpoint_auth_methods_supported",
    "scopes_supported",
    "require_pushed_authorization_requests",
]
NAMES_IN_HEADERS = ["alg", "kid", "typ", "crit", "b64", "jwk", "jku", "x5u", "x5c"]
NAMES_IN_KEYS = ["kty", "kid", "use", "alg", "n", "e", "crv", "x", "y", "d", "k", "key_ops"]
EXPECTED = Expected("https://idp.example.org", "vestibule", "a-token", "a-nonce")


def objects(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, JSON))


@given(objects(NAMES_IN_TOKENS))
@settings(max_examples=100, deadline=None)
def test_A17_whatever_a_token_says(changes: dict[str, Any]) -> None:
    now = int(time.time())
    good = {"iss": EXPECTED.issuer, "sub": "u-1", "aud": "vestibule", "iat": now, "exp": now + 300, "nonce": "a-nonce"}
    try:
        id_token.check({**good, **changes}, "RS256", EXPECTED)
    except ProviderError:
        return
    said = {**good, **changes}
    assert [said[name] for name in ("iss", "nonce")] == [EXPECTED.issuer, "a-nonce"]
    assert "vestibule" in said["aud"]


@given(st.sampled_from([200, 201, 400, 401, 403, 404, 418]), JSON | objects(NAMES_IN_ANSWERS))
@settings(max_examples=100, deadline=None)
def test_A17_whatever_a_token_endpoint_answers(status: int, body: Any) -> None:
    with suppress(ProviderError):
        assert isinstance(tokens_in(Answer(status, json.dumps(body).encode())), Tokens)


@given(JSON | objects(NAMES_IN_HEADERS), JSON)
@settings(max_examples=100, deadline=None)
def test_A17_whatever_is_in_a_header(header: Any, claims: Any) -> None:
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims))
    with suppress(ProviderError):
        assert (
            keys.signed_claims(".".join((*parts, "AAAA")), keys.KeySet([rsa_key("honest", "k-1")]), ALGORITHMS) is None
        )


@given(st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_A17_whatever_stands_in_the_place_of_a_token(token: str) -> None:
    with suppress(ProviderError):
        assert keys.signed_claims(token, keys.KeySet([rsa_key("honest", "k-1")]), ALGORITHMS) is None


def test_A17_whatever_a_provider_says_of_itself() -> None:
    with running_provider() as theirs:

        @given(objects(NAMES_IN_DESCRIPTIONS))
        @settings(max_examples=20, deadline=None)
        def describe(changes: dict[str, Any]) -> None:
            theirs.discovery_changes = changes
            with suppress(ProviderError):
                connected(theirs).probe()

        describe()


def test_A17_whatever_keys_there_are() -> None:
    with running_provider() as theirs:

        @given(st.lists(JSON | objects(NAMES_IN_KEYS), max_size=5))
        @settings(max_examples=20, deadline=None)
        def publish(others: list[Any]) -> None:
            theirs.key_set = [*others, *public(theirs.key)]
            connected(theirs).probe()

        publish()
        assert Browser(connected(theirs), theirs).sign_in().claims.subject == "u-1"


def test_A17_whatever_userinfo_says() -> None:
    with running_provider() as theirs:
        body: dict[str, Any] = {}
        theirs.replies["userinfo"] = lambda: jsonify(body["is"])

        @given(JSON | objects(["email", "email_verified", "name", "groups"]).map(lambda said: {"sub": "u-1", **said}))
        @settings(max_examples=20, deadline=None)
        def say(said: Any) -> None:
            body["is"] = said
            with suppress(ProviderError):
                assert Browser(connected(theirs), theirs).sign_in().claims.subject == "u-1"

        say()
