"""Ends of memberships that begin: leaving and coming back sheds none, and nobody gives more than their own."""

from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from sqlalchemy import func, select, update

from tests.services.test_copied_links import followed
from tests.support.acme import Acme
from tests.support.sso import rows
from tests.support.unproven import copied
from tests.support.worlds import Invited, Person
from webapp import clock
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import EndBeyondYours, OwnerWithEnd
from webapp.mail.housekeeping import clear_all
from webapp.models import Member, Organization, RemovedMember, Role, User
from webapp.services import additions, addresses, endings, invitations, members, removals
from webapp.services.memberships import Terms

pytestmark = pytest.mark.usefixtures("within_a_day")


def after(days: int) -> datetime:
    """Return the first moment after a day."""
    return datetime.combine(clock.now().date(), time.min, UTC) + timedelta(days=days + 1)


def leave(acme: Acme, person: Person, end: datetime | None) -> None:
    """Let somebody have left whose membership was to end then, also if that has passed meanwhile."""
    acme.act(person, removals.leave)
    newest = select(func.max(RemovedMember.id)).scalar_subquery()
    acme.world.write(
        lambda: db.session.execute(update(RemovedMember).where(RemovedMember.id == newest).values(expires_at=end))
    )


def accept(acme: Acme, invited: Invited, person: Person) -> None:
    link = followed(acme, invited)

    def run() -> None:
        invitations.accept(Actor.of(db.session.get_one(User, person.user_id), ip=None), link, person.user_id)

    acme.world.write(run)


def end_of(acme: Acme, person: Person) -> datetime | None:
    found: datetime | None = acme.world.read(lambda: db.session.get_one(Member, acme.member_id(person)).expires_at)
    return found


@pytest.fixture
def newcomer(acme: Acme) -> Person:
    """Somebody who never was a member."""
    return acme.world.person("Nina New", "nina@example.org")


@pytest.mark.parametrize(
    ("sender", "was", "kept"),
    [("admin", 1, 1), ("admin", -1, -1), ("manager", 1, 1), ("manager", -1, None), ("admin", None, None)],
)
def test_who_leaves_and_is_invited_keeps_the_end_they_had(
    acme: Acme, sender: str, was: int | None, kept: int | None
) -> None:
    leave(acme, acme.member, None if was is None else after(was))
    accept(acme, acme.world.invite(acme.slug, getattr(acme, sender), acme.member.email), acme.member)
    assert end_of(acme, acme.member) == (None if kept is None else after(kept))
    [said] = [entry.after or {} for entry in acme.entries() if entry.event == "member.joined"][-1:]
    assert said.get("expires_at") == (None if kept is None else after(kept).isoformat())


def test_link_that_an_admin_copied_renews_nothing(acme: Acme) -> None:
    leave(acme, acme.member, after(-1))
    invited = acme.world.invite(acme.slug, acme.manager, acme.member.email)
    accept(acme, copied(acme, invited, acme.admin), acme.member)
    assert end_of(acme, acme.member) == after(-1)


def test_end_of_the_last_of_several_memberships_counts(acme: Acme) -> None:
    leave(acme, acme.member, after(1))
    acme.world.member(acme.slug, acme.member, Role.MEMBER)
    assert end_of(acme, acme.member) == after(1)
    leave(acme, acme.member, None)
    accept(acme, acme.world.invite(acme.slug, acme.admin, acme.member.email), acme.member)
    assert end_of(acme, acme.member) is None


@pytest.mark.parametrize("is_copied", [False, True])
def test_who_ends_invites_nobody_for_longer(acme: Acme, newcomer: Person, is_copied: bool) -> None:
    acme.change(acme.manager, expires_at=after(1))
    invited = acme.world.invite(acme.slug, acme.owner if is_copied else acme.manager, newcomer.email)
    accept(acme, copied(acme, invited, acme.manager) if is_copied else invited, newcomer)
    assert end_of(acme, newcomer) == after(1)


@pytest.mark.parametrize("days", [31, 90], ids=["ahead", "over"])
def test_D06_end_counts_however_long_somebody_stays_away(acme: Acme, days: int) -> None:
    end = after(60)
    leave(acme, acme.member, end)
    with time_machine.travel(clock.now() + timedelta(days=days), tick=False):
        with acme.world.app.app_context():
            clear_all()
        assert "Mina Member" not in acme.world.browser(acme.owner).get(acme.address("members/removed")).text
        accept(acme, acme.world.invite(acme.slug, acme.admin, acme.member.email), acme.member)
        assert end_of(acme, acme.member) == end


def test_D06_end_that_was_renewed_does_not_come_back_when_the_membership_after_it_is_forgotten(acme: Acme) -> None:
    leave(acme, acme.member, after(-1))
    accept(acme, acme.world.invite(acme.slug, acme.manager, acme.member.email), acme.member)
    leave(acme, acme.member, None)
    with time_machine.travel(clock.now() + timedelta(days=31), tick=False), acme.world.app.app_context():
        clear_all()
    assert rows(acme, RemovedMember) == 0
    accept(acme, acme.world.invite(acme.slug, acme.admin, acme.member.email), acme.member)
    assert end_of(acme, acme.member) is None


def test_end_they_had_before_that_of_whoever_invites_stays(acme: Acme) -> None:
    leave(acme, acme.member, after(1))
    acme.change(acme.manager, expires_at=after(5))
    accept(acme, acme.world.invite(acme.slug, acme.manager, acme.member.email), acme.member)
    assert end_of(acme, acme.member) == after(1)


def test_owner_who_invites_an_owner_gives_no_end(acme: Acme) -> None:
    leave(acme, acme.member, after(1))
    accept(acme, acme.world.invite(acme.slug, acme.owner, acme.member.email, Role.OWNER), acme.member)
    assert end_of(acme, acme.member) is None


def test_nobody_becomes_an_owner_with_an_end(acme: Acme) -> None:
    leave(acme, acme.member, after(1))
    terms = Terms(Role.OWNER)
    with acme.unchanged(), pytest.raises(OwnerWithEnd):
        acme.act(
            acme.owner,
            lambda actor, here: members.add(
                actor, here, db.session.get_one(User, acme.member.user_id), acme.member.email, terms
            ),
        )


def test_who_ends_adds_nobody_for_longer_and_they_are_told(acme: Acme, newcomer: Person) -> None:
    acme.change(acme.manager, expires_at=after(1))
    for person in (acme.manager, newcomer):
        acme.world.member(acme.other_slug, person, Role.MEMBER)
    address = addresses.parse(newcomer.email)
    acme.act(acme.manager, lambda actor, here: additions.add(actor, here, address, Terms(Role.MEMBER)))
    assert end_of(acme, newcomer) == after(1)
    assert acme.world.letters("added")[-1].data["expires_at"] == after(1).isoformat()


@pytest.mark.parametrize(("had", "has"), [(None, 3), (1, 1), (9, 3)])
def test_who_ends_puts_nobody_back_for_longer(acme: Acme, had: int | None, has: int) -> None:
    acme.change(acme.member, expires_at=None if had is None else after(had))
    acme.change(acme.manager, expires_at=after(3))
    number = acme.member_id(acme.member)

    def remove_and_undo(actor: Actor, organization: Organization) -> None:
        removed = removals.remove(actor, organization, db.session.get_one(Member, number))
        removals.undo_removal(actor, organization, removed)

    acme.act(acme.manager, remove_and_undo)
    assert end_of(acme, acme.member) == after(has)


@pytest.mark.parametrize("days", [None, 4])
def test_who_ends_lets_nobody_last_longer(acme: Acme, days: int | None) -> None:
    acme.change(acme.member, expires_at=after(1))
    acme.change(acme.manager, expires_at=after(3))
    number = acme.member_id(acme.member)
    day = None if days is None else clock.now().date() + timedelta(days=days)

    def set_last_day(actor: Actor, organization: Organization) -> None:
        endings.set_last_day(actor, organization, db.session.get_one(Member, number), day)

    with acme.unchanged(), pytest.raises(EndBeyondYours):
        acme.act(acme.manager, set_last_day)
    day = clock.now().date() + timedelta(days=3)
    acme.act(acme.manager, set_last_day)
    assert end_of(acme, acme.member) == after(3)
