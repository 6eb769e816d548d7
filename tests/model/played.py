"""The same acts, done by the services on a real database, as pages and commands do them."""

from collections import Counter
from collections.abc import Callable
from copy import copy, deepcopy
from dataclasses import replace
from functools import partial
from typing import Any, Self

import time_machine
from flask import Flask
from sqlalchemy import select

from tests.model.acts import CAST, COMMAND_LINE, START, Act
from tests.support.acme import organization_of
from tests.support.ledger import Ledger
from tests.support.worlds import Person, World, password_hash
from webapp.access.actor import Actor
from webapp.access.decide import require
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import DomainError, NotFound
from webapp.models import (
    AuditEntry,
    Invitation,
    Member,
    Organization,
    OutboxMessage,
    RemovedMember,
    Role,
    User,
)
from webapp.services import (
    addresses,
    invitation_batches,
    invitation_renewals,
    invitations,
    members,
    organizations,
    outbox,
    removals,
)
from webapp.services.accounts import NewAccount
from webapp.services.audit import FIRST_HASH, hash_of
from webapp.services.invitation_links import Link
from webapp.services.invitations import Offer

SLUG, OTHER = "acme", "umbra"
Outcome = tuple[str, Callable[[], object]]
"""What came of an act, and what to remember once it is committed."""


class Played:
    """Acme in the application's database, beside Umbra, which none of this concerns."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.now = START
        people = {cast.name: world.person(cast.name, cast.email) for cast in CAST}
        self._users = {name: person.user_id for name, person in people.items()}
        owner, stranger = people[CAST[0].name], people[CAST[-1].name]
        assert (world.organization("Acme", owner), world.organization("Umbra", stranger)) == (SLUG, OTHER)
        joined = [(people[cast.name], cast) for cast in CAST[1:] if cast.role]
        self._memberships = [world.read(lambda: db.session.scalars(select(Member.id)).first())]
        self._memberships += [world.member(SLUG, who, cast.role or Role.MEMBER, cast.status) for who, cast in joined]
        self._furnish_other(people)
        self._invitations: list[int] = []
        self._links: list[list[str]] = []
        self._letters_before = len(world.letters())
        self._entries_before = len(world.read(_entries))
        self._other_before = self.other()
        self.sentence = ""

    def _furnish_other(self, people: dict[str, Person]) -> None:
        """Let Umbra have members and invitations that Acme's could be taken for."""
        for name in ("Mona Manager", "Eva Example"):
            self.world.member(OTHER, people[name], Role.OWNER)
        for name in ("Mina Member", "Adam Admin"):
            self.world.invite(OTHER, people["Una Umbra"], people[name].email)

    def again(self) -> Self:
        """Return the same once more, to go on from here in a database that holds what this one holds now."""
        found = copy(self)
        for name in ("_users", "_memberships", "_invitations", "_links"):
            setattr(found, name, deepcopy(getattr(self, name)))
        return found

    def do(self, act: Act) -> str:
        """Do it, and return what came of it; `sentence` is what a refusal says."""
        self.sentence = ""
        if act.verb == "wait":
            self.now += act.more
            return "done"
        with time_machine.travel(self.now, tick=False):
            try:
                found, note = self.world.write(lambda: getattr(self, f"_{act.verb}")(act))
            except DomainError as refusal:
                self.sentence = str(refusal)
                return type(refusal).__name__
        note()
        return str(found)

    def picture(self) -> dict[str, Any]:
        """Return everything that can be seen of the organization, past its services."""
        found: dict[str, Any] = self.world.read(self._picture)
        return found

    def other(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return every row that belongs to the other organization."""

        def read() -> dict[str, list[tuple[Any, ...]]]:
            number = organization_of(OTHER).id
            tables = [table for table in db.metadata.sorted_tables if "organization_id" in table.c]
            return {
                table.name: sorted(map(tuple, db.session.execute(select(table).filter_by(organization_id=number))))
                for table in tables
            }

        found: dict[str, list[tuple[Any, ...]]] = self.world.read(read)
        return found

    @property
    def is_other_unchanged(self) -> bool:
        """Whether the other organization is as it was."""
        return self.other() == self._other_before

    def _picture(self) -> dict[str, Any]:
        here = organization_of(SLUG).id
        named = select(User.name, Member.role, Member.status).join(Member, Member.user_id == User.id)
        gone = select(RemovedMember, User.name).join(User, User.id == RemovedMember.user_id)
        offers = db.session.scalars(
            select(Invitation).where(Invitation.organization_id == here).order_by(Invitation.id)
        )
        letters = db.session.scalars(select(OutboxMessage.kind).order_by(OutboxMessage.id)).all()
        entries = _entries()
        assert_chained(entries)
        return {
            "members": {
                name: (role.label, status.value)
                for name, role, status in db.session.execute(named.where(Member.organization_id == here))
            },
            "invitations": [(offer.canonical, offer.role.label, self._state(offer)) for offer in offers],
            "removed": {
                self._memberships.index(row.member_id): (name, row.role.label, row.status.value)
                for row, name in db.session.execute(gone.where(RemovedMember.organization_id == here))
            },
            "letters": dict(Counter(letters[self._letters_before :])),
            "events": [entry.event for entry in entries[self._entries_before :]],
        }

    def _state(self, offer: Invitation) -> str:
        return "expired" if offer.status == "pending" and offer.expires_at <= self.now else offer.status.value

    # ---- who acts, and upon what: as the guard loads it ----

    def _enter(self, name: str, scope: Scope) -> tuple[Actor, Organization]:
        organization = organizations.lock(organization_of(SLUG).id)
        actor = self._actor(name, organization)
        require(actor, scope, organization)
        return actor, organization

    def _actor(self, name: str, organization: Organization) -> Actor:
        if name == COMMAND_LINE:
            return Actor.system()
        user = db.session.get_one(User, self._users[name])
        return Actor.of(user, ip=None, member=members.of_user(organization, user.id), is_fresh=True)

    def _member(self, organization: Organization, name: str) -> Member:
        found = members.of_user(organization, self._users[name])
        if found is None:
            raise NotFound
        return found

    def _link(self, act: Act) -> Link:
        number, which = act.subject
        return Link(self._invitations[number], organization_of(SLUG).id, self._links[number][which])

    # ---- the acts: each returns what came of it, and what to remember once it is committed ----

    def _invite(self, act: Act) -> Outcome:
        actor, organization = self._enter(act.actor, Scope.MEMBER_INVITE)
        offer = Offer(act.more, organization.invitation_lifetime_days)
        # However it is spelled, it is the same address.
        [outcome] = invitation_batches.invite_each(actor, organization, act.subject.title(), offer)
        if outcome.result != "invited":
            return outcome.result.value, lambda: None
        newest = db.session.scalars(
            select(Invitation)
            .where(Invitation.canonical == addresses.parse(act.subject).canonical)
            .order_by(-Invitation.id)
        ).first()
        assert newest
        number, token = newest.id, _mailed_token(newest)
        return "invited", partial(self._remember_invitation, number, token)

    def _remember_invitation(self, number: int, token: str) -> None:
        self._invitations.append(number)
        self._links.append([token])

    def _resend(self, act: Act) -> Outcome:
        actor, organization = self._enter(act.actor, Scope.MEMBER_INVITE)
        invitation = db.session.get_one(Invitation, self._invitations[act.subject])
        invitation_renewals.resend(actor, organization, invitation)
        token = _mailed_token(invitation)
        return "done", partial(self._links[act.subject].append, token)

    def _revoke(self, act: Act) -> Outcome:
        actor, organization = self._enter(act.actor, Scope.MEMBER_INVITE)
        invitations.revoke(actor, organization, db.session.get_one(Invitation, self._invitations[act.subject]))
        return "done", lambda: None

    def _copy(self, act: Act) -> Outcome:
        actor, organization = self._enter(act.actor, Scope.MEMBER_INVITE)
        invitation = db.session.get_one(Invitation, self._invitations[act.subject])
        token = invitation_renewals.copy_link(actor, organization, invitation)
        return "done", partial(self._links[act.subject].append, token)

    def _decline(self, act: Act) -> Outcome:
        invitations.decline(Actor.visitor(None), self._link(act))
        return "done", lambda: None

    def _accept(self, act: Act) -> Outcome:
        user = db.session.get_one(User, self._users[act.actor])
        number = invitations.accept(Actor.of(user, ip=None), self._link(act), user.id).id
        return "done", partial(self._memberships.append, number)

    def _register(self, act: Act) -> Outcome:
        link = self._link(act)
        email = db.session.get_one(Invitation, link.invitation_id).email
        new = NewAccount(act.more, addresses.parse(email), password_hash())
        joined = invitations.accept_as_new(Actor.visitor(None), link, new)
        number, user_id = joined.id, joined.user_id
        return "done", partial(self._remember_newcomer, act.more, number, user_id)

    def _remember_newcomer(self, name: str, number: int, user_id: int) -> None:
        self._memberships.append(number)
        self._users[name] = user_id

    def _give(self, act: Act) -> Outcome:
        actor, organization = self._enter(act.actor, Scope.MEMBER_WRITE)
        members.change_role(actor, organization, self._member(organization, act.subject), act.more)
        return "done", lambda: None

    def _suspend(self, act: Act) -> Outcome:
        actor, organization = self._enter(act.actor, Scope.MEMBER_WRITE)
        members.suspend(actor, organization, self._member(organization, act.subject))
        return "done", lambda: None

    def _restore(self, act: Act) -> Outcome:
        actor, organization = self._enter(act.actor, Scope.MEMBER_WRITE)
        members.restore(actor, organization, self._member(organization, act.subject))
        return "done", lambda: None

    def _remove(self, act: Act) -> Outcome:
        actor, organization = self._enter(act.actor, Scope.MEMBER_WRITE)
        removals.remove(actor, organization, self._member(organization, act.subject))
        return "done", lambda: None

    def _leave(self, act: Act) -> Outcome:
        removals.leave(*self._enter(act.actor, Scope.ORG_READ))
        return "done", lambda: None

    def _undo(self, act: Act) -> Outcome:
        actor, organization = self._enter(act.actor, Scope.MEMBER_WRITE)
        number = self._memberships[act.subject]
        found = select(RemovedMember).where(RemovedMember.organization_id == organization.id)
        removed = db.session.scalar(found.where(RemovedMember.member_id == number))
        if removed is None:
            raise NotFound
        removals.undo_removal(actor, organization, removed)
        return "done", lambda: None

    def _allow(self, act: Act) -> Outcome:
        actor, organization = self._enter(act.actor, Scope.ORG_WRITE)
        name, value = act.more
        organizations.change(actor, organization, replace(organizations.settings_of(organization), **{name: value}))
        return "done", lambda: None


def beginnings(app: Flask) -> Callable[[], Played]:
    """Return what lets a history begin: all begin alike, so that is made once and put back for each."""
    ledger = Ledger(app.extensions["vestibule"].database_url)
    ledger.empty()
    first = Played(World(app))
    made = ledger.everything()

    def begin() -> Played:
        ledger.empty(but=made)
        return first.again()

    return begin


def _mailed_token(invitation: Invitation) -> str:
    letter = db.session.get_one(OutboxMessage, invitation.letter_id)
    return db.vault.open(outbox.seal_name(letter), letter.secret or "")


def _entries() -> list[AuditEntry]:
    here = AuditEntry.organization_id == organization_of(SLUG).id
    return list(db.session.scalars(select(AuditEntry).where(here).order_by(AuditEntry.sequence)))


def assert_chained(entries: list[AuditEntry]) -> None:
    """Each entry continues the one before it and is as it was written."""
    hashes = [FIRST_HASH, *(hash_of(entry) for entry in entries)]
    assert [entry.sequence for entry in entries] == list(range(1, len(entries) + 1))
    assert [(entry.previous_hash, entry.hash) for entry in entries] == list(zip(hashes, hashes[1:], strict=False))
