"""Many people at once: as members, written in bulk; as invitations, through the service."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import insert

from tests.support.acme import Acme, organization_of
from tests.support.worlds import Person
from webapp.db import db
from webapp.models import EmailAddress, Member, MemberWord, Role, User
from webapp.services import addresses, invitations
from webapp.services.invitations import Offer
from webapp.services.words import sort_key, words_of

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def join(acme: Acme, people: Sequence[tuple[str, str]], slug: str | None = None) -> list[int]:
    """Make people members of Acme or of another organization; return the ids of their memberships, in order.

    Args:
        acme: where they join.
        people: a name and an address for each.
        slug: of the other organization.
    """
    found: list[int] = acme.world.write(lambda: add(organization_of(slug or acme.slug).id, people))
    return found


def add(organization: int, people: Sequence[tuple[str, str]]) -> list[int]:
    """Make people members of the organization with this id, within a transaction."""
    users = _ids(User, [{"name": name, "created_at": SINCE} for name, _ in people])
    rows = list(zip(users, people, strict=True))
    addressed = [
        {"user_id": user, "address": email, "canonical": email, "verified_at": SINCE, "created_at": SINCE}
        for user, (_, email) in rows
    ]
    db.session.execute(insert(EmailAddress), addressed)
    shared = {"organization_id": organization, "role": Role.MEMBER, "created_at": SINCE}
    members = _ids(Member, [{**shared, "user_id": user, "sort_name": sort_key(name)} for user, (name, _) in rows])
    words = [
        {"organization_id": organization, "member_id": member, "word": word}
        for member, person in zip(members, people, strict=True)
        for word in words_of(*person)
    ]
    db.session.execute(insert(MemberWord), words)
    return members


def _ids(model: type[User] | type[Member], rows: list[dict[str, object]]) -> list[int]:
    statement = insert(model).returning(model.id, sort_by_parameter_order=True)
    return list(db.session.scalars(statement, rows))


def invite(acme: Acme, emails: Sequence[str], by: Person | None = None) -> list[int]:
    """Invite addresses to Acme; return the ids of the invitations, in order."""
    offer, wanted = Offer(Role.MEMBER, 7), [addresses.parse(email) for email in emails]
    return acme.act(
        by or acme.owner,
        lambda actor, organization: [row.id for row in invitations.invite_all(actor, organization, wanted, offer)],
    )
