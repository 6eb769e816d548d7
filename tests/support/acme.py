"""Two organizations that most tests need: one with somebody in each role, and one of strangers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from flask.testing import FlaskClient
from sqlalchemy import select, update

from tests.support.worlds import Invited, Person, World
from webapp import clock
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import (
    AuditEntry,
    Invitation,
    InvitationStatus,
    Member,
    MemberStatus,
    Organization,
    Role,
    User,
)
from webapp.services import members, sessions

T = TypeVar("T")


@dataclass(frozen=True)
class Acme:
    """Acme with its people, and Umbra, whose owner is a stranger to Acme."""

    world: World
    slug: str
    owner: Person
    manager: Person
    admin: Person
    member: Person
    suspended: Person
    other_slug: str
    stranger: Person
    _tokens: dict[int, str]

    def address(self, path: str) -> str:
        """Return an address within Acme."""
        return f"/orgs/{self.slug}/{path}"

    def browser(self, person: Person | None = None) -> FlaskClient:
        """Return a browser in which one of them is signed in; their sessions are as old as Acme."""
        client = self.world.app.test_client()
        if person is not None:
            with client.session_transaction() as cookie:
                cookie["token"] = self._tokens[person.user_id]
        return client

    def wake(self) -> None:
        """Let everybody have signed in and been active just now, so that their next request has nothing to note."""

        def wake() -> None:
            now, tables, run = clock.now(), db.metadata.tables, db.session.connection().execute
            run(update(tables["member"]).values(last_active_at=now))
            run(update(tables["session"]).values(last_seen_at=now, created_at=now))

        self.world.write(wake)

    def organization(self) -> Organization:
        """Return the row of Acme, within a transaction."""
        return organization_of(self.slug)

    def act(self, person: Person, step: Callable[[Actor, Organization], T], slug: str | None = None) -> T:
        """Run a step of a service in a writing transaction, as `person` would in Acme or another organization.

        They have just signed in.
        """

        def run() -> T:
            organization = organization_of(slug or self.slug)
            user = db.session.get_one(User, person.user_id)
            member = members.of_user(organization, user.id)
            return step(Actor.of(user, ip=None, member=member, is_fresh=True), organization)

        found: T = self.world.write(run)
        return found

    def change(self, person: Person, **values: object) -> None:
        """Change what Acme's row of a member says, such as role or status."""

        def change(_actor: Actor, organization: Organization) -> None:
            member = members.of_user(organization, person.user_id)
            for name, value in values.items():
                setattr(member, name, value)

        self.act(person, change)

    def remove(self, person: Person) -> None:
        """Take somebody out of Acme."""
        self.act(person, lambda actor, _organization: db.session.delete(actor.member))

    def deactivate(self, person: Person) -> None:
        """Close somebody's account."""

        def close() -> None:
            db.session.get_one(User, person.user_id).is_active = False

        self.world.write(close)

    def close(self, invited: Invited, status: InvitationStatus) -> None:
        """Let an invitation have ended."""

        def close() -> None:
            invitation = db.session.get_one(Invitation, invited.id)
            invitation.status, invitation.closed_at = status, clock.now()

        self.world.write(close)

    def member_id(self, person: Person) -> int:
        """Return the id of somebody's membership in Acme."""

        def read() -> int:
            found = select(Member.id).join(Organization).where(Organization.slug == self.slug)
            return db.session.scalars(found.where(Member.user_id == person.user_id)).one()

        return int(self.world.read(read))

    def entries(self, slug: str | None = None) -> list[AuditEntry]:
        """Return the audit entries of Acme or of another organization, oldest first."""
        return self.world.read(
            lambda: list(
                db.session.scalars(
                    select(AuditEntry)
                    .where(AuditEntry.organization_id == organization_of(slug or self.slug).id)
                    .order_by(AuditEntry.sequence)
                )
            )
        )

    def events(self) -> list[str]:
        """Return what happened in Acme by the names of events, oldest first."""
        return [entry.event for entry in self.entries()]

    @contextmanager
    def unchanged(self, *but: str) -> Iterator[None]:
        """Fail when anything was stored, or any letter queued, within the block; `but` are tables that may change."""
        before = self.world.dump(without=set(but))
        yield
        after = self.world.dump(without=set(but))
        assert [name for name in before if after[name] != before[name]] == []


def organization_of(slug: str) -> Organization:
    """Return an organization, within a transaction."""
    return db.session.scalars(select(Organization).where(Organization.slug == slug)).one()


def build(world: World) -> Acme:
    """Make both organizations."""
    owner = world.person("Olive Owner", "olive@example.com")
    stranger = world.person("Una Umbra", "una@example.org")
    slug, other_slug = world.organization("Acme", owner), world.organization("Umbra", stranger)
    people = {}
    for name, role in (("Mona Manager", Role.MANAGER), ("Adam Admin", Role.ADMIN), ("Mina Member", Role.MEMBER)):
        people[role.label] = world.person(name, f"{name.split()[0].lower()}@example.com")
        world.member(slug, people[role.label], role)
    suspended = world.person("Sam Suspended", "sam@example.com")
    world.member(slug, suspended, Role.OWNER, MemberStatus.SUSPENDED)
    tokens = world.write(_sign_in, [owner, *people.values(), suspended, stranger])
    return Acme(
        world, slug, owner, **people, suspended=suspended, other_slug=other_slug, stranger=stranger, _tokens=tokens
    )


def _sign_in(people: list[Person]) -> dict[int, str]:
    """Sign everybody in."""
    return {p.user_id: sessions.begin(p.user_id, ip="127.0.0.1", user_agent="tests") for p in people}
