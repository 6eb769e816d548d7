"""Revoking an invitation from the Pending tab."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from werkzeug.test import TestResponse

from tests.support.acme import Acme
from tests.support.offering import make_things
from tests.support.pages import PANEL, Page
from tests.support.worlds import Invited, Person, post
from webapp.models import InvitationStatus, Role


@pytest.fixture
def invited(acme: Acme) -> Invited:
    return acme.world.invite(acme.slug, acme.admin, "bob@example.org")


def revoke(acme: Acme, invited: Invited, person: Person | None, **fields: Any) -> TestResponse:
    browser = acme.browser(person)
    return post(browser, acme.address(f"invitations/{invited.id}/revoke"), **fields)


def test_revoking_closes_the_invitation_says_so_once_and_is_audited(acme: Acme, invited: Invited) -> None:
    browser = acme.browser(acme.manager)
    letters = len(acme.world.letters())
    answer = post(browser, acme.address(f"invitations/{invited.id}/revoke"))
    assert (answer.status_code, answer.location) == (303, acme.address("members/pending"))
    assert acme.world.status_of(invited) == "revoked"
    assert len(acme.world.letters()) == letters
    entry = acme.entries()[-1]
    assert (entry.event, entry.actor_name, entry.target_id) == ("invitation.revoked", "Mona Manager", invited.id)
    first, second = (Page(browser.get(answer.location)) for _ in range(2))
    assert first.by_id("notices").text == "The invitation to bob@example.org no longer works."
    assert second.by_id("notices").text == ""
    assert first.rows("invitation") == []


def test_revoked_link_is_dead_for_whoever_has_it(acme: Acme, invited: Invited) -> None:
    revoke(acme, invited, acme.owner)
    with acme.unchanged():
        answer = post(acme.browser(), invited.link, name="Bob", password="several words work", accept="1")
    assert answer.status_code == 409
    assert "This invitation was revoked" in Page(answer).text


def test_revoking_needs_no_answer_from_the_form(acme: Acme, invited: Invited) -> None:
    other = acme.world.invite(acme.slug, acme.admin, "eve@example.org", Role.ADMIN)
    revoke(acme, invited, acme.admin, invitation=str(other.id), id=str(other.id), status="accepted", role="owner")
    assert (acme.world.status_of(invited), acme.world.status_of(other)) == ("revoked", "pending")


@pytest.mark.parametrize("outsider", ["suspended", "stranger"])
def test_C09_outsiders_find_nothing(acme: Acme, invited: Invited, outsider: str) -> None:
    before = acme.events()
    with acme.unchanged():
        assert revoke(acme, invited, getattr(acme, outsider)).status_code == 404
    assert acme.events() == before


def test_who_is_not_signed_in_goes_to_sign_in(acme: Acme, invited: Invited) -> None:
    with acme.unchanged():
        answer = revoke(acme, invited, None)
    assert (answer.status_code, answer.location) == (303, "/login")


def test_member_is_refused_with_a_sentence_and_audited(acme: Acme, invited: Invited) -> None:
    with acme.unchanged():
        answer = revoke(acme, invited, acme.member)
    assert answer.status_code == 403
    assert "Your role does not allow this." in Page(answer).text
    entry = acme.entries()[-1]
    assert (entry.event, entry.actor_name) == ("access.refused", "Mina Member")


def test_C08_admin_is_refused_the_offer_of_an_owner_and_audited(acme: Acme) -> None:
    invited = acme.world.invite(acme.slug, acme.owner, "bob@example.org", Role.OWNER)
    with acme.unchanged():
        answer = revoke(acme, invited, acme.admin)
    assert answer.status_code == 403
    assert "This invitation offers a role above your own" in Page(answer).text
    assert acme.events()[-1] == "access.refused"


def test_C08_refusal_under_htmx_is_a_message_and_does_not_take_the_panels_place(acme: Acme) -> None:
    invited = acme.world.invite(acme.slug, acme.owner, "bob@example.org", Role.OWNER)
    answer = revoke(acme, invited, acme.admin, headers=PANEL)
    assert answer.status_code == 403, "app.js swaps a 422 into the panel"


@pytest.mark.parametrize("status", [InvitationStatus.ACCEPTED, InvitationStatus.REQUESTED, InvitationStatus.REVOKED])
def test_closed_invitation_cannot_be_revoked(acme: Acme, invited: Invited, status: InvitationStatus) -> None:
    acme.close(invited, status)
    before = acme.events()
    with acme.unchanged():
        answer = revoke(acme, invited, acme.admin)
    assert answer.status_code == 409
    assert "can no longer be used" in Page(answer).text
    assert acme.events() == before


@pytest.mark.parametrize("end", ["declined", "expired"])
def test_ended_invitation_is_taken_off_the_list(acme: Acme, end: str) -> None:
    with time_machine.travel(datetime.now(UTC) - timedelta(days=8)):
        invited = acme.world.invite(acme.slug, acme.admin, "bob@example.org", days=7 if end == "expired" else 30)
    if end == "declined":
        acme.close(invited, InvitationStatus.DECLINED)
    browser = acme.browser(acme.admin)
    answer = post(browser, acme.address(f"invitations/{invited.id}/revoke"))
    page = Page(browser.get(answer.location))
    assert page.by_id("notices").text == "The invitation to bob@example.org is off the list."
    assert (page.rows("invitation"), page.by_id("tab-pending").text) == ([], "Pending 0")
    assert Page(browser.get(acme.address("members/pending?q=bob"))).rows("invitation") == []
    assert acme.events()[-1] == "invitation.revoked"


def test_D02_foreign_invitation_under_ones_own_address_is_not_found(acme: Acme) -> None:
    foreign = acme.world.invite(acme.other_slug, acme.stranger, "bob@example.org")
    with acme.unchanged():
        assert revoke(acme, foreign, acme.owner).status_code == 404
    assert acme.world.status_of(foreign) == "pending"


def test_D03_organization_in_the_form_changes_nothing(acme: Acme) -> None:
    foreign = acme.world.invite(acme.other_slug, acme.stranger, "bob@example.org")
    with acme.unchanged():
        answer = post(
            acme.browser(acme.owner),
            acme.address(f"invitations/{foreign.id}/revoke?org={acme.other_slug}"),
            org=acme.other_slug,
            organization_id="2",
            organization=acme.other_slug,
        )
    assert answer.status_code == 404


@pytest.mark.parametrize("number", ["0", "-1", "1.0", "x", "%31x", str(2**63), str(2**200), "1%00"])
def test_number_that_is_no_invitation_is_not_found(acme: Acme, invited: Invited, number: str) -> None:
    with acme.unchanged():
        answer = post(acme.browser(acme.owner), acme.address(f"invitations/{number}/revoke"))
    assert answer.status_code == 404


def test_revoking_is_a_post_with_its_csrf_token(acme: Acme, invited: Invited) -> None:
    browser, address = acme.browser(acme.owner), acme.address(f"invitations/{invited.id}/revoke")
    with acme.unchanged():
        assert [browser.open(address, method=method).status_code for method in ("GET", "HEAD", "PUT", "DELETE")] == [
            405
        ] * 4
        assert browser.post(address).status_code == 403


def test_member_revokes_what_they_sent_or_could_send_and_nothing_else(acme: Acme) -> None:
    things = make_things(acme)
    acme.world.policy(acme.slug, members_may_invite=True)
    own = acme.world.invite(acme.slug, acme.member, "own@example.org")
    like_own = acme.world.invite(acme.slug, acme.owner, "like@example.org")
    more = acme.world.invite(acme.slug, acme.owner, "more@example.org", teams=[things.blue])
    acme.change(acme.member, has_global_access=False)
    wider = acme.world.invite(acme.slug, acme.owner, "wider@example.org")
    less = acme.world.invite(acme.slug, acme.owner, "less@example.org", has_global_access=False)
    page = Page(acme.browser(acme.member).get(acme.address("members/pending")))
    said = {one.email: page.by_id(f"invitation-{one.id}").text for one in (own, like_own, more, wider, less)}
    assert [name for name, text in said.items() if "Revoke" in text] == ["own@example.org", "less@example.org"]
    assert all("More than you may give" in said[one.email] for one in (like_own, more, wider))
    for one in (like_own, more, wider):
        with acme.unchanged():
            answer = revoke(acme, one, acme.member)
        assert (answer.status_code, acme.events()[-1]) == (403, "access.refused")
        assert "more than you may give, so you may not revoke it" in Page(answer).text
    ids, bulk = [str(one.id) for one in (own, more, less)], acme.address("members/pending/bulk")
    asked = Page(post(acme.browser(acme.member), bulk, action="revoke", ids=ids))
    assert "more@example.org is left out. It offers more than you may give." in asked.text
    assert [revoke(acme, one, acme.member).status_code for one in (own, less)] == [303, 303]
    assert [revoke(acme, one, acme.manager).status_code for one in (like_own, more, wider)] == [303] * 3
