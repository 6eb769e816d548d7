"""Attacks on the ID token: who signed it, for whom, when, and for which sign-in."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from flask import jsonify
from joserfc.jwk import ECKey, OKPKey, RSAKey

from tests.providers.refusals import assert_refused
from tests.support.identity_provider import (
    ABSENT,
    CALLBACK,
    CLIENT_ID,
    CLIENT_SECRET,
    Browser,
    HostileProvider,
    connected,
    public,
    rsa_key,
    signed,
)
from webapp import clock
from webapp.providers.base import Attempt
from webapp.providers.errors import (
    NotBelieved,
    Reason,
)

EVERY_ALGORITHM = ["none", "HS256", "HS512", "RS256", "PS256", "ES256", "EdDSA"]


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def by_secret(secret: bytes, **header: object) -> Callable[[dict[str, Any]], str]:
    """Return what signs with a shared secret, by hand: joserfc refuses such secrets."""

    def sign(claims: dict[str, Any]) -> str:
        head = f"{encoded({'alg': 'HS256', **header})}.{encoded(claims)}"
        signature = hmac.new(secret, head.encode(), hashlib.sha256).digest()
        return f"{head}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"

    return sign


def by_evil_key(**header: object) -> Callable[[dict[str, Any]], str]:
    """Return what signs with a key that is not the provider's, and says so in the header."""
    return lambda claims: signed({"alg": "RS256", "kid": "k-1", **header}, claims, rsa_key("evil"))


@pytest.mark.parametrize(
    "signer",
    [
        lambda claims: f"{encoded({'alg': 'none'})}.{encoded(claims)}.",
        lambda claims: f"{encoded({'alg': 'none', 'kid': 'k-1'})}.{encoded(claims)}.",
        lambda claims: f"{encoded({'alg': 'NONE'})}.{encoded(claims)}.",
        by_secret(rsa_key("honest", "k-1").as_pem(private=False), kid="k-1"),
        by_secret(json.dumps(rsa_key("honest", "k-1").as_dict(private=False)).encode(), kid="k-1"),
        by_secret(b""),
        by_secret(CLIENT_SECRET.encode()),
        by_evil_key(),
        by_evil_key(jwk=dict(rsa_key("evil").as_dict(private=False))),
        by_evil_key(jku="https://evil.example.org/keys"),
        by_evil_key(x5u="https://evil.example.org/certificate"),
        lambda claims: signed({"alg": "RS256", "kid": "k-1", "crit": ["x"], "x": 1}, claims, rsa_key("honest", "k-1")),
        lambda claims: signed({"alg": "RS256", "b64": True, "crit": ["b64"]}, claims, rsa_key("honest", "k-1")),
        lambda claims: signed({"alg": "RS512", "kid": "k-1"}, claims, rsa_key("honest", "k-1")),
        lambda claims: signed({"alg": "RS256", "kid": ["k-1"]}, claims, rsa_key("evil")),
        lambda _claims: "not.a.token",
        lambda _claims: "e30.e30",
        lambda _claims: f"{encoded(['alg'])}.e30.",
        lambda _claims: f"{encoded({'alg': ['RS256']})}.e30.",
        lambda _claims: f"{base64.urlsafe_b64encode(b'[' * 3_000).decode()}.e30.",
    ],
    ids=[
        "none",
        "none-kid",
        "none-capital",
        "hs-pem",
        "hs-jwk",
        "hs-empty",
        "hs-secret",
        "evil-kid",
        "jwk",
        "jku",
        "x5u",
        "crit",
        "crit-known",
        "rs512",
        "kid-list",
        "garbage",
        "two-parts",
        "header-list",
        "alg-list",
        "nested",
    ],
)
@pytest.mark.parametrize("advertised", [False, True], ids=["", "advertised"])
def test_A13_algorithm_or_key_that_the_token_chooses_is_refused(
    theirs: HostileProvider, signer: Callable[[dict[str, Any]], str], advertised: bool
) -> None:
    if advertised:
        theirs.discovery_changes = {"id_token_signing_alg_values_supported": EVERY_ALGORITHM}
    theirs.signer = signer
    assert_refused(theirs, Reason.SIGNATURE)


def test_A13_published_shared_secret_is_no_key(theirs: HostileProvider) -> None:
    theirs.discovery_changes = {"id_token_signing_alg_values_supported": EVERY_ALGORITHM}
    secret = b"s" * 32
    theirs.key_set = [{"kty": "oct", "kid": "k-1", "k": base64.urlsafe_b64encode(secret).decode().rstrip("=")}]
    theirs.signer = by_secret(secret, kid="k-1")
    assert_refused(theirs, Reason.SIGNATURE)


def test_A13_provider_that_signs_with_no_algorithm_of_ours_is_never_asked_for_a_token(theirs: HostileProvider) -> None:
    theirs.discovery_changes = {"id_token_signing_alg_values_supported": ["none", "HS256", "RS1"]}
    assert_refused(theirs, Reason.ALGORITHMS, tokens=0)


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
def test_every_algorithm_of_ours_is_believed_with_its_hash_of_the_access_token(
    theirs: HostileProvider, algorithm: str
) -> None:
    generated: dict[str, Callable[[], RSAKey | ECKey | OKPKey]] = {
        "ES256": lambda: ECKey.generate_key("P-256", {"kid": "k-9"}),
        "EdDSA": lambda: OKPKey.generate_key("Ed25519", {"kid": "k-9"}),
    }
    key = generated.get(algorithm, lambda: rsa_key("honest", "k-9"))()
    theirs.discovery_changes = {"id_token_signing_alg_values_supported": [algorithm]}
    theirs.algorithm, theirs.signing_key, theirs.key_set = algorithm, key, public(key)
    theirs.token_changes = {"access_token": "a-token"}
    digest = (hashlib.sha512 if algorithm == "EdDSA" else hashlib.sha256)(b"a-token").digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    theirs.claims_changes = {"at_hash": half}
    theirs.replies["userinfo"] = lambda: jsonify(sub="u-1")
    assert Browser(connected(theirs), theirs).sign_in().claims.subject == "u-1"


@pytest.mark.parametrize("said", ["", "AAAAAAAAAAAAAAAAAAAAAA", 7, ["x"]], ids=repr)
def test_hash_of_another_access_token_is_refused(theirs: HostileProvider, said: object) -> None:
    theirs.claims_changes = {"at_hash": said}
    assert_refused(theirs, Reason.TOKEN_HASH)


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "RSA", "kid": "k-1"},
        {"kty": "RSA", "kid": "k-1", "n": "AQAB", "e": "AQAB"},
        {"kty": "RSA", "kid": "k-1", "n": 7, "e": []},
        {"kty": "EC", "kid": "k-1", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "AKP", "kid": "k-1", "pub": "AA"},
        {"kty": ["RSA"]},
        "no key",
        None,
    ],
    ids=repr,
)
def test_keys_of_no_use_are_passed_over(theirs: HostileProvider, key: Any) -> None:
    theirs.key_set = [key, *public(theirs.key)]
    assert Browser(connected(theirs), theirs).sign_in().claims.subject == "u-1"


def test_key_for_encryption_signs_nothing(theirs: HostileProvider) -> None:
    theirs.key_set = [{**public(theirs.key)[0], "use": "enc"}]
    assert_refused(theirs, Reason.SIGNATURE)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "somebody-else", "azp": CLIENT_ID},
        {"aud": ["a", "b"], "azp": CLIENT_ID},
        {"aud": [CLIENT_ID, "b"]},
        {"aud": [CLIENT_ID, "b"], "azp": "b"},
        {"aud": CLIENT_ID, "azp": "b"},
        {"aud": [CLIENT_ID, 7], "azp": CLIENT_ID},
        {"aud": {CLIENT_ID: 1}},
        {"aud": []},
        {"aud": CLIENT_ID + " "},
        {"aud": ABSENT, "azp": CLIENT_ID},
    ],
    ids=repr,
)
def test_A14_token_for_somebody_else_is_refused(theirs: HostileProvider, changes: dict[str, Any]) -> None:
    theirs.claims_changes = changes
    assert_refused(theirs, Reason.AUDIENCE)


@pytest.mark.parametrize("changes", [{"aud": [CLIENT_ID]}, {"aud": [CLIENT_ID, "b"], "azp": CLIENT_ID}], ids=repr)
def test_A14_token_for_us_and_others_names_us_twice(theirs: HostileProvider, changes: dict[str, Any]) -> None:
    theirs.claims_changes = changes
    assert Browser(connected(theirs), theirs).sign_in().claims.subject == "u-1"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://accounts.example.org"}, Reason.ISSUER),
        ({"iss": ABSENT}, Reason.ISSUER),
        ({"iss": 7}, Reason.ISSUER),
        ({"nonce": ABSENT}, Reason.NONCE),
        ({"nonce": ABSENT, "nonce_supported": False}, Reason.NONCE),
        ({"nonce": ["x"]}, Reason.NONCE),
        ({"exp": ABSENT}, Reason.TIMES),
        ({"exp": "tomorrow"}, Reason.TIMES),
        ({"exp": True}, Reason.TIMES),
        ({"exp": -31}, Reason.TIMES),
        ({"iat": 31}, Reason.TIMES),
        ({"iat": -640}, Reason.TIMES),
        ({"iat": float("nan")}, Reason.TIMES),
        ({"iat": -31_536_000}, Reason.TIMES),
        ({"nbf": 40}, Reason.TIMES),
        ({"auth_time": "now"}, Reason.TIMES),
        ({"auth_time": 40}, Reason.TIMES),
        ({"auth_time": 1e300}, Reason.TIMES),
    ],
    ids=repr,
)
def test_token_of_another_time_or_sign_in_is_refused(
    theirs: HostileProvider, changes: dict[str, Any], reason: Reason
) -> None:
    with time_machine.travel(clock.now(), tick=False):  # a second more or less is what they are about
        theirs.claims_changes = {name: in_seconds(name, value) for name, value in changes.items()}
        assert_refused(theirs, reason)


def in_seconds(name: str, value: Any) -> Any:
    """Return the time so many seconds from now, for the times among claims."""
    is_time = (
        name in ("exp", "iat", "nbf", "auth_time") and isinstance(value, int | float) and not isinstance(value, bool)
    )
    return int(time.time()) + value if is_time else value


@pytest.mark.parametrize(
    "changes", [{"exp": -20}, {"iat": 20}, {"iat": -610}, {"nbf": 20}, {"auth_time": 20}], ids=repr
)
def test_clocks_may_differ_a_little(theirs: HostileProvider, changes: dict[str, Any]) -> None:
    with time_machine.travel(clock.now(), tick=False):
        theirs.claims_changes = {name: in_seconds(name, value) for name, value in changes.items()}
        assert Browser(connected(theirs), theirs).sign_in().claims.subject == "u-1"


@pytest.mark.parametrize("changes", [{"auth_time": ABSENT}, {"auth_time": 1_000_000}], ids=repr)
def test_fresh_sign_in_is_asked_for_and_looked_at(theirs: HostileProvider, changes: dict[str, Any]) -> None:
    ours = connected(theirs)
    Browser(ours, theirs, Attempt.new(CALLBACK, max_age_seconds=600)).sign_in()
    assert theirs.seen["authorize"]["max_age"] == "600"
    theirs.claims_changes = changes
    with pytest.raises(NotBelieved) as refused:
        Browser(ours, theirs, Attempt.new(CALLBACK, max_age_seconds=600)).sign_in()
    assert refused.value.reason == Reason.SIGN_IN_TOO_OLD


def test_prompt_is_passed_on(theirs: HostileProvider) -> None:
    Browser(connected(theirs), theirs).leave(prompt="login")
    assert theirs.seen["authorize"]["prompt"] == "login"
