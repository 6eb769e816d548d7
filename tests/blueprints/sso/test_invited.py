"""Accepting an invitation through the organization's provider: by the one that was followed, or not at all."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from tests.support.acme import Acme
from tests.support.identity_provider import HostileProvider
from tests.support.pages import Page
from tests.support.sso import Desk, at_provider, departure, rows, signed_in_as
from tests.support.unproven import copied, resent
from tests.support.worlds import Invited, World, csrf_token, post
from webapp import clock
from webapp.db import db
from webapp.models import (
    EmailAddress,
    Enforcement,
    Identity,
    Invitation,
    InvitationStatus,
    Joining,
    ProviderStatus,
    Role,
    SsoFlow,
    User,
)
from webapp.services.sso.errors import InvitedIsAnother


@pytest.fixture
def invited(world: World, acme: Acme, desk: Desk) -> Invited:
    """An invitation to the person at the provider."""
    return world.invite(acme.slug, acme.manager, "Mia@example.org", Role.ADMIN)


def way_out(browser: FlaskClient, invited: Invited) -> str:
    """Press the button on the page of an invitation; return where it leads."""
    return departure(browser, post(browser, f"{invited.link}/sso"))


def come_by(browser: FlaskClient, invited: Invited) -> TestResponse:
    """Go to the provider by an invitation and come back; return our answer."""
    return browser.get(at_provider(way_out(browser, invited)))


def end(acme: Acme, invited: Invited) -> None:
    """Let an invitation expire in this moment."""
    acme.world.write(lambda: setattr(db.session.get_one(Invitation, invited.id), "expires_at", clock.now()))


def refused(acme: Acme, invited: Invited, answer: TestResponse, status: int = 403) -> str:
    """Return the page that refuses, once it is clear that nobody came in and the invitation is still open."""
    assert answer.status_code == status
    assert acme.world.status_of(invited) == "pending"
    return Page(answer).text


def test_page_offers_the_provider_beside_both_other_ways(acme: Acme, desk: Desk, invited: Invited) -> None:
    with acme.unchanged():
        page = Page(acme.browser().get(invited.link))
    assert page.by_id("sso-continue").text == f"Continue with {desk.theirs.issuer.removeprefix('http://')}"
    for sentence in ("as Mia@example.org", "Create account and join", "Sign in and join"):
        assert sentence in page.text
    assert "requires this" not in page.text
    assert "sso-continue" not in Page(acme.browser(acme.stranger).get(invited.link)).ids


def test_page_says_what_requiring_the_provider_means_for_the_other_ways(
    acme: Acme, desk: Desk, invited: Invited
) -> None:
    desk.set(enforcement=Enforcement.REQUIRED)
    page = Page(acme.browser().get(invited.link)).text
    assert "Acme requires this. Whoever accepts with a password links that account there next." in page
    browser = acme.browser()
    answer = post(browser, invited.link, name="Mia", password="several words work well", accept="1")
    assert answer.status_code == 303
    answer = browser.get(acme.address("members"))
    assert (answer.status_code, acme.address("sso/link") in answer.location) == (303, True)
    assert desk.link(browser).status_code == 303
    assert browser.get(acme.address("members")).status_code == 200


def test_whoever_comes_back_with_the_invited_address_has_accepted(
    world: World, acme: Acme, desk: Desk, invited: Invited
) -> None:
    desk.set(enforcement=Enforcement.REQUIRED)
    browser = world.browser()
    answer = come_by(browser, invited)
    assert (answer.status_code, answer.location) == (303, acme.address("members"))
    page = Page(browser.get(answer.location))
    assert "Welcome to Acme" in page.by_id("notices").text
    assert (world.status_of(invited), world.roles(acme.slug)["Mia Sommer"]) == ("accepted", "admin")
    assert {"invitation.accepted", "member.joined"} <= {*acme.events()}
    [flow] = world.read(lambda: db.session.scalars(select(SsoFlow)).all())
    assert flow.invitation_id == invited.id


def test_C12_token_is_kept_sealed_and_in_no_page_on_the_way(world: World, acme: Acme, invited: Invited) -> None:
    browser = world.browser()
    answer = post(browser, f"{invited.link}/sso")
    page = browser.get(answer.location)
    assert invited.token not in page.text + str(page.headers) + answer.location
    assert invited.token not in repr(world.dump())


@pytest.mark.parametrize("is_copied", [False, True])
def test_A01_F12_address_is_unproven_also_where_a_mailed_link_led_to_the_provider(
    world: World, acme: Acme, desk: Desk, invited: Invited, is_copied: bool
) -> None:
    before = len(world.letters())
    assert come_by(world.browser(), copied(acme, invited) if is_copied else invited).status_code == 303
    proven = select(EmailAddress.verified_at).where(EmailAddress.canonical == "mia@example.org")
    assert world.read(lambda: db.session.scalars(proven).all()) == [None]
    assert len(world.letters()) == before
    post(world.browser(), "/forgot-password", email="mia@example.org")
    assert world.letters("password_reset")[-1].state == "dropped"


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "theo@example.org"},
        {"email": "mia@evil.example"},
        {"email": "mia+tag@example.org"},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email": None},
    ],
)
def test_A06_C04_other_or_unverified_address_is_refused_and_the_invitation_stays_open(
    world: World,
    acme: Acme,
    desk: Desk,
    theirs: HostileProvider,
    invited: Invited,
    claims: dict[str, object],
) -> None:
    desk.set(joining=Joining.ALLOWED)
    desk.prove_domain("example.org")
    theirs.people["u-1"].update(claims)
    browser, before = world.browser(), (rows(acme, User), rows(acme, Identity))
    answer = come_by(browser, invited)
    if answer.status_code != 502:  # what is no address at all is not believed before anybody looks at it
        page = refused(acme, invited, answer)
        assert "The invitation is for Mia@example.org" in page
        entry = acme.entries()[-1]
        assert (entry.event, (entry.after or {})["reason"]) == ("sso.refused", InvitedIsAnother.noted)
    assert (rows(acme, User), rows(acme, Identity)) == before
    assert world.status_of(invited) == "pending"
    assert signed_in_as(browser) is None


def test_C04_lax_policy_takes_another_verified_address_and_the_audit_log_names_both(
    world: World, acme: Acme, theirs: HostileProvider, invited: Invited
) -> None:
    world.policy(acme.slug, address_match_required=False)
    theirs.people["u-1"].update(email="theo@example.org", email_verified=False)
    refused(acme, invited, come_by(world.browser(), invited))
    theirs.people["u-1"].update(email_verified=True)
    assert come_by(world.browser(), invited).status_code == 303
    accepted = next(entry for entry in reversed(acme.entries()) if entry.event == "invitation.accepted")
    assert (accepted.target_name, (accepted.after or {})["email"]) == ("Mia@example.org", "theo@example.org")


def test_C02_other_invitation_to_the_same_person_is_not_used(
    world: World, acme: Acme, theirs: HostileProvider, invited: Invited
) -> None:
    theirs.people["u-1"]["email"] = "theo@example.org"
    other = world.invite(acme.slug, acme.owner, "theo@example.org")
    refused(acme, invited, come_by(world.browser(), invited))
    assert world.status_of(other) == "pending"


def test_C02_invitation_of_another_organization_leads_to_no_provider_of_ours(
    world: World, acme: Acme, desk: Desk
) -> None:
    theirs = world.invite(acme.other_slug, acme.stranger, "mia@example.org")
    assert "sso-continue" not in Page(world.browser().get(theirs.link)).ids
    answer = post(world.browser(), f"{theirs.link}/sso")
    assert (answer.status_code, answer.location) == (303, theirs.link)
    assert rows(acme, SsoFlow) == 0


@pytest.mark.parametrize(
    "what", ["revoked", "declined", "accepted", "resent", "inviter gone", "copier gone", "expired"]
)
def test_C06_C07_invitation_that_closed_on_the_way_admits_nobody(
    world: World, acme: Acme, desk: Desk, invited: Invited, what: str
) -> None:
    invited = copied(acme, invited)
    browser, before = world.browser(), rows(acme, User)
    back = at_provider(way_out(browser, invited))
    changes: dict[str, Callable[[], object]] = {
        "resent": lambda: resent(acme, invited),
        "inviter gone": lambda: acme.change(acme.manager, role=Role.MEMBER),
        "copier gone": lambda: acme.change(acme.owner, role=Role.MEMBER),
        "expired": lambda: end(acme, invited),
    }
    changes.get(what, lambda: acme.close(invited, InvitationStatus(what)))()
    answer = browser.get(back)
    assert (answer.status_code, rows(acme, User)) == (409, before)
    assert signed_in_as(browser) is None


@pytest.mark.parametrize("status", [InvitationStatus.REVOKED, InvitationStatus.DECLINED, InvitationStatus.ACCEPTED])
def test_C05_closed_invitation_leads_back_to_its_page(
    acme: Acme, desk: Desk, invited: Invited, status: InvitationStatus
) -> None:
    acme.close(invited, status)
    assert "sso-continue" not in Page(acme.browser().get(invited.link)).ids
    with acme.unchanged("attempts"):
        answer = post(acme.browser(), f"{invited.link}/sso")
    assert (answer.status_code, answer.location) == (303, invited.link)


def test_C01_invented_token_leads_nowhere(acme: Acme, desk: Desk) -> None:
    with acme.unchanged("attempts"):
        assert post(acme.browser(), "/invitations/invented/sso").status_code == 404


def test_C05_second_arrival_by_the_same_invitation_makes_nobody(
    world: World, acme: Acme, theirs: HostileProvider, invited: Invited
) -> None:
    world.policy(acme.slug, address_match_required=False)
    theirs.people["u-2"]["email_verified"] = True
    backs = []
    for person in ("u-1", "u-2"):
        theirs.person = person
        browser = world.browser()
        backs.append((browser, at_provider(way_out(browser, invited))))
    assert [browser.get(back).status_code for browser, back in backs] == [303, 409]
    assert rows(acme, Identity) == 1


def test_A01_account_with_the_invited_address_is_not_taken_over(world: World, acme: Acme, invited: Invited) -> None:
    world.person("Mia Real", "mia@example.org")
    before = rows(acme, Identity)
    answer = come_by(world.browser(), invited)
    assert "There is an account with this address already" in refused(acme, invited, answer)
    assert f'href="{invited.link}"' in answer.text
    assert rows(acme, Identity) == before


def test_somebody_known_is_signed_in_and_leaves_the_invitation_open(
    world: World, acme: Acme, desk: Desk, invited: Invited
) -> None:
    desk.know(acme.member)
    browser = world.browser()
    assert come_by(browser, invited).status_code == 303
    assert "You are a member of Acme already" in Page(browser.get(acme.address("members"))).by_id("notices").text
    assert world.status_of(invited) == "pending"
    assert world.roles(acme.slug)["Mina Member"] == "member"


def test_removed_person_comes_back_by_the_invitation_they_follow_alone(
    world: World, acme: Acme, desk: Desk, theirs: HostileProvider, invited: Invited
) -> None:
    desk.know(acme.member)
    acme.remove(acme.member)
    theirs.people["u-1"]["email"] = "theo@example.org"
    refused(acme, invited, come_by(world.browser(), invited))
    theirs.people["u-1"]["email"] = "mia@example.org"
    assert come_by(world.browser(), invited).status_code == 303
    assert world.roles(acme.slug)["Mina Member"] == "admin"


def test_A18_no_way_where_the_connection_is_off(world: World, acme: Acme, desk: Desk, invited: Invited) -> None:
    browser = world.browser()
    back = at_provider(way_out(browser, invited))
    desk.set(status=ProviderStatus.DISABLED)
    refused(acme, invited, browser.get(back), 409)
    assert "sso-continue" not in Page(browser.get(invited.link)).ids
    assert post(world.browser(), f"{invited.link}/sso").location == invited.link


def test_A05_E01_way_belongs_to_the_browser_that_followed_the_link(
    world: World, acme: Acme, desk: Desk, theirs: HostileProvider, invited: Invited
) -> None:
    back, other = at_provider(way_out(world.browser(), invited)), world.browser()
    assert csrf_token(other)
    refused(acme, invited, other.get(back), 400)
    assert theirs.hits["token"] == 0


def test_whoever_is_signed_in_answers_as_themselves(acme: Acme, desk: Desk, invited: Invited) -> None:
    answer = post(acme.browser(acme.stranger), f"{invited.link}/sso")
    assert (answer.status_code, answer.location) == (303, invited.link)
    assert rows(acme, SsoFlow) == 0


def test_what_may_not_be_given_any_more_is_left_out_and_said(world: World, acme: Acme, desk: Desk) -> None:
    invited = world.invite(acme.slug, acme.admin, "mia@example.org", has_global_access=True)
    acme.change(acme.admin, has_global_access=False)
    browser = world.browser()
    assert come_by(browser, invited).status_code == 303
    notices = Page(browser.get(acme.address("members"))).by_id("notices").text
    assert "Welcome to Acme" in notices
    assert "Left out" in notices


def test_of_two_members_with_an_address_the_one_who_is_active_counts(world: World, acme: Acme, desk: Desk) -> None:
    desk.know(acme.suspended)
    shared = update(EmailAddress).where(EmailAddress.user_id == acme.suspended.user_id)
    world.write(lambda: db.session.execute(shared.values(canonical=acme.member.email, verified_at=None)))
    form = {"emails": acme.member.email, "role": "member", "lifetime_days": "7"}
    answer = post(acme.browser(acme.owner), acme.address("members/new"), **form)
    assert "Already a member. Nothing was sent." in Page(answer).text
