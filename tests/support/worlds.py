"""Made-up organizations for tests, built by the services themselves."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from flask import Flask, session
from flask.testing import FlaskClient
from flask_wtf.csrf import generate_csrf
from sqlalchemy import Table, select
from werkzeug.test import TestResponse

from webapp import db as database
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import Invitation, Member, MemberStatus, Organization, OutboxMessage, Role, User
from webapp.services import accounts, addresses, invitations, members, organizations, outbox, sessions
from webapp.services.accounts import NewAccount
from webapp.services.invitations import Offer
from webapp.services.memberships import Terms

PASSWORD = "correct horse battery staple"
CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
NOT_THE_WORLD = {"audit_entry", "audit_mention", "attempts", "alembic_version"}


@cache
def password_hash() -> str:
    """Return a hash of PASSWORD that takes little to verify, as it says of itself: tests sign in a lot."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


@dataclass(frozen=True)
class Person:
    """Somebody with an account."""

    user_id: int
    name: str
    email: str


@dataclass(frozen=True)
class Invited:
    """An invitation, and the token of its mailed link."""

    id: int
    email: str
    token: str

    @property
    def link(self) -> str:
        """The path of the mailed link."""
        return f"/invitations/{self.token}"


class World:
    """People and organizations in the database of one application."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def write(self, step: Any, *args: Any, **kwargs: Any) -> Any:
        """Run a step in a writing transaction."""
        with self.app.app_context():
            return database.perform(lambda: step(*args, **kwargs), write=True)

    def read(self, step: Any, *args: Any, **kwargs: Any) -> Any:
        """Run a step in a reading transaction."""
        with self.app.app_context():
            return database.perform(lambda: step(*args, **kwargs), write=False)

    def person(self, name: str, email: str, hashed: str | None = None) -> Person:
        """Make an account with PASSWORD, or what `hashed` is the hash of, and a verified address."""
        with self.app.app_context():
            new = NewAccount(name, addresses.parse(email), hashed or password_hash())
        return Person(self.write(lambda: accounts.create(Actor.system(), new).id), name, email)

    def organization(self, name: str, owner: Person) -> str:
        """Make an organization; return its slug."""

        def make() -> str:
            user = db.session.get_one(User, owner.user_id)
            return organizations.create(Actor.of(user, ip=None), name, user, owner.email)[0].slug

        return str(self.write(make))

    def member(self, slug: str, person: Person, role: Role, status: MemberStatus = MemberStatus.ACTIVE) -> int:
        """Make a person a member; return the member's id."""

        def make() -> int:
            user = db.session.get_one(User, person.user_id)
            member = members.add(Actor.system(), _organization(slug), user, person.email, Terms(role))
            member.status = status
            return member.id

        return int(self.write(make))

    def invite(
        self, slug: str, by: Person, email: str, role: Role = Role.MEMBER, days: int = 7, **more: Any
    ) -> Invited:
        """Invite an address as a member would, to what `more` of an offer says; return the token of the letter."""

        def make() -> Invited:
            organization = _organization(slug)
            user = db.session.get_one(User, by.user_id)
            actor = Actor.of(user, ip=None, member=members.of_user(organization, user.id), is_fresh=True)
            offer = Offer(role, days, **more)
            [invitation] = invitations.invite_all(actor, organization, [addresses.parse(email)], offer)
            letter = db.session.get_one(OutboxMessage, invitation.letter_id)
            return Invited(invitation.id, email, db.vault.open(outbox.seal_name(letter), letter.secret or ""))

        found: Invited = self.write(make)
        return found

    def policy(self, slug: str, **values: object) -> None:
        """Change policies of an organization."""

        def change() -> None:
            for name, value in values.items():
                setattr(_organization(slug), name, value)

        self.write(change)

    def status_of(self, invited: Invited) -> str:
        """Return the stored status of an invitation."""
        return str(self.read(lambda: db.session.get_one(Invitation, invited.id).status.value))

    def roles(self, slug: str) -> dict[str, str]:
        """Return the members of an organization: name to role."""
        statement = (
            select(User.name, Member.role)
            .join(Member, Member.user_id == User.id)
            .join(Organization, Organization.id == Member.organization_id)
            .where(Organization.slug == slug)
        )
        return {name: role.label for name, role in self.read(lambda: db.session.execute(statement).all())}

    def letters(self, kind: str | None = None) -> list[OutboxMessage]:
        """Return the letters in the outbox, oldest first."""
        statement = select(OutboxMessage).order_by(OutboxMessage.id)
        statement = statement.where(OutboxMessage.kind == kind) if kind else statement
        return list(self.read(lambda: db.session.scalars(statement).all()))

    def token_of(self, letter: OutboxMessage) -> str:
        """Return the token of the link in a letter that has not left yet."""
        return str(self.read(lambda: db.vault.open(outbox.seal_name(letter), letter.secret or "")))

    def browser(self, person: Person | None = None) -> FlaskClient:
        """Return a browser, in which `person` is signed in."""
        client = self.app.test_client()
        if person is not None:
            token = self.write(sessions.begin, person.user_id, ip="127.0.0.1", user_agent="tests")
            with client.session_transaction() as cookie:
                cookie["token"] = token
        return client

    def dump(self, *, without: frozenset[str] | set[str] = frozenset()) -> dict[str, list[tuple[Any, ...]]]:
        """Return every row of every table but the audit log and the counters: equal dumps mean nothing changed."""
        wanted = {t: "true" for t in db.metadata.sorted_tables if t.name not in NOT_THE_WORLD | without}
        found: dict[str, list[tuple[Any, ...]]] = self.read(rows_in, wanted)
        return found


def rows_in(wanted: Mapping[Table, str]) -> dict[str, list[tuple[Any, ...]]]:
    """Return rows of tables, each by a condition, as the driver gives them and in order.

    Tests that dump before each request dump a lot: PostgreSQL is asked for all tables at once.
    """
    statements = [_rows_of(table, condition) for table, condition in wanted.items()]
    cursor: Any = db.session.connection().connection.cursor()
    if db.engine.dialect.name == "sqlite":
        found = [cursor.execute(statement).fetchall() for statement in statements]
    else:
        found = [result.fetchall() for result in cursor.execute("; ".join(statements)).results()]
    cursor.close()
    return {table.name: list(rows) for table, rows in zip(wanted, found, strict=True)}


def _rows_of(table: Table, condition: str) -> str:
    keys = ", ".join(f'"{column.name}"' for column in table.primary_key)
    return f'SELECT * FROM "{table.name}" WHERE {condition} ORDER BY {keys}'


def _organization(slug: str) -> Organization:
    return db.session.scalars(select(Organization).where(Organization.slug == slug)).one()


def csrf_token(client: FlaskClient, page: str | None = None) -> str:
    """Return the token that this browser's forms carry: what `page` holds, or what any would, without asking for it."""
    if page is None:
        return _token_of_any_page(client)
    found = CSRF.search(client.get(page).get_data(as_text=True))
    assert found, f"{page} has no form"
    return found[1]


def _token_of_any_page(client: FlaskClient) -> str:
    with client.application.test_request_context(), client.session_transaction() as cookie:
        if "csrf_token" in cookie:
            session["csrf_token"] = cookie["csrf_token"]
        token = str(generate_csrf())
        if "csrf_token" not in cookie:
            cookie["csrf_token"] = session["csrf_token"]
        return token


def post(client: FlaskClient, address: str, *, page: str | None = None, **fields: object) -> TestResponse:
    """Send a form as the browser would, with the CSRF token of `page` if it matters whose; `headers` is passed on."""
    headers: Any = fields.pop("headers", None)
    data = {**fields, "csrf_token": csrf_token(client, page)}
    return client.post(address, data=data, headers=headers)
