"""A copied link: as good as whoever copied it, and never taken for a mailed one."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.support.acme import Acme
from tests.support.unproven import copied
from tests.support.worlds import Invited, Person, password_hash
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import Forbidden, InvitationNotOpen, NotFound, OftenEnough
from webapp.models import Invitation, InvitationToken, Member, MemberStatus, Organization, RemovedMember, Role
from webapp.queries.invitations import offered_by
from webapp.services import addresses, attempts, invitation_renewals, invitations, removals
from webapp.services.accounts import NewAccount
from webapp.services.attempts import Limit
from webapp.services.invitation_links import Link
from webapp.services.tokens import digest

Loss = Callable[[Acme, Person], None]


@pytest.fixture
def invited(acme: Acme) -> Invited:
    """An invitation by the owner, to somebody without an account."""
    return acme.world.invite(acme.slug, acme.owner, "bob@example.org")


def demote(acme: Acme, person: Person) -> None:
    acme.change(person, role=Role.MEMBER)


def suspend(acme: Acme, person: Person) -> None:
    acme.change(person, status=MemberStatus.SUSPENDED)


def followed(acme: Acme, invited: Invited) -> Link:
    link: Link = acme.world.read(lambda: offered_by(invited.token).link)
    return link


def state(acme: Acme, invited: Invited) -> str:
    return str(acme.world.read(lambda: offered_by(invited.token).state))


def register(acme: Acme, link: Link) -> None:
    new = NewAccount("Bob Builder", addresses.parse("bob@example.org"), password_hash())
    acme.world.write(lambda: invitations.accept_as_new(Actor.visitor("192.0.2.1"), link, new))


@pytest.mark.parametrize("loss", [demote, suspend, Acme.remove, Acme.deactivate])
def test_C07_link_is_as_good_as_revoked_once_whoever_copied_it_may_not_invite(
    acme: Acme, invited: Invited, loss: Loss
) -> None:
    copy = copied(acme, invited, acme.admin)
    link, mailed = followed(acme, copy), followed(acme, invited)
    loss(acme, acme.admin)
    assert (state(acme, copy), state(acme, invited)) == ("revoked", "pending")
    with acme.unchanged():
        with pytest.raises(InvitationNotOpen):
            register(acme, link)
        with pytest.raises(InvitationNotOpen):
            acme.world.write(lambda: invitations.accept(Actor.visitor(None), link, acme.stranger.user_id))
    register(acme, mailed)


def test_C08_link_is_dead_once_whoever_copied_it_is_below_the_role_it_offers(acme: Acme) -> None:
    invited = acme.world.invite(acme.slug, acme.owner, "bob@example.org", Role.MANAGER)
    copy = copied(acme, invited, acme.manager)
    link = followed(acme, copy)
    acme.change(acme.manager, role=Role.ADMIN)
    assert state(acme, copy) == "revoked"
    with acme.unchanged(), pytest.raises(InvitationNotOpen):
        register(acme, link)


def test_link_works_while_whoever_copied_it_may_invite_whatever_becomes_of_the_others(
    acme: Acme, invited: Invited
) -> None:
    copied(acme, invited, acme.admin)
    copy = copied(acme, invited, acme.manager)
    acme.remove(acme.admin)
    assert state(acme, copy) == "pending"
    register(acme, followed(acme, copy))


def test_C07_link_dies_with_the_right_of_who_invited_too(acme: Acme) -> None:
    copy = copied(acme, acme.world.invite(acme.slug, acme.admin, "bob@example.org"), acme.owner)
    suspend(acme, acme.admin)
    assert state(acme, copy) == "revoked"


def test_row_says_who_copied_it(acme: Acme, invited: Invited) -> None:
    copied(acme, invited, acme.manager)
    rows = acme.world.read(lambda: db.session.scalars(select(InvitationToken).order_by(InvitationToken.id)).all())
    assert [row.copied_by_id for row in rows] == [None, acme.manager.user_id]


def test_C03_C12_who_only_knows_mailed_links_does_not_find_a_copied_one(acme: Acme, invited: Invited) -> None:
    copy = copied(acme, invited)
    hashes = acme.world.read(lambda: db.session.scalars(select(InvitationToken.token_hash)).all())
    assert digest(invited.token) in hashes
    assert digest(copy.token) not in hashes


def test_nobody_copies_a_link_who_could_lose_the_right_to(acme: Acme, invited: Invited) -> None:
    def copy() -> None:
        invitation = db.session.get_one(Invitation, invited.id)
        invitation_renewals.copy_link(Actor.system(), acme.organization(), invitation)

    with acme.unchanged(), pytest.raises(Forbidden):
        acme.world.write(copy)


def test_C07_link_stays_dead_when_the_removal_of_who_copied_it_is_undone(acme: Acme, invited: Invited) -> None:
    copy = copied(acme, invited, acme.admin)
    link = followed(acme, copy)
    member = acme.member_id(acme.admin)
    acme.act(acme.owner, lambda actor, here: removals.remove(actor, here, db.session.get_one(Member, member)))

    def undo(actor: Actor, here: Organization) -> None:
        removed = db.session.scalars(select(RemovedMember).where(RemovedMember.member_id == member)).one()
        removals.undo_removal(actor, here, removed)

    acme.act(acme.owner, undo)
    with acme.unchanged(), pytest.raises((NotFound, InvitationNotOpen)):
        register(acme, link)
    assert state(acme, invited) == "pending"


def test_C14_somebody_copies_so_many_links_a_day(acme: Acme, invited: Invited) -> None:
    limit = Limit(f"links:user:{acme.admin.user_id}", attempts.CHANGES_A_DAY, timedelta(days=1))
    acme.world.write(lambda: attempts.raise_counters({limit: attempts.CHANGES_A_DAY - 1}))

    def copy(actor: Actor, here: Organization) -> str:
        return invitation_renewals.copy_link(actor, here, db.session.get_one(Invitation, invited.id))

    assert acme.act(acme.admin, copy)
    with acme.unchanged(), pytest.raises(OftenEnough):
        acme.act(acme.admin, copy)
    assert acme.act(acme.manager, copy)
