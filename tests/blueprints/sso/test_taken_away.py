"""An owner takes away a member's link that is not theirs, and what becomes of whom the provider meant by it."""

import pytest
from sqlalchemy import update

from tests.support.acme import Acme
from tests.support.sso import Desk, at_provider, rows, signed_in_as, work
from tests.support.taking_away import link_as, page_of, remove, sign_in_as, take_away, wrongly_linked
from tests.support.unproven import copied
from tests.support.worlds import PASSWORD, World, post
from webapp.db import db
from webapp.models import EmailAddress, Enforcement, FormerIdentity, Joining, MemberStatus, ProviderStatus, Role, User

BEFORE = "belonged to somebody here before"


@pytest.fixture
def known(desk: Desk) -> Desk:
    """Acme's connection, which knows its member by an account there that is not theirs."""
    return wrongly_linked(desk)


def test_A03_A23_thief_who_linked_before_it_was_required_is_out_and_the_person_links_again(
    world: World, acme: Acme, desk: Desk
) -> None:
    desk.know(acme.member, "u-1")
    desk.theirs.people["u-2"] = {"email": "thea@example.org", "email_verified": True}
    desk.theirs.people["u-9"] = {"email": "olive@corp.example", "email_verified": True}
    desk.know(acme.owner, "u-9")
    thief = world.browser()
    post(thief, "/login", email=acme.member.email, password=PASSWORD)
    post(thief, desk.address("unlink"), confirm="1")
    desk.theirs.person = "u-2"
    assert desk.link(thief).status_code == 303
    desk.set(enforcement=Enforcement.REQUIRED)
    assert (sign_in_as(desk, "u-1").status_code, link_as(desk, "u-1", acme.member)) == (403, 409)
    assert take_away(desk, acme.member).status_code == 303
    assert thief.get(acme.address("members")).status_code == 303
    assert sign_in_as(desk, "u-2").status_code == 403
    assert link_as(desk, "u-1", acme.member) == 303
    assert sign_in_as(desk, "u-1").status_code == 303
    assert desk.identities() == [("u-9", acme.owner.user_id), ("u-1", acme.member.user_id)]


def test_A23_whose_account_at_the_provider_was_made_anew_links_the_new_one(acme: Acme, known: Desk) -> None:
    known.set(enforcement=Enforcement.REQUIRED)
    assert link_as(known, "u-1", acme.member) == 409
    take_away(known, acme.member)
    assert link_as(known, "u-1", acme.member) == 303
    browser = acme.browser(acme.member)
    assert (sign_in_as(known, "u-1", browser).status_code, browser.get(acme.address("members")).status_code) == (
        303,
        200,
    )


def test_whoever_a_link_really_belongs_to_links_it_then_and_nobody_has_it_twice(acme: Acme, known: Desk) -> None:
    assert link_as(known, "u-2", acme.admin) == 409
    take_away(known, acme.member)
    assert link_as(known, "u-2", acme.admin) == 303
    assert link_as(known, "u-2", acme.member) == 409
    take_away(known, acme.admin)
    assert link_as(known, "u-2", acme.member) == 303


def test_A03_who_links_what_was_taken_away_and_unlinks_it_has_it_for_themselves_again(acme: Acme, known: Desk) -> None:
    take_away(known, acme.member)
    assert link_as(known, "u-2", acme.member) == 303
    assert post(acme.browser(acme.member), known.address("unlink"), confirm="1").status_code == 303
    assert rows(acme, FormerIdentity) == 1
    assert link_as(known, "u-2", acme.admin) == 409


def test_link_at_an_earlier_connection_to_the_same_provider_is_taken_away_with_it(acme: Acme, known: Desk) -> None:
    known.set(status=ProviderStatus.DISABLED)
    after = Desk(acme, known.theirs)
    after.know(acme.owner, "u-9")
    after.know(acme.member, "u-2")
    take_away(after, acme.member)
    assert (known.identities(), after.identities()) == ([("u-9", acme.owner.user_id)], [("u-9", acme.owner.user_id)])
    assert link_as(after, "u-2", acme.admin) == 303


def test_D10_whom_a_link_was_taken_from_joins_by_no_policy_but_by_an_invitation_of_their_own(
    world: World, acme: Acme, known: Desk
) -> None:
    known.set(joining=Joining.ALLOWED)
    known.prove_domain("example.org")
    take_away(known, acme.member)
    refused = sign_in_as(known, "u-2")
    assert (refused.status_code, BEFORE in refused.text) == (403, True)
    world.invite(acme.slug, acme.owner, "thea@example.org")
    assert sign_in_as(known, "u-2").status_code == 303
    assert dict(known.identities())["u-2"] not in (acme.owner.user_id, acme.member.user_id)


@pytest.mark.parametrize("claimed", ["thea@example.org", "mina@example.com"])
def test_D10_invitation_of_the_person_lets_nobody_in_by_the_link_that_was_taken_away(
    world: World, acme: Acme, known: Desk, claimed: str
) -> None:
    """Whatever address the provider names: the person signs in as before, accepts, and links their own."""
    take_away(known, acme.member)
    remove(known, acme.member)
    known.theirs.people["u-2"]["email"] = claimed
    invited = world.invite(acme.slug, acme.owner, acme.member.email)
    before = rows(acme, User)
    assert (sign_in_as(known, "u-2").status_code, rows(acme, User)) == (403, before)
    browser, link = acme.browser(acme.member), copied(acme, invited).link
    assert post(browser, link, page=link, accept="1").status_code == 303
    assert link_as(known, "u-1", acme.member) == 303


def test_A03_link_of_somebody_suspended_or_removed_and_invited_again_is_taken_away_too(
    world: World, acme: Acme, known: Desk
) -> None:
    acme.change(acme.member, status=MemberStatus.SUSPENDED)
    assert take_away(known, acme.member).status_code == 303
    known.know(acme.admin, "u-3")
    remove(known, acme.admin)
    world.member(acme.slug, acme.admin, Role.ADMIN)
    assert "Take the link away" in acme.browser(acme.owner).get(page_of(acme, acme.admin)).text
    assert take_away(known, acme.admin).status_code == 303
    assert [subject for subject, _number in known.identities()] == ["u-9"]


def test_A23_browsers_that_came_in_by_it_alone_are_signed_out(world: World, acme: Acme, known: Desk) -> None:
    thief, full = world.browser(), acme.browser(acme.member)
    sign_in_as(known, "u-2", thief)
    sign_in_as(known, "u-2", full)
    take_away(known, acme.member)
    assert (signed_in_as(thief), signed_in_as(full)) == (None, "Mina Member")


def test_they_are_told_who_did_it_and_how_to_link_again(world: World, acme: Acme, known: Desk) -> None:
    take_away(known, acme.member)
    known.know(acme.admin, "u-3")
    world.write(lambda: db.session.execute(update(User).values(password_hash=None)))
    take_away(known, acme.admin)
    told = {letter.to_address: letter.data for letter in world.letters("sso_taken_away")}
    assert {address: said["has_password"] for address, said in told.items()} == {
        acme.member.email: True,
        acme.admin.email: False,
    }
    assert (told[acme.member.email]["actor"], told[acme.member.email]["organization"]) == (acme.owner.name, "Acme")


def test_A23_whose_address_nobody_has_proven_gets_a_letter_that_proves_it(
    world: World, acme: Acme, known: Desk
) -> None:
    theirs = update(EmailAddress).where(EmailAddress.user_id == acme.member.user_id).values(verified_at=None)
    world.write(lambda: db.session.execute(theirs))
    take_away(known, acme.member)
    work(world.app)
    [letter] = world.letters("sso_taken_away")
    assert (letter.to_address, letter.data["actor"]) == (acme.member.email, acme.owner.name)
    browser, link = world.browser(), f"/verify-email/{world.token_of(letter)}"
    assert browser.get(link).status_code == 200


def test_A23_ways_to_the_provider_that_were_begun_before_end(world: World, acme: Acme, known: Desk) -> None:
    thief = world.browser()
    post(thief, "/login", email=acme.member.email, password=PASSWORD)
    known.theirs.person = "u-2"
    back = at_provider(known.way_out(thief, "link"))
    take_away(known, acme.member)
    assert thief.get(back).status_code == 400
    assert known.identities() == [("u-9", acme.owner.user_id)]


def test_D10_address_of_a_suspended_member_stays_a_members_and_lets_nobody_in_a_second_time(
    world: World, acme: Acme, known: Desk
) -> None:
    theirs = update(EmailAddress).where(EmailAddress.user_id == acme.member.user_id).values(verified_at=None)
    world.write(lambda: db.session.execute(theirs))
    known.theirs.people["u-2"]["email"] = acme.member.email
    acme.change(acme.member, status=MemberStatus.SUSPENDED)
    take_away(known, acme.member)
    form = {"emails": acme.member.email, "role": "member", "lifetime_days": "7"}
    assert post(acme.browser(acme.manager), acme.address("members/new"), **form).status_code == 422
    with acme.unchanged("sso_flow"):
        assert sign_in_as(known, "u-2").status_code == 403
