"""The tab Requests, and approving and rejecting from it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from tests.support.acme import Acme
from tests.support.asking import ask, row_of, suggest
from tests.support.pages import PANEL, RESULTS, Page
from tests.support.statements import collected
from tests.support.worlds import Person, post
from webapp.db import db
from webapp.models import EmailAddress, InvitationStatus
from webapp.queries.page import PAGE_ROWS
from webapp.services import requests

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
NO_QUERY = ("BEGIN", "PRAGMA", "COMMIT", "ROLLBACK")


@pytest.fixture
def asked(acme: Acme) -> int:
    """A visitor's request to join Acme."""
    return ask(acme, "bob@example.org")


def tab(acme: Acme, query: str = "", person: Person | None = None, **more: Any) -> Page:
    return Page(acme.browser(person or acme.manager).get(acme.address(f"members/requests{query}"), **more))


def answer(acme: Acme, person: Person | None, number: int, verb: str = "approve", **fields: Any) -> TestResponse:
    fields = {"role": "member", **fields} if verb == "approve" else fields
    return post(acme.browser(person), acme.address(f"invitations/{number}/{verb}"), **fields)


def test_tab_lists_requests_newest_first_and_says_who_asked(acme: Acme, asked: int) -> None:
    suggested = suggest(acme, acme.member, "eve@example.org")
    page = tab(acme)
    assert page.rows("invitation") == [suggested, asked]
    assert page.by_id("tab-requests").text == "Requests 2"
    assert page.by_id(f"invitation-{asked}").text.startswith("bob@example.org Asked to join,")
    assert page.by_id(f"invitation-{suggested}").text.startswith("eve@example.org Suggested by Mina Member,")


def test_request_is_on_no_other_tab_and_found_by_no_other_search(acme: Acme, asked: int) -> None:
    acme.world.invite(acme.slug, acme.owner, "bobby@example.org")
    browser = acme.browser(acme.manager)
    assert asked not in Page(browser.get(acme.address("members/pending?q=bob"))).rows("invitation")
    assert tab(acme, "?q=bob").rows("invitation") == [asked]
    assert tab(acme, "?q=bob+example").rows("invitation") == [asked]
    assert tab(acme, "?q=example+zoe").rows("invitation") == []


def test_D02_nothing_of_another_organization_is_listed(acme: Acme, asked: int) -> None:
    foreign = suggest(acme, acme.stranger, "bobby@example.org", acme.other_slug)
    assert [tab(acme, query).rows("invitation") for query in ("", "?q=bob")] == [[asked], [asked]]
    for verb in ("approve", "reject"):
        with acme.unchanged():
            assert answer(acme, acme.owner, foreign, verb).status_code == 404


def test_expired_request_is_not_listed_and_not_counted(acme: Acme) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        number = ask(acme, "bob@example.org")
        clock.shift(requests.LIFETIME)
        page = Page(acme.world.browser(acme.manager).get(acme.address("members/requests")))
        assert (page.rows("invitation"), page.by_id("tab-requests").text) == ([], "Requests 0")
        clock.shift(timedelta(seconds=-1))
        page = Page(acme.world.browser(acme.manager).get(acme.address("members/requests")))
        assert page.rows("invitation") == [number]


def test_pages_hold_fifty_and_each_request_once(acme: Acme) -> None:
    numbers = [ask(acme, f"guest{number}@example.org") for number in range(PAGE_ROWS + 3)]
    for query in ("?", "?q=example&"):
        first = tab(acme, query)
        second = Page(acme.browser(acme.manager).get(first.link("page-next") or ""))
        found = first.rows("invitation") + second.rows("invitation")
        assert (len(first.rows("invitation")), sorted(found)) == (PAGE_ROWS, numbers)


@pytest.mark.parametrize("headers", [{}, PANEL, RESULTS], ids=["page", "panel", "results"])
def test_tab_takes_at_most_six_statements(app: Flask, acme: Acme, asked: int, headers: dict[str, str]) -> None:
    browser, numbers = acme.browser(acme.manager), []
    for guests in (range(10), range(10, 20)):
        with collected(app) as found:
            assert browser.get(acme.address("members/requests?q=b+e"), headers=headers).status_code == 200
        numbers.append(len([line for line in found if not line.upper().startswith(NO_QUERY)]))
        for guest in guests:
            suggest(acme, acme.owner, f"b{guest}@example.org")
    assert numbers[0] == numbers[1] <= 6


def test_empty_tab_says_who_comes_here(acme: Acme) -> None:
    assert "settings of this organization do not allow it" in tab(acme).by_id("results").text
    acme.world.policy(acme.slug, join_requests_allowed=True)
    base_url = acme.world.app.extensions["vestibule"].base_url
    assert f" {base_url}/orgs/{acme.slug}/join" in tab(acme).by_id("results").text
    assert "No request matches" in tab(acme, "?q=bob").by_id("results").text


def test_fragment_is_what_the_page_includes(acme: Acme, asked: int) -> None:
    assert tab(acme, headers=PANEL).roots[0].id == "panel"
    assert tab(acme, headers=RESULTS).roots[0].id == "results"


def test_roles_go_up_to_ones_own(acme: Acme, asked: int) -> None:
    for person, last in ((acme.manager, "manager"), (acme.owner, "owner")):
        options = [e.attributes for e in tab(acme, person=person).elements if e.tag == "option"]
        assert options[-1]["value"] == last
        assert [o["value"] for o in options if "selected" in o] == ["member"]


def test_approving_sends_the_invitation_and_says_so(acme: Acme, asked: int) -> None:
    browser = acme.browser(acme.manager)
    said = (
        "Whoever you approve is invited to join with global access: they open every project, at the level of the role."
    )
    assert said in tab(acme).text
    done = post(browser, acme.address(f"invitations/{asked}/approve"), role="admin")
    assert row_of(acme, asked).has_global_access
    assert (done.status_code, done.location) == (303, acme.address("members/requests"))
    page = Page(browser.get(done.location))
    assert page.by_id("notices").text == "bob@example.org is invited."
    assert (page.rows("invitation"), page.by_id("tab-pending").text) == ([], "Pending 1")
    assert [letter.to_address for letter in acme.world.letters("invitation")] == ["bob@example.org"]
    assert acme.events()[-1] == "request.approved"


def test_rejecting_closes_the_request_and_says_so(acme: Acme, asked: int) -> None:
    browser = acme.browser(acme.manager)
    done = post(browser, acme.address(f"invitations/{asked}/reject"))
    assert (done.status_code, done.location) == (303, acme.address("members/requests"))
    assert Page(browser.get(done.location)).by_id("notices").text == "The request for bob@example.org is rejected."
    assert row_of(acme, asked).status is InvitationStatus.REVOKED
    assert [letter.kind for letter in acme.world.letters()][-1] == "request_rejected"


@pytest.mark.parametrize("role", ["owner", "", "emperor", "MEMBER"])
def test_C08_other_roles_are_refused_beside_the_list(acme: Acme, asked: int, role: str) -> None:
    with acme.unchanged():
        refused = answer(acme, acme.manager, asked, role=role)
    assert refused.status_code == 422
    page = Page(refused)
    assert "Please check this first" in page.text
    assert page.rows("invitation") == [asked]


@pytest.mark.parametrize("verb", ["approve", "reject"])
@pytest.mark.parametrize("person", ["member", "admin"])
def test_members_without_the_right_are_refused_and_audited(acme: Acme, asked: int, person: str, verb: str) -> None:
    with acme.unchanged():
        assert answer(acme, getattr(acme, person), asked, verb).status_code == 403
    assert acme.events()[-1] == "access.refused"
    assert acme.browser(getattr(acme, person)).get(acme.address("members/requests")).status_code == 403


@pytest.mark.parametrize("verb", ["approve", "reject"])
@pytest.mark.parametrize("person", ["suspended", "stranger"])
def test_C09_outsiders_find_nothing(acme: Acme, asked: int, person: str, verb: str) -> None:
    with acme.unchanged():
        assert answer(acme, getattr(acme, person), asked, verb).status_code == 404
    assert acme.browser(getattr(acme, person)).get(acme.address("members/requests")).status_code == 404


def test_D03_organization_in_the_form_changes_nothing(acme: Acme) -> None:
    foreign = suggest(acme, acme.stranger, "bob@example.org", acme.other_slug)
    path = acme.address(f"invitations/{foreign}/approve?org={acme.other_slug}")
    with acme.unchanged():
        sent = post(acme.browser(acme.owner), path, org=acme.other_slug, organization_id="2", role="member")
    assert sent.status_code == 404


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_what_is_no_open_request_is_not_answered(acme: Acme, asked: int, verb: str) -> None:
    invited = acme.world.invite(acme.slug, acme.owner, "ivy@example.org")
    answer(acme, acme.owner, asked)
    for number in (asked, invited.id):
        with acme.unchanged():
            assert answer(acme, acme.manager, number, verb).status_code == 409


@pytest.mark.parametrize("verb", ["resend", "link", "revoke"])
def test_C10_who_may_invite_but_not_approve_opens_no_request_by_another_way(acme: Acme, asked: int, verb: str) -> None:
    with acme.unchanged():
        refused = answer(acme, acme.admin, asked, verb)
    assert refused.status_code in (404, 409)


def test_answers_are_posts_with_their_csrf_token(acme: Acme, asked: int) -> None:
    browser = acme.browser(acme.owner)
    for verb in ("approve", "reject"):
        address = acme.address(f"invitations/{asked}/{verb}")
        with acme.unchanged():
            assert [browser.open(address, method=method).status_code for method in ("GET", "HEAD", "PUT")] == [405] * 3
            assert browser.post(address, data={"role": "member"}).status_code == 403


def test_whoever_approves_learns_that_the_membership_has_ended_and_when(acme: Acme) -> None:
    number, other = suggest(acme, acme.member, "adam@example.net"), "adam@example.net"
    theirs = {"user_id": acme.admin.user_id, "address": other, "canonical": other, "is_primary": False}
    acme.world.write(lambda: db.session.add(EmailAddress(**theirs, verified_at=NOON)))
    acme.change(acme.admin, expires_at=datetime(2026, 8, 1, tzinfo=UTC))
    browser = acme.browser(acme.manager)
    answered = post(browser, acme.address(f"invitations/{number}/approve"), role="member")
    said = Page(browser.get(answered.location)).by_id("notices").text
    assert said.startswith(f"The membership of {other} ended on 31 Jul 2026.")
    assert (row_of(acme, number).status, acme.world.letters("invitation")) == (InvitationStatus.REVOKED, [])
