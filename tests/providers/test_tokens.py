"""Attacks on what comes back from a provider: states, codes, tokens and userinfo."""

import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Response, jsonify
from joserfc.jwk import ECKey, OKPKey, RSAKey

from tests.providers.refusals import assert_refused, refusal_of
from tests.support.identity_provider import (
    ABSENT,
    CALLBACK,
    CLIENT_ID,
    CLIENT_SECRET,
    Browser,
    HostileProvider,
    connected,
    connection_to,
    public,
    rsa_key,
    signed,
)
from webapp.providers.base import Attempt
from webapp.providers.errors import (
    CallbackRefused,
    DoesNotAnswer,
    Misconfigured,
    NotBelieved,
    ProviderError,
    Reason,
    SaidNo,
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


# ---- the callback ----


@pytest.mark.parametrize("state", [ABSENT, "", "another", "\u00e9", "s" * 10_000], ids=repr)
def test_A09_state_that_is_not_the_attempts_asks_nobody(theirs: HostileProvider, state: object) -> None:
    theirs.callback_changes = {"state": state}
    assert_refused(theirs, Reason.STATE, tokens=0)


@pytest.mark.parametrize("between", [[], ["another"]], ids=repr)
def test_A09_doubled_state_asks_nobody(theirs: HostileProvider, between: list[str]) -> None:
    browser = Browser(connected(theirs), theirs)
    theirs.callback_changes = {"state": [browser.attempt.state, *between, browser.attempt.state]}
    with pytest.raises(CallbackRefused) as refused:
        browser.sign_in()
    assert (refused.value.reason, theirs.hits["token"]) == (Reason.STATE, 0)


def test_A09_state_and_code_of_another_browser_ask_nobody(theirs: HostileProvider) -> None:
    victim, attacker = (Browser(connected(theirs), theirs) for _ in range(2))
    with pytest.raises(CallbackRefused) as refused:
        victim.ours.finish(victim.attempt, attacker.leave())
    assert (refused.value.reason, theirs.hits["token"]) == (Reason.STATE, 0)


@pytest.mark.parametrize("code", [ABSENT, "", ["a", "b"], "c" * 10_000], ids=["none", "empty", "two", "long"])
def test_A09_callback_without_one_code_asks_nobody(theirs: HostileProvider, code: object) -> None:
    theirs.callback_changes = {"code": code}
    assert_refused(theirs, Reason.CALLBACK, tokens=0)


@pytest.mark.parametrize(
    ("ignores_pkce", "kind", "reason"), [(False, SaidNo, Reason.EXPIRED), (True, NotBelieved, Reason.NONCE)]
)
def test_A11_code_of_somebody_else_is_refused_by_verifier_and_by_nonce(
    theirs: HostileProvider, ignores_pkce: bool, kind: type[ProviderError], reason: Reason
) -> None:
    theirs.ignores_pkce = ignores_pkce
    victim, attacker = (Browser(connected(theirs), theirs) for _ in range(2))
    injected = {**dict(attacker.leave()), "state": victim.attempt.state}
    with pytest.raises(kind) as refused:
        victim.ours.finish(victim.attempt, list(injected.items()))
    assert (refused.value.reason, theirs.hits["userinfo"]) == (reason, 0)


def test_A11_code_works_once(theirs: HostileProvider) -> None:
    browser = Browser(connected(theirs), theirs)
    brought = browser.leave()
    browser.ours.finish(browser.attempt, brought)
    with pytest.raises(SaidNo):
        browser.ours.finish(browser.attempt, brought)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://accounts.example.org"},
        {"iss": ""},
        {"iss": ABSENT},
        {"iss": "https://accounts.example.org", "code": ABSENT, "error": "access_denied"},
        {"iss": ABSENT, "code": ABSENT, "error": "access_denied"},
    ],
)
def test_A12_answer_of_another_provider_asks_nobody(theirs: HostileProvider, changes: dict[str, Any]) -> None:
    theirs.callback_changes = changes
    assert_refused(theirs, Reason.ISSUER_PARAMETER, tokens=0)


@pytest.mark.parametrize("changes", [{"iss": "https://accounts.example.org"}, {"iss": ["a", "a"]}])
def test_A12_named_provider_counts_also_where_none_has_to_be(theirs: HostileProvider, changes: dict[str, Any]) -> None:
    theirs.discovery_changes = {"authorization_response_iss_parameter_supported": ABSENT}
    theirs.callback_changes = changes
    assert isinstance(refusal_of(theirs), CallbackRefused)
    assert theirs.hits["token"] == 0


def test_provider_need_not_name_itself_where_it_never_said_so(theirs: HostileProvider) -> None:
    theirs.discovery_changes = {"authorization_response_iss_parameter_supported": ABSENT}
    theirs.callback_changes = {"iss": ABSENT}
    assert Browser(connected(theirs), theirs).sign_in().claims.subject == "u-1"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("access_denied", SaidNo),
        ("login_required", SaidNo),
        ("temporarily_unavailable", DoesNotAnswer),
        ("server_error", DoesNotAnswer),
        ("unauthorized_client", Misconfigured),
        ("invalid_scope", Misconfigured),
        ("<script>", Misconfigured),
    ],
)
def test_error_brought_back_says_who_can_help(theirs: HostileProvider, error: str, kind: type[ProviderError]) -> None:
    theirs.callback_changes = {"code": ABSENT, "error": error, "error_description": "canary"}
    refused = refusal_of(theirs)
    assert type(refused) is kind
    assert theirs.hits["token"] == 0
    assert "canary" not in str(refused)


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        (400, {"error": "invalid_grant"}, SaidNo, Reason.EXPIRED),
        (401, {"error": "invalid_client"}, Misconfigured, Reason.CLIENT),
        (401, {}, Misconfigured, Reason.CLIENT),
        (400, {"error": ["invalid_grant"]}, Misconfigured, Reason.REQUEST),
        (200, {"error": {"x": 1}}, NotBelieved, Reason.TOKEN_ANSWER),
        (200, {"error": "invalid_grant"}, SaidNo, Reason.EXPIRED),
        (429, {}, DoesNotAnswer, Reason.FAILING),
        (500, {"error": "invalid_grant"}, DoesNotAnswer, Reason.FAILING),
        (200, ["a"], NotBelieved, Reason.NOT_JSON),
        (200, {}, NotBelieved, Reason.TOKEN_ANSWER),
        (200, {"access_token": "t", "token_type": "mac"}, NotBelieved, Reason.TOKEN_ANSWER),
        (200, {"access_token": "a\r\nb", "token_type": "Bearer"}, NotBelieved, Reason.TOKEN_ANSWER),
        (200, {"access_token": {"a": 1}, "token_type": "Bearer"}, NotBelieved, Reason.TOKEN_ANSWER),
        (200, {"access_token": "t", "token_type": "Bearer", "id_token": 7}, NotBelieved, Reason.TOKEN_ANSWER),
    ],
)
def test_answer_of_the_token_endpoint_says_who_can_help(
    theirs: HostileProvider, status: int, body: Any, kind: type[ProviderError], reason: Reason
) -> None:
    def reply() -> Response:
        answer = jsonify(body)
        answer.status_code = status
        return answer

    theirs.replies["token"] = reply
    refused = refusal_of(theirs)
    assert (type(refused), refused.reason) == (kind, reason)
    assert theirs.hits["userinfo"] == 0


# ---- the token ----


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
        ({"auth_time": 1e300}, Reason.TIMES),
    ],
    ids=repr,
)
def test_token_of_another_time_or_sign_in_is_refused(
    theirs: HostileProvider, changes: dict[str, Any], reason: Reason
) -> None:
    theirs.claims_changes = {name: in_seconds(name, value) for name, value in changes.items()}
    assert_refused(theirs, reason)


def in_seconds(name: str, value: Any) -> Any:
    """Return the time so many seconds from now, for the times among claims."""
    is_time = name in ("exp", "iat", "nbf") and isinstance(value, int | float) and not isinstance(value, bool)
    return int(time.time()) + value if is_time else value


@pytest.mark.parametrize("changes", [{"exp": -20}, {"iat": 20}, {"iat": -610}, {"nbf": 20}], ids=repr)
def test_clocks_may_differ_a_little(theirs: HostileProvider, changes: dict[str, Any]) -> None:
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


# ---- userinfo ----


@pytest.mark.parametrize("sub", ["u-2", "U-1", "u-1 ", "", 1, None, ABSENT], ids=repr)
def test_A15_userinfo_about_somebody_else_is_refused(theirs: HostileProvider, sub: object) -> None:
    theirs.userinfo_changes = {"sub": sub}
    assert_refused(theirs, Reason.OTHER_SUBJECT, userinfo=1)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, "<html>Welcome</html>", Reason.NOT_JSON),
        (200, '["u-1"]', Reason.NOT_JSON),
        (200, "[" * 100_000, Reason.NOT_JSON),
        (200, '{"sub": NaN}', Reason.NOT_JSON),
        (401, "{}", Reason.USERINFO),
        (500, "{}", Reason.FAILING),
    ],
    ids=["html", "list", "nested", "nan", "401", "500"],
)
def test_A15_userinfo_that_is_none_is_refused(theirs: HostileProvider, status: int, body: str, reason: Reason) -> None:
    theirs.replies["userinfo"] = lambda: Response(body, status)
    assert_refused(theirs, reason, userinfo=1)


def test_A15_access_token_travels_in_the_header_only(theirs: HostileProvider) -> None:
    Browser(connected(theirs), theirs).sign_in()
    assert theirs.seen["userinfo"] == {"query": {}}


def test_provider_without_userinfo_says_it_in_the_token(theirs: HostileProvider) -> None:
    theirs.discovery_changes = {"userinfo_endpoint": ABSENT}
    theirs.claims_changes = {"email": "mia@example.org", "email_verified": True}
    claims = Browser(connected(theirs), theirs).sign_in().claims
    assert (claims.email, claims.email_verified, claims.groups) == ("mia@example.org", True, None)


@pytest.mark.parametrize("change", [{"id_token": ABSENT}, {"id_token": ""}, {"id_token": None}], ids=repr)
def test_A19_answer_without_id_token_is_refused(theirs: HostileProvider, change: dict[str, Any]) -> None:
    theirs.token_changes = change
    assert_refused(theirs, Reason.NO_ID_TOKEN)


# ---- refresh ----


def test_refresh_tells_no_from_no_answer(theirs: HostileProvider) -> None:
    who = Browser(connected(theirs), theirs).sign_in()
    theirs.replies["token"] = lambda: Response(status=503)
    with pytest.raises(DoesNotAnswer):
        connected(theirs).refresh(who.refresh_token or "", "u-1")
    theirs.replies.clear()
    with pytest.raises(SaidNo):
        connected(theirs).refresh("withdrawn", "u-1")


def test_refresh_without_id_token_compares_userinfo(theirs: HostileProvider) -> None:
    who = Browser(connected(theirs), theirs).sign_in()
    theirs.token_changes = {"id_token": ABSENT, "refresh_token": ABSENT}
    theirs.userinfo_changes = {"sub": "u-2"}
    with pytest.raises(NotBelieved) as refused:
        connected(theirs).refresh(who.refresh_token or "", "u-1")
    assert refused.value.reason == Reason.OTHER_SUBJECT


def test_refresh_that_says_nothing_about_anybody_is_refused(theirs: HostileProvider) -> None:
    theirs.discovery_changes = {"userinfo_endpoint": ABSENT}
    who = Browser(connected(theirs), theirs).sign_in()
    theirs.token_changes = {"id_token": ABSENT}
    with pytest.raises(NotBelieved) as refused:
        connected(theirs).refresh(who.refresh_token or "", "u-1")
    assert refused.value.reason == Reason.NO_ID_TOKEN


def test_refresh_token_that_does_not_rotate_is_kept(theirs: HostileProvider) -> None:
    who = Browser(connected(theirs), theirs).sign_in()
    theirs.token_changes = {"refresh_token": ABSENT}
    assert connected(theirs).refresh(who.refresh_token or "", "u-1").refresh_token == who.refresh_token


# ---- secrets ----


def test_A25_secret_goes_to_the_token_endpoint_and_nowhere_else(
    theirs: HostileProvider, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        connection, browser = connection_to(theirs), Browser(connected(theirs), theirs)
        address = browser.ours.begin(browser.attempt)
        who = browser.sign_in()
        theirs.replies["token"] = lambda: Response(CLIENT_SECRET, 400)
        refused = refusal_of(theirs)
    written = [repr(connection), repr(browser.attempt), repr(who), repr(refused), str(refused), address, caplog.text]
    for secret in (CLIENT_SECRET, browser.attempt.verifier, who.refresh_token or "?"):
        assert not [text for text in written if secret in text]
