"""Resend and Copy link on the Pending tab."""

import logging
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.pages import PANEL, Page
from tests.support.worlds import Invited, Person, post
from webapp.models import InvitationStatus, Role

ACTIONS = ["resend", "link"]


@pytest.fixture
def invited(acme: Acme) -> Invited:
    return acme.world.invite(acme.slug, acme.admin, "bob@example.org")


def send(acme: Acme, invited: Invited, action: str, person: Person | None, **fields: Any) -> TestResponse:
    return post(acme.browser(person), acme.address(f"invitations/{invited.id}/{action}"), **fields)


def link_on(answer: TestResponse) -> str:
    return Page(answer).by_id("link").attributes["value"]


@pytest.mark.parametrize("headers", [{}, PANEL], ids=["page", "panel"])
def test_resending_queues_a_letter_and_says_so_once(acme: Acme, invited: Invited, headers: dict[str, str]) -> None:
    browser = acme.browser(acme.manager)
    answer = post(browser, acme.address(f"invitations/{invited.id}/resend"), headers=headers)
    assert (answer.status_code, answer.location) == (303, acme.address("members/pending"))
    letters = acme.world.letters("invitation")
    assert [letter.to_address for letter in letters] == ["bob@example.org"] * 2
    first, second = (Page(browser.get(answer.location)) for _ in range(2))
    assert "A new invitation to bob@example.org is on its way." in first.by_id("notices").text
    assert second.by_id("notices").text == ""
    assert "Invited by Mona Manager" in first.by_id(f"invitation-{invited.id}").text


def test_C07_old_link_is_not_found_once_it_is_resent_and_the_new_one_opens(acme: Acme, invited: Invited) -> None:
    send(acme, invited, "resend", acme.owner)
    with acme.unchanged():
        assert acme.browser().get(invited.link).status_code == 404
        answer = post(acme.browser(), invited.link, name="Bob", password="several words work", accept="1")
    assert answer.status_code == 404
    new = acme.world.token_of(acme.world.letters("invitation")[-1])
    assert "Join Acme" in Page(acme.browser().get(f"/invitations/{new}")).text


@pytest.mark.parametrize("headers", [{}, PANEL], ids=["page", "panel"])
def test_copied_link_is_shown_once_in_a_field_and_opens_the_invitation(
    acme: Acme, invited: Invited, headers: dict[str, str]
) -> None:
    answer = send(acme, invited, "link", acme.manager, headers=headers)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert answer.headers["HX-Push-Url"] == "false", "the address of the change is no page"
    link = link_on(answer)
    base = acme.world.app.extensions["vestibule"].base_url
    assert link.startswith(f"{base}/invitations/")
    assert "Join Acme" in Page(acme.browser().get(link.removeprefix(base))).text
    assert "Join Acme" in Page(acme.browser().get(invited.link)).text, "the mailed link stays alive"
    assert [element.id for element in Page(answer).roots][:1] == (["panel"] if headers else [""])


def test_C12_copied_token_is_in_no_cookie_log_audit_entry_list_or_row(
    acme: Acme, invited: Invited, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    browser = acme.browser(acme.owner)
    answer = post(browser, acme.address(f"invitations/{invited.id}/link"))
    token = link_on(answer).rpartition("/")[2]
    with browser.session_transaction() as cookie:
        assert token not in repr(dict(cookie))
    assert token not in repr(answer.headers)
    pages = ["members/pending", "members/pending.csv", "audit"]
    assert all(token not in browser.get(acme.address(page)).get_data(as_text=True) for page in pages)
    assert token not in repr([vars(entry) for entry in acme.entries()])
    assert token not in repr(acme.world.dump())
    assert token not in caplog.text


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("outsider", ["suspended", "stranger"])
def test_C09_outsiders_find_nothing(acme: Acme, invited: Invited, outsider: str, action: str) -> None:
    events = acme.events()
    with acme.unchanged():
        assert send(acme, invited, action, getattr(acme, outsider)).status_code == 404
    assert acme.events() == events


@pytest.mark.parametrize("action", ACTIONS)
def test_C09_invitation_of_another_organization_is_not_found(acme: Acme, action: str) -> None:
    foreign = acme.world.invite(acme.other_slug, acme.stranger, "bob@example.org")
    with acme.unchanged():
        assert send(acme, foreign, action, acme.owner, org=acme.other_slug).status_code == 404


@pytest.mark.parametrize("action", ACTIONS)
def test_who_is_not_signed_in_goes_to_sign_in(acme: Acme, invited: Invited, action: str) -> None:
    with acme.unchanged():
        answer = send(acme, invited, action, None)
    assert (answer.status_code, answer.location) == (303, "/login")


@pytest.mark.parametrize("action", ACTIONS)
def test_member_is_refused_with_a_sentence_and_audited(acme: Acme, invited: Invited, action: str) -> None:
    with acme.unchanged():
        answer = send(acme, invited, action, acme.member)
    assert answer.status_code == 403
    assert "Your role does not allow this." in Page(answer).text
    assert acme.events()[-1] == "access.refused"


@pytest.mark.parametrize("action", ACTIONS)
def test_C08_admin_is_refused_the_offer_of_an_owner_and_audited(acme: Acme, action: str) -> None:
    invited = acme.world.invite(acme.slug, acme.owner, "bob@example.org", Role.OWNER)
    with acme.unchanged():
        answer = send(acme, invited, action, acme.admin, headers=PANEL)
    assert answer.status_code == 403
    assert "This invitation offers a role above your own" in Page(answer).text
    assert acme.events()[-1] == "access.refused"


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("status", [InvitationStatus.ACCEPTED, InvitationStatus.REVOKED])
def test_closed_one_is_a_sentence(acme: Acme, invited: Invited, status: InvitationStatus, action: str) -> None:
    acme.close(invited, status)
    events = acme.events()
    with acme.unchanged():
        answer = send(acme, invited, action, acme.owner)
    assert answer.status_code == 409
    assert "This invitation is closed" in Page(answer).text
    assert acme.events() == events


def test_resending_what_is_no_longer_needed_is_a_sentence(acme: Acme) -> None:
    invited = acme.world.invite(acme.slug, acme.admin, "jo@example.org")
    crowds.join(acme, [("Jo Joined", "jo@example.org")])  # without the service, which would have closed the invitation
    with acme.unchanged():
        answer = send(acme, invited, "resend", acme.owner)
    assert answer.status_code == 409
    assert "jo@example.org has joined meanwhile. Nothing was sent." in Page(answer).text


def test_C14_eleventh_letter_of_a_day_is_refused_and_the_notice_of_none_survives(acme: Acme, invited: Invited) -> None:
    browser, address = acme.browser(acme.owner), acme.address(f"invitations/{invited.id}/resend")
    for _ in range(10):
        assert post(browser, address).status_code == 303
    browser.get(acme.address("members/pending"))
    with acme.unchanged():
        answer = post(browser, address, headers=PANEL)
    assert answer.status_code == 429
    assert "bob@example.org had enough letters for today." in Page(answer).text
    assert Page(browser.get(acme.address("members/pending"))).by_id("notices").text == ""


@pytest.mark.parametrize("action", ACTIONS)
def test_C02_F01_nothing_in_the_form_changes_what_is_sent_or_to_whom(acme: Acme, invited: Invited, action: str) -> None:
    extra: dict[str, Any] = {
        "role": "owner",
        "team": "all",
        "email": ["eve@example.org", "bob@example.org,eve@example.org"],
        "email[]": "eve@example.org",
        "emails": "eve@example.org",
        "to": "eve@example.org",
        "lifetime_days": "9999",
        "status": "accepted",
        "is_copied": "0",
    }
    assert send(acme, invited, f"{action}?email=eve@example.org&role=owner", acme.owner, **extra).status_code < 400
    assert {letter.to_address for letter in acme.world.letters()} == {"bob@example.org"}
    page = Page(acme.browser(acme.owner).get(acme.address("members/pending")))
    assert " Member " in page.by_id(f"invitation-{invited.id}").text
    assert page.rows("invitation") == [invited.id]


@pytest.mark.parametrize("action", ACTIONS)
def test_C11_only_a_post_with_its_csrf_token_does_anything(acme: Acme, invited: Invited, action: str) -> None:
    browser, address = acme.browser(acme.owner), acme.address(f"invitations/{invited.id}/{action}")
    events = acme.events()
    with acme.unchanged():
        for _ in range(10):
            assert {browser.get(address).status_code, browser.head(address).status_code} == {405}
        assert browser.post(address).status_code == 403
    assert acme.events() == events
