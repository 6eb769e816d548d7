"""Finding members of an organization to choose from."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, and_, exists, select

from webapp.db import db
from webapp.models import EmailAddress, Member, Organization, User
from webapp.queries.choices import PersonChoice
from webapp.queries.members import WantedMembers
from webapp.queries.members import members_of as found_members

MOST_FOUND = 20


def found_in(organization: Organization, q: str, *, without: Collection[int] = ()) -> Sequence[PersonChoice]:
    """Return members who match a search, by name, at most MOST_FOUND; nobody where nothing is searched for."""
    if not q.strip():
        return []
    page = found_members(organization, WantedMembers(q), after="", viewer_id=None)
    return [PersonChoice(row.id, row.name, row.email) for row in page.rows if row.id not in without][:MOST_FOUND]


def members_among(organization: Organization, numbers: Collection[int]) -> Sequence[Member]:
    """Return those members of an organization who have these ids, by name."""
    found = select(Member).where(Member.organization_id == organization.id, Member.id.in_(numbers))
    return db.session.scalars(found.order_by(Member.sort_name, Member.id)).all() if numbers else []


def choices_among(organization: Organization, numbers: Collection[int]) -> Sequence[PersonChoice]:
    """Return those members of an organization who have these ids, as they can be chosen, by name."""
    if not numbers:
        return []
    primary = and_(EmailAddress.user_id == User.id, EmailAddress.is_primary)
    found = select(Member.id, User.name, EmailAddress.address).join(User, User.id == Member.user_id)
    found = found.outerjoin(EmailAddress, primary).where(Member.organization_id == organization.id)
    found = found.where(Member.id.in_(numbers)).order_by(Member.sort_name, Member.id)
    return [PersonChoice(number, name, address or "") for number, name, address in db.session.execute(found)]


def is_member(user: User, organization: Organization | None = None) -> bool:
    """Tell whether somebody is a member of an organization; of any where left out."""
    return db.session.scalar(select(User.id).where(User.id == user.id, _is_member(organization))) is not None


def listed_as(canonical: str, organization: Organization | None = None) -> Sequence[User]:
    """Return the users who stand in the list of members with an address, proven or not, by id.

    Args:
        canonical: the address.
        organization: in whose list; in that of any where left out.
    """
    found = select(User).join(EmailAddress, and_(EmailAddress.user_id == User.id, EmailAddress.is_primary))
    found = found.where(EmailAddress.canonical == canonical, _is_member(organization))
    return db.session.scalars(found.order_by(User.id)).all()


def _is_member(organization: Organization | None) -> ColumnElement[bool]:
    found = exists().where(Member.user_id == User.id)
    return found.where(Member.organization_id == organization.id) if organization else found
