"""Each way an invitation can end: accepted, declined, revoked, expired, or dead with the right of its sender."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.support.acme import Acme
from tests.support.worlds import Invited, Person, password_hash
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import (
    AddressTaken,
    AlreadyMember,
    DomainError,
    Forbidden,
    InvitationNotOpen,
    NotFound,
    OtherAddress,
)
from webapp.models import EmailAddress, Invitation, MemberStatus, Role
from webapp.services import addresses, invitations
from webapp.services.accounts import NewAccount
from webapp.services.invitation_links import Link

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
A_SECOND = timedelta(seconds=1)


@pytest.fixture
def invited(acme: Acme) -> Invited:
    """An invitation by the manager, to somebody without an account."""
    return acme.world.invite(acme.slug, acme.manager, "Bob@Example.org")


def stored(acme: Acme, invited: Invited) -> Invitation:
    found: Invitation = acme.world.read(lambda: db.session.get_one(Invitation, invited.id))
    return found


def link(acme: Acme, invited: Invited) -> Link:
    return Link(invited.id, stored(acme, invited).organization_id, invited.token)


def accept(acme: Acme, invited: Invited, person: Person) -> int:
    """Accept an invitation as somebody with an account; return the member's id."""
    followed = link(acme, invited)
    return int(acme.world.write(lambda: invitations.accept(Actor.visitor("192.0.2.1"), followed, person.user_id).id))


def register(acme: Acme, invited: Invited, name: str = "Bob Builder", email: str = "Bob@Example.org") -> int:
    """Accept an invitation with a new account; return the member's id."""
    new = NewAccount(name, addresses.parse(email), password_hash())
    followed = link(acme, invited)
    return int(acme.world.write(lambda: invitations.accept_as_new(Actor.visitor("192.0.2.1"), followed, new).id))


def decline(acme: Acme, invited: Invited) -> None:
    followed = link(acme, invited)
    acme.world.write(lambda: invitations.decline(Actor.visitor("192.0.2.1"), followed))


def revoke(acme: Acme, invited: Invited, by: Person) -> None:
    acme.act(by, lambda actor, org: invitations.revoke(actor, org, db.session.get_one(Invitation, invited.id)))


def test_accepting_makes_a_member_with_the_offered_role(acme: Acme) -> None:
    invited = acme.world.invite(acme.slug, acme.manager, "una@example.org", Role.ADMIN)
    accept(acme, invited, acme.stranger)
    assert acme.world.roles(acme.slug)["Una Umbra"] == "admin"
    assert acme.world.status_of(invited) == "accepted"
    assert acme.events()[-2:] == ["member.joined", "invitation.accepted"]


def test_registering_makes_an_account_whose_address_is_proven(acme: Acme, invited: Invited) -> None:
    register(acme, invited)
    statement = select(EmailAddress).where(EmailAddress.canonical == "bob@example.org")
    [address] = acme.world.read(lambda: db.session.scalars(statement).all())
    assert (address.address, address.is_primary) == ("Bob@Example.org", True)
    assert address.verified_at
    assert acme.world.roles(acme.slug)["Bob Builder"] == "member"
    assert acme.events()[-2:] == ["member.joined", "invitation.accepted"]


def test_declining_makes_nobody_a_member(acme: Acme, invited: Invited) -> None:
    before = acme.world.roles(acme.slug)
    decline(acme, invited)
    assert acme.world.status_of(invited) == "declined"
    assert acme.world.roles(acme.slug) == before
    entry = acme.entries()[-1]
    assert (entry.event, entry.actor_kind, entry.before, entry.after) == (
        "invitation.declined",
        "visitor",
        {"status": "pending"},
        {"status": "declined"},
    )


def test_revoking_is_in_the_audit_log(acme: Acme, invited: Invited) -> None:
    revoke(acme, invited, acme.admin)
    assert acme.world.status_of(invited) == "revoked"
    entry = acme.entries()[-1]
    assert (entry.event, entry.actor_name, entry.target_id) == ("invitation.revoked", "Adam Admin", invited.id)


def test_members_do_not_revoke(acme: Acme, invited: Invited) -> None:
    with acme.unchanged(), pytest.raises(Forbidden):
        revoke(acme, invited, acme.member)


def test_C08_nobody_revokes_an_offer_above_their_own_role(acme: Acme) -> None:
    invited = acme.world.invite(acme.slug, acme.owner, "bob@example.org", Role.OWNER)
    with acme.unchanged(), pytest.raises(Forbidden):
        revoke(acme, invited, acme.admin)


@pytest.mark.parametrize("end", ["accepted", "declined", "revoked"])
def test_C05_an_answered_invitation_is_closed_for_everybody(acme: Acme, invited: Invited, end: str) -> None:
    if end == "accepted":
        register(acme, invited)
    elif end == "declined":
        decline(acme, invited)
    else:
        revoke(acme, invited, acme.manager)
    with acme.unchanged():
        with pytest.raises(InvitationNotOpen):
            accept(acme, invited, acme.stranger)
        with pytest.raises(InvitationNotOpen):
            register(acme, invited, "Eve", "eve@example.org")
        with pytest.raises(InvitationNotOpen):
            decline(acme, invited)
        if end != "declined":  # which still stands on the Pending tab, and is taken off it by revoking
            with pytest.raises(InvitationNotOpen):
                revoke(acme, invited, acme.manager)


def test_C06_an_invitation_works_until_the_second_it_expires(acme: Acme) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        first = acme.world.invite(acme.slug, acme.manager, "bob@example.org", days=1)
        second = acme.world.invite(acme.slug, acme.manager, "eve@example.org", days=1)
        clock.shift(timedelta(days=1) - A_SECOND)
        register(acme, first)
        clock.shift(A_SECOND)
        with acme.unchanged():
            with pytest.raises(InvitationNotOpen):
                register(acme, second, "Eve", "eve@example.org")
            with pytest.raises(InvitationNotOpen):
                decline(acme, second)


def test_C07_demoted_inviters_offer_is_dead(acme: Acme) -> None:
    invited = acme.world.invite(acme.slug, acme.manager, "una@example.org", Role.MANAGER)
    acme.change(acme.manager, role=Role.ADMIN)
    with acme.unchanged(), pytest.raises(InvitationNotOpen):
        accept(acme, invited, acme.stranger)


def test_C07_demotion_that_still_covers_the_offer_leaves_it_alive(acme: Acme, invited: Invited) -> None:
    acme.change(acme.manager, role=Role.ADMIN)
    register(acme, invited)
    assert acme.world.status_of(invited) == "accepted"


@pytest.mark.parametrize("loss", ["suspended", "removed", "deactivated", "demoted"])
def test_C07_offer_of_somebody_who_may_not_invite_any_more_is_dead(acme: Acme, invited: Invited, loss: str) -> None:
    if loss == "suspended":
        acme.change(acme.manager, status=MemberStatus.SUSPENDED)
    elif loss == "removed":
        acme.remove(acme.manager)
    elif loss == "deactivated":
        acme.deactivate(acme.manager)
    else:
        acme.change(acme.manager, role=Role.MEMBER)
    with acme.unchanged(), pytest.raises(InvitationNotOpen):
        register(acme, invited)


def test_C07_changed_policy_kills_the_offers_of_members(acme: Acme) -> None:
    acme.world.policy(acme.slug, members_may_invite=True)
    invited = acme.world.invite(acme.slug, acme.member, "bob@example.org")
    acme.world.policy(acme.slug, members_may_invite=False)
    with acme.unchanged(), pytest.raises(InvitationNotOpen):
        register(acme, invited)


def test_C04_strict_policy_refuses_another_address(acme: Acme, invited: Invited) -> None:
    with acme.unchanged(), pytest.raises(OtherAddress):
        accept(acme, invited, acme.stranger)


def test_C04_lax_policy_takes_another_address_and_the_audit_log_names_both(acme: Acme, invited: Invited) -> None:
    acme.world.policy(acme.slug, address_match_required=False)
    accept(acme, invited, acme.stranger)
    entry = acme.entries()[-1]
    assert (entry.event, entry.target_name) == ("invitation.accepted", "Bob@Example.org")
    assert entry.after == {"status": "accepted", "user_id": acme.stranger.user_id, "email": "una@example.org"}


def test_C03_unproven_address_is_nobodys(acme: Acme, invited: Invited) -> None:
    def claim() -> None:
        row = EmailAddress(user_id=acme.stranger.user_id, address="bob@example.org", canonical="bob@example.org")
        row.is_primary = False
        db.session.add(row)

    acme.world.write(claim)
    with acme.unchanged(), pytest.raises(OtherAddress):
        accept(acme, invited, acme.stranger)


def refusal_of(acme: Acme, invited: Invited, person: Person) -> DomainError:
    with acme.unchanged(), pytest.raises(DomainError) as refusal:
        accept(acme, invited, person)
    return refusal.value


def test_a_member_does_not_become_one_twice(acme: Acme, invited: Invited) -> None:
    acme.world.policy(acme.slug, address_match_required=False)
    assert isinstance(refusal_of(acme, invited, acme.member), AlreadyMember)
    assert isinstance(refusal_of(acme, invited, acme.suspended), AlreadyMember)


def test_inactive_account_accepts_nothing(acme: Acme) -> None:
    invited = acme.world.invite(acme.slug, acme.manager, "una@example.org")
    acme.deactivate(acme.stranger)
    assert isinstance(refusal_of(acme, invited, acme.stranger), NotFound)


def test_taken_address_makes_no_second_account(acme: Acme) -> None:
    invited = acme.world.invite(acme.slug, acme.manager, "Una@example.org")
    with acme.unchanged(), pytest.raises(AddressTaken):
        register(acme, invited, "Una Two", "Una@example.org")
