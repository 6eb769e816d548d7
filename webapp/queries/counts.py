"""Numbers beside the tabs: exact up to a bound, so that counting never scans a large organization."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, ScalarSelect, TextClause, func, select, text

from webapp.db import db
from webapp.models import Invitation, Member, Organization
from webapp.models.invitation import LISTED

MOST = 1000


@dataclass(frozen=True)
class Counts:
    """How many members and how many rows the Pending tab has, as they are shown."""

    members: str
    pending: str


def counts_of(organization: Organization) -> Counts:
    """Return the numbers of an organization in one statement."""
    members = _up_to_most(Member.organization_id == organization.id, of=Member)
    waiting = _up_to_most(Invitation.organization_id == organization.id, text(LISTED), of=Invitation)
    row = db.session.execute(select(members, waiting)).one()
    return Counts(*(_shown(number) for number in row))


def _up_to_most(
    *conditions: ColumnElement[bool] | TextClause, of: type[Member] | type[Invitation]
) -> ScalarSelect[int]:
    some = select(of.id).where(*conditions).limit(MOST).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


def _shown(number: int) -> str:
    return str(number) if number < MOST else f"{MOST - 1}+"
