"""Following a copied link: joining by it leaves the address unproven, and an unproven address opens nothing."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.support.acme import Acme
from tests.support.pages import Page
from tests.support.unproven import copied, resent
from tests.support.worlds import PASSWORD, Invited, post
from webapp.db import db
from webapp.models import EmailAddress, InvitationStatus

NEW = {"name": "Bob Builder", "password": "several words work well", "accept": "1"}
NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def invited(acme: Acme) -> Invited:
    """The copied link of an invitation to somebody without an account."""
    return copied(acme, acme.world.invite(acme.slug, acme.manager, "Bob@example.org"))


def verified(acme: Acme, canonical: str) -> list[bool]:
    statement = select(EmailAddress.verified_at).where(EmailAddress.canonical == canonical)
    return [moment is not None for moment in acme.world.read(lambda: db.session.scalars(statement).all())]


def join(acme: Acme, invited: Invited) -> FlaskClient:
    browser = acme.browser()
    answer = post(browser, invited.link, **NEW)
    assert (answer.status_code, answer.location) == (303, acme.address("members"))
    return browser


def test_C03_joining_signs_in_says_that_the_address_is_unproven_and_mails_its_owner(
    acme: Acme, invited: Invited
) -> None:
    page = Page(join(acme, invited).get(acme.address("members")))
    assert "Welcome to Acme" in page.by_id("notices").text
    assert "Bob@example.org is not verified yet" in page.text
    assert verified(acme, "bob@example.org") == [False]
    assert acme.world.roles(acme.slug)["Bob Builder"] == "member"
    [letter] = acme.world.letters("verify_address")
    assert (letter.to_address, letter.organization_id) == ("Bob@example.org", None)


def test_joining_by_the_mailed_link_says_nothing_of_the_kind(acme: Acme) -> None:
    mailed = acme.world.invite(acme.slug, acme.manager, "bob@example.org")
    copied(acme, mailed)
    page = Page(join(acme, mailed).get(acme.address("members")))
    assert "not verified" not in page.text
    assert verified(acme, "bob@example.org") == [True]
    assert acme.world.letters("verify_address") == []


def test_C03_unproven_address_neither_signs_in_nor_gets_a_new_password(acme: Acme, invited: Invited) -> None:
    join(acme, invited)
    answer = post(acme.browser(), "/login", email="bob@example.org", password=NEW["password"])
    assert answer.status_code == 422
    post(acme.browser(), "/forgot-password", email="bob@example.org")
    assert [letter.state.value for letter in acme.world.letters("password_reset")] == ["dropped"]


def test_C03_unproven_address_accepts_no_invitation_for_it(acme: Acme, invited: Invited) -> None:
    browser = join(acme, invited)
    other = acme.world.invite(acme.other_slug, acme.stranger, "bob@example.org")
    with acme.unchanged():
        answer = post(browser, other.link, accept="1")
    assert answer.status_code == 403
    assert "have not shown yet that this address is yours" in Page(answer).text
    assert other.email not in browser.get("/orgs/").get_data(as_text=True).replace("Bob@example.org", "")


def test_C03_its_owner_can_still_prove_it_by_a_mailed_invitation(acme: Acme, invited: Invited) -> None:
    join(acme, invited)
    mailed = acme.world.invite(acme.other_slug, acme.stranger, "bob@example.org")
    assert post(acme.browser(), mailed.link, **{**NEW, "name": "The real Bob"}).status_code == 303
    assert sorted(verified(acme, "bob@example.org")) == [False, True]


def test_owner_of_the_address_joins_as_usual(acme: Acme) -> None:
    link = copied(acme, acme.world.invite(acme.slug, acme.manager, acme.stranger.email))
    answer = post(acme.browser(), link.link, email=acme.stranger.email, password=PASSWORD, accept="1")
    assert (answer.status_code, answer.location) == (303, acme.address("members"))
    assert verified(acme, acme.stranger.email) == [True]


def test_signed_in_owner_of_the_address_joins_as_usual(acme: Acme) -> None:
    link = copied(acme, acme.world.invite(acme.slug, acme.manager, acme.stranger.email))
    assert post(acme.browser(acme.stranger), link.link, accept="1").status_code == 303
    assert acme.world.roles(acme.slug)["Una Umbra"] == "member"


def test_C04_somebody_else_is_refused_by_a_copied_link_as_by_a_mailed_one(acme: Acme, invited: Invited) -> None:
    with acme.unchanged():
        assert post(acme.browser(acme.stranger), invited.link, accept="1").status_code == 403


def test_C13_registering_does_not_say_whether_the_address_has_an_account(acme: Acme, invited: Invited) -> None:
    taken = copied(acme, acme.world.invite(acme.slug, acme.manager, acme.stranger.email))
    seen = []
    for link in (invited, taken):
        page = Page(join(acme, link).get(acme.address("members")))
        seen.append((page.by_id("notices").text, f"{link.email} is not verified yet" in page.text))
    assert seen == [("Welcome to Acme", True)] * 2
    assert [letter.to_address for letter in acme.world.letters("verify_address")] == [invited.email, taken.email]


def test_C03_registering_with_the_address_of_an_account_takes_nothing_from_its_owner(acme: Acme) -> None:
    link = copied(acme, acme.world.invite(acme.slug, acme.manager, acme.stranger.email))
    browser = join(acme, link)
    token = acme.world.token_of(acme.world.letters("verify_address")[-1])
    with acme.unchanged():
        answer = post(browser, f"/verify-email/{token}")
    assert answer.status_code == 409
    assert "Another account has proven this address" in Page(answer).text
    assert sorted(verified(acme, acme.stranger.email)) == [False, True]
    assert post(acme.browser(), "/login", email=acme.stranger.email, password=PASSWORD).status_code == 303
    again = acme.world.invite(acme.slug, acme.manager, acme.stranger.email)
    assert post(acme.browser(acme.stranger), again.link, accept="1").status_code == 303


def test_taken_address_is_still_refused_by_the_mailed_link(acme: Acme) -> None:
    link = acme.world.invite(acme.slug, acme.manager, acme.stranger.email)
    with acme.unchanged():
        answer = post(acme.browser(), link.link, **NEW)
    assert answer.status_code == 422
    assert "There is already an account with this address." in Page(answer).text


@pytest.mark.parametrize("is_copy", [True, False])
def test_audit_log_says_that_the_address_was_not_proven(acme: Acme, is_copy: bool) -> None:
    acme.world.policy(acme.slug, address_match_required=True)
    mailed = acme.world.invite(acme.slug, acme.manager, "bob@example.org")
    join(acme, copied(acme, mailed) if is_copy else mailed)
    after = {entry.event: entry.after or {} for entry in acme.entries()}
    for event in ("member.joined", "invitation.accepted"):
        assert after[event].get("is_address_proven") is (False if is_copy else None)


def test_C07_link_of_who_was_removed_shows_as_revoked_and_lets_nobody_in(acme: Acme) -> None:
    link = copied(acme, acme.world.invite(acme.slug, acme.owner, "bob@example.org"), acme.admin)
    acme.remove(acme.admin)
    with acme.unchanged():
        shown, refused = acme.browser().get(link.link), post(acme.browser(), link.link, **NEW)
    assert (shown.status_code, refused.status_code) == (200, 409)
    for answer in (shown, refused):
        assert "This invitation was revoked" in Page(answer).text


@pytest.mark.parametrize("status", [InvitationStatus.REVOKED, InvitationStatus.DECLINED, InvitationStatus.ACCEPTED])
def test_C07_copied_link_is_dead_with_the_invitation(acme: Acme, invited: Invited, status: InvitationStatus) -> None:
    acme.close(invited, status)
    with acme.unchanged():
        assert post(acme.browser(), invited.link, **NEW).status_code == 409


def test_C07_copied_link_is_dead_once_the_invitation_is_resent(acme: Acme, invited: Invited) -> None:
    resent(acme, invited)
    with acme.unchanged():
        assert post(acme.browser(), invited.link, **NEW).status_code == 404


def test_C06_copied_link_ends_with_the_invitation_also_for_a_form_opened_before(acme: Acme) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        link = copied(acme, acme.world.invite(acme.slug, acme.manager, "bob@example.org", days=1))
        browser = acme.browser()
        clock.shift(timedelta(days=1, seconds=-1))
        assert "Create account and join" in Page(browser.get(link.link)).text
        clock.shift(timedelta(seconds=2))
        with acme.unchanged():
            answer = post(browser, link.link, **NEW)
        assert answer.status_code == 409
        assert "This invitation has expired" in Page(answer).text
        assert "This invitation has expired" in Page(browser.get(link.link)).text


def test_C11_following_it_changes_nothing(acme: Acme, invited: Invited) -> None:
    events = acme.events()
    with acme.unchanged():
        for _ in range(10):
            assert {acme.browser().get(invited.link).status_code, acme.browser().head(invited.link).status_code} == {
                200
            }
    assert acme.events() == events


def test_C02_form_cannot_say_that_the_link_was_mailed(acme: Acme, invited: Invited) -> None:
    post(acme.browser(), f"{invited.link}?is_copied=0", **NEW, is_copied="0", verified_at="2027-01-01", role="owner")
    assert verified(acme, "bob@example.org") == [False]
    assert acme.world.roles(acme.slug)["Bob Builder"] == "member"


def test_C13_page_does_not_say_whether_the_address_has_an_account(acme: Acme, invited: Invited) -> None:
    taken = copied(acme, acme.world.invite(acme.slug, acme.manager, acme.stranger.email))
    bodies = []
    for link in (invited, taken):
        body = acme.browser().get(link.link).get_data(as_text=True)
        body = re.sub('value="[^"]{80,}"', "", body)  # the CSRF token, which is another one each time
        bodies.append(body.replace(link.token, "token").replace(link.email, "address"))
    assert bodies[0] == bodies[1]
