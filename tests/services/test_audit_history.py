"""The audit log alone tells who was a member, as what, and with which status, at any past moment."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.support.acme import Acme
from tests.support.worlds import Person
from webapp import clock
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import DomainError
from webapp.models import AuditEntry, Member, MemberStatus, Organization, OutboxMessage, RemovedMember, Role, User
from webapp.services import additions, addresses, endings, invitations, members, outbox, removals
from webapp.services.audit import Event
from webapp.services.invitation_links import Link
from webapp.services.invitations import Offer
from webapp.services.memberships import Terms

Membership = dict[int, tuple[int, str, str, str | None]]
"""The id of each member to user, role, status and end."""

BEGINS = {Event.MEMBER_JOINED, Event.MEMBER_ADDED, Event.MEMBER_REMOVAL_UNDONE}
ENDS = {Event.MEMBER_REMOVED, Event.MEMBER_LEFT}
CHANGES = {Event.MEMBER_ROLE_CHANGED, Event.MEMBER_SUSPENDED, Event.MEMBER_RESTORED, Event.MEMBER_END_CHANGED}
ACTS = 90


def rebuilt(entries: Sequence[AuditEntry]) -> Membership:
    """Return the members after these entries, from nothing but what the entries say."""
    found: dict[int, dict[str, Any]] = {}
    for entry in entries:
        if entry.target_kind != "member" or entry.target_id is None:
            continue
        if entry.event in ENDS:
            gone = found.pop(entry.target_id)
            assert {"expires_at": None, **gone} == {"expires_at": None, **(entry.before or {})}
        elif entry.event in BEGINS:
            assert entry.target_id not in found
            found[entry.target_id] = dict(entry.after or {})
        else:
            before, after = entry.before or {}, entry.after or {}
            assert before.items() <= {"expires_at": None, **found[entry.target_id]}.items()
            found[entry.target_id] |= after
    return {
        number: (said["user_id"], said["role"], said["status"], said.get("expires_at"))
        for number, said in found.items()
    }


def recorded(acme: Acme) -> Membership:
    """Return the members as their table says."""

    def read() -> Membership:
        rows = db.session.scalars(select(Member).where(Member.organization_id == acme.organization().id))
        return {row.id: (row.user_id, row.role.label, row.status.value, _end(row)) for row in rows}

    found: Membership = acme.world.read(read)
    return found


def _end(row: Member) -> str | None:
    return row.expires_at.isoformat() if row.expires_at else None


class Chance:
    """Does one thing after another to the members of Acme, whatever a seed brings."""

    def __init__(self, acme: Acme, seed: int) -> None:
        self._acme, self._random = acme, Random(seed)  # noqa: S311  (a test that can be run again)
        self._strangers = [acme.world.person(f"Person {n}", f"person{n}@example.org") for n in range(8)]
        acme.world.write(lambda: db.session.execute(update(User).values(is_instance_administrator=True)))
        self._acts: list[Callable[[Actor, Organization], object]] = [
            self._join,
            self._add,
            self._change_role,
            self._change_role,
            self._suspend,
            self._restore,
            self._restore,
            self._end,
            self._remove,
            self._undo,
            self._leave,
        ]

    def act(self) -> None:
        """Do one thing as somebody who owns Acme; a refusal changes nothing."""
        step = self._random.choice(self._acts)
        try:
            self._acme.world.write(self._as_owner, step)
        except (DomainError, IndexError):  # refused, or there is nobody whom it could happen to
            return

    def _as_owner(self, step: Callable[[Actor, Organization], object]) -> None:
        organization = self._acme.organization()
        member = self._random.choice([member for member in _everybody(organization) if _is_owner(member)])
        step(Actor.of(db.session.get_one(User, member.user_id), ip=None, member=member, is_fresh=True), organization)

    def _join(self, actor: Actor, organization: Organization) -> None:
        person, offer = self._stranger(), Offer(self._random.choice(list(Role)), 7)
        [invitation] = invitations.invite_all(actor, organization, [addresses.parse(person.email)], offer)
        letter = db.session.get_one(OutboxMessage, invitation.letter_id)
        link = Link(invitation.id, organization.id, db.vault.open(outbox.seal_name(letter), letter.secret or ""))
        invitations.accept(Actor.of(_user(person), ip=None), link, person.user_id)

    def _add(self, actor: Actor, organization: Organization) -> None:
        address = addresses.parse(self._stranger().email)
        additions.add(actor, organization, address, Terms(self._random.choice(list(Role))))

    def _change_role(self, actor: Actor, organization: Organization) -> None:
        members.change_role(actor, organization, self._somebody(organization), self._random.choice(list(Role)))

    def _suspend(self, actor: Actor, organization: Organization) -> None:
        members.suspend(actor, organization, self._somebody(organization))

    def _restore(self, actor: Actor, organization: Organization) -> None:
        suspended = select(Member).where(Member.status == MemberStatus.SUSPENDED).order_by(Member.id)
        members.restore(actor, organization, self._random.choice(db.session.scalars(suspended).all()))

    def _end(self, actor: Actor, organization: Organization) -> None:
        ahead = clock.now().date() + timedelta(days=self._random.choice([1, 9]))
        endings.set_last_day(actor, organization, self._somebody(organization), self._random.choice([ahead, None]))

    def _remove(self, actor: Actor, organization: Organization) -> None:
        removals.remove(actor, organization, self._somebody(organization))

    def _undo(self, actor: Actor, organization: Organization) -> None:
        gone = db.session.scalars(select(RemovedMember).order_by(RemovedMember.id)).all()
        removals.undo_removal(actor, organization, self._random.choice([one for one in gone if not one.has_left]))

    def _leave(self, _actor: Actor, organization: Organization) -> None:
        member = self._somebody(organization)
        leaver = db.session.get_one(User, member.user_id)
        removals.leave(Actor.of(leaver, ip=None, member=member, is_fresh=True), organization)

    def _somebody(self, organization: Organization) -> Member:
        return self._random.choice(_everybody(organization))

    def _stranger(self) -> Person:
        return self._random.choice(self._strangers)


def _everybody(organization: Organization) -> Sequence[Member]:
    everybody = select(Member).where(Member.organization_id == organization.id).order_by(Member.id)
    return db.session.scalars(everybody).all()


def _is_owner(member: Member) -> bool:
    return member.role is Role.OWNER and member.is_active


def _user(person: Person) -> User:
    return db.session.get_one(User, person.user_id)


@pytest.mark.parametrize("seed", [1, 2])
def test_members_of_every_past_moment_are_rebuilt_from_the_log_alone(acme: Acme, seed: int) -> None:
    chance = Chance(acme, seed)
    acme.change(acme.suspended, status=MemberStatus.ACTIVE)  # made without the service that would have recorded it
    moments = {len(acme.entries()): recorded(acme)}
    for _ in range(ACTS):
        chance.act()
        moments[len(acme.entries())] = recorded(acme)
    entries = acme.entries()
    assert {number: rebuilt(entries[:number]) for number in moments} == moments
    assert len(moments) > ACTS // 2
    assert {entry.event for entry in entries} >= BEGINS | ENDS | CHANGES
