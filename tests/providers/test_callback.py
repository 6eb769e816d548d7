"""Attacks on what a browser comes back with: states, codes, issuers, and the exchange of a code."""

from typing import Any

import pytest
from flask import Response, jsonify

from tests.providers.refusals import assert_refused, refusal_of
from tests.support.identity_provider import (
    ABSENT,
    Browser,
    HostileProvider,
    connected,
)
from webapp.providers.errors import (
    CallbackRefused,
    DoesNotAnswer,
    Misconfigured,
    NotBelieved,
    ProviderError,
    Reason,
    SaidNo,
)


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
