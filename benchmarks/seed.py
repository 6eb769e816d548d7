"""A made-up organization of any size, written in bulk."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Flask
from sqlalchemy import insert, select

from webapp import clock
from webapp import db as database
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import EmailAddress, Member, MemberStatus, MemberWord, Organization, Role, User, UserKind
from webapp.services import accounts, addresses, invitations, organizations, sessions
from webapp.services.accounts import NewAccount
from webapp.services.invitations import Offer
from webapp.services.words import sort_key, words_of

ROWS_A_STEP = 2_000


@dataclass(frozen=True)
class Seeded:
    """Where the organization is, and the session token of its owner."""

    slug: str
    session_token: str


def organization_of(app: Flask, members: int) -> Seeded:
    """Make an organization with an owner, this many more members, and an open invitation for every ten of them."""
    with app.app_context():
        slug, token = database.perform(lambda: _owned(members), write=True)
        for start in range(0, members, ROWS_A_STEP):
            numbers = range(start, min(start + ROWS_A_STEP, members))
            database.perform(lambda numbers=numbers: _add(slug, numbers), write=True)  # type: ignore[misc]
        database.perform(lambda: _invite(slug, members // 10), write=True)
        return Seeded(slug, token)


def _owned(members: int) -> tuple[str, str]:
    address = addresses.parse(f"owner-of-{members}@example.com")
    user = accounts.create(Actor.system(), NewAccount(f"Owner of {members}", address, ""))
    organization, _ = organizations.create(Actor.of(user, ip=None), f"Of {members}", user, address.typed)
    return organization.slug, sessions.begin(user.id, ip=None, user_agent="benchmark")


def _add(slug: str, numbers: range) -> None:
    organization_id = db.session.scalars(select(Organization.id).where(Organization.slug == slug)).one()
    people = [(f"Person {number}", f"person{number}@{slug}.example.org") for number in numbers]
    users = _ids(User, [_user(name) for name, _ in people])
    db.session.execute(
        insert(EmailAddress), [_address(user, email) for user, (_, email) in zip(users, people, strict=True)]
    )
    members = _ids(
        Member, [_member(organization_id, user, name) for user, (name, _) in zip(users, people, strict=True)]
    )
    db.session.execute(
        insert(MemberWord),
        [
            {"organization_id": organization_id, "member_id": member, "word": word}
            for member, person in zip(members, people, strict=True)
            for word in words_of(*person)
        ],
    )


def _invite(slug: str, number: int) -> None:
    organization = db.session.scalars(select(Organization).where(Organization.slug == slug)).one()
    invited = [addresses.parse(f"invited{place}@{slug}.example.org") for place in range(number)]
    invitations.invite_all(Actor.system(), organization, invited, Offer(Role.MEMBER, 30))


def _ids(model: type[User] | type[Member], rows: list[dict[str, object]]) -> Sequence[int]:
    statement = insert(model).returning(model.id, sort_by_parameter_order=True)
    return db.session.scalars(statement, rows).all()


def _user(name: str) -> dict[str, object]:
    return {"name": name, "is_active": True, "kind": UserKind.PERSON, "created_at": clock.now()}


def _address(user_id: int, email: str) -> dict[str, object]:
    return {"user_id": user_id, "address": email, "canonical": email, "is_primary": True, "verified_at": clock.now()}


def _member(organization_id: int, user_id: int, name: str) -> dict[str, object]:
    return {
        "organization_id": organization_id,
        "user_id": user_id,
        "role": Role.MEMBER,
        "status": MemberStatus.ACTIVE,
        "sort_name": sort_key(name),
    }
