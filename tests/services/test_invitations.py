"""Inviting: what an offer stores, and who may make one."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.support.acme import Acme, organization_of
from tests.support.worlds import Invited
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import Forbidden, NotFound, RoleTooHigh
from webapp.models import Invitation, InvitationStatus, InvitationToken, LetterState, Role
from webapp.services import addresses, invitations, outbox
from webapp.services.invitations import Offer
from webapp.services.tokens import digest
from webapp.vault import NotReadable

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def invited(acme: Acme) -> Invited:
    """An invitation by the manager, to somebody without an account."""
    return acme.world.invite(acme.slug, acme.manager, "Bob@Example.org")


def stored(acme: Acme, invited: Invited) -> Invitation:
    found: Invitation = acme.world.read(lambda: db.session.get_one(Invitation, invited.id))
    return found


def test_invitation_keeps_what_was_offered(acme: Acme) -> None:
    with time_machine.travel(NOON, tick=False):
        invited = acme.world.invite(acme.slug, acme.admin, "Bob@Example.org", Role.ADMIN, days=3)
    row = stored(acme, invited)
    assert (row.email, row.canonical) == ("Bob@Example.org", "bob@example.org")
    assert (row.role, row.status, row.invited_by_id) == (Role.ADMIN, InvitationStatus.PENDING, acme.admin.user_id)
    assert (row.created_at, row.expires_at, row.closed_at) == (NOON, NOON + timedelta(days=3), None)


def test_only_the_hash_of_the_token_is_stored(acme: Acme, invited: Invited) -> None:
    [row] = acme.world.read(lambda: db.session.scalars(select(InvitationToken)).all())
    assert (row.invitation_id, row.token_hash) == (invited.id, digest(invited.token))
    assert invited.token not in repr(acme.world.dump())


def test_letter_goes_to_the_address_as_typed_and_its_secret_is_sealed_for_it_alone(acme: Acme) -> None:
    first = acme.world.invite(acme.slug, acme.admin, "Bob@Example.org")
    acme.world.invite(acme.slug, acme.admin, "eve@example.org")
    letter, other = acme.world.letters("invitation")
    assert (letter.to_address, letter.state) == ("Bob@Example.org", LetterState.QUEUED)
    assert letter.data["organization"] == "Acme"
    assert letter.data["inviter"] == "Adam Admin"
    assert letter.secret
    with acme.world.app.app_context():
        assert db.vault.open(outbox.seal_name(letter), letter.secret) == first.token
        with pytest.raises(NotReadable):
            db.vault.open(outbox.seal_name(other), letter.secret)


def test_inviting_is_in_the_audit_log(acme: Acme, invited: Invited) -> None:
    entry = acme.entries()[-1]
    assert (entry.event, entry.actor_user_id, entry.actor_name) == (
        "invitation.sent",
        acme.manager.user_id,
        "Mona Manager",
    )
    assert (entry.target_kind, entry.target_id, entry.target_name) == ("invitation", invited.id, "Bob@Example.org")
    assert entry.after
    assert (entry.after["email"], entry.after["role"]) == ("Bob@Example.org", "member")


@pytest.mark.parametrize("inviter", ["admin", "manager", "owner"])
def test_C08_nobody_offers_a_role_above_their_own(acme: Acme, inviter: str) -> None:
    person, own = getattr(acme, inviter), Role[inviter.upper()]
    for role in (role for role in Role if role <= own):
        assert stored(acme, acme.world.invite(acme.slug, person, f"{role.label}@example.org", role)).role is role
    for role in (role for role in Role if role > own):
        with acme.unchanged(), pytest.raises(RoleTooHigh):
            acme.world.invite(acme.slug, person, "bob@example.org", role)


def test_members_invite_only_where_the_policy_says_so(acme: Acme) -> None:
    with acme.unchanged(), pytest.raises(Forbidden):
        acme.world.invite(acme.slug, acme.member, "bob@example.org")
    acme.world.policy(acme.slug, members_may_invite=True)
    assert acme.world.status_of(acme.world.invite(acme.slug, acme.member, "bob@example.org")) == "pending"
    with acme.unchanged(), pytest.raises(RoleTooHigh):
        acme.world.invite(acme.slug, acme.member, "eve@example.org", Role.ADMIN)


@pytest.mark.parametrize("outsider", ["suspended", "stranger"])
def test_D06_outsiders_do_not_invite_whatever_the_policy(acme: Acme, outsider: str) -> None:
    acme.world.policy(acme.slug, members_may_invite=True)
    with acme.unchanged(), pytest.raises(NotFound):
        acme.world.invite(acme.slug, getattr(acme, outsider), "bob@example.org")


def test_membership_of_another_organization_gives_nothing_here(acme: Acme) -> None:
    def invite_with_foreign_membership(actor: Actor, _organization: object) -> None:
        offer = Offer(Role.MEMBER, 7)
        invitations.invite_all(actor, organization_of(acme.other_slug), [addresses.parse("bob@example.org")], offer)

    with acme.unchanged(), pytest.raises(NotFound):
        acme.act(acme.owner, invite_with_foreign_membership)
