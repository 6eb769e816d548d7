"""Attacks on what a provider says after the token: userinfo, refreshed tokens, and where secrets go."""

import logging
from typing import Any

import pytest
from flask import Response

from tests.providers.refusals import assert_refused, refusal_of
from tests.support.identity_provider import (
    ABSENT,
    CLIENT_SECRET,
    Browser,
    HostileProvider,
    connected,
    connection_to,
)
from webapp.providers.errors import (
    DoesNotAnswer,
    NotBelieved,
    Reason,
    SaidNo,
)

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


def test_token_that_was_exchanged_before_something_went_wrong_is_not_lost(theirs: HostileProvider) -> None:
    who = Browser(connected(theirs), theirs).sign_in()
    theirs.replies["userinfo"] = lambda: Response(status=503)
    with pytest.raises(DoesNotAnswer) as refused:
        connected(theirs).refresh(who.refresh_token or "", "u-1")
    theirs.replies.clear()
    token = refused.value.refresh_token
    assert token not in (None, who.refresh_token)
    assert str(token) not in f"{refused.value} {refused.value!r}"
    assert connected(theirs).refresh(str(token), "u-1").claims.subject == "u-1"


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
