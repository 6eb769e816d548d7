"""Numbers beside the tabs: exact up to a bound, so that counting never scans a large organization."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, ScalarSelect, TextClause, bindparam, func, select, text

from webapp import clock
from webapp.db import UtcDateTime, db
from webapp.models import Invitation, Member, Organization
from webapp.models.invitation import LISTED, REQUESTED
from webapp.queries.numbers import shown

MOST = 1000


@dataclass(frozen=True)
class Counts:
    """How many members there are, and how many rows the tabs Pending and Requests have, as they are shown."""

    members: str
    pending: str
    requests: str


def counts_of(organization: Organization) -> Counts:
    """Return the numbers of an organization in one statement."""
    row = db.session.connection().execute(_COUNTS, {"organization_id": organization.id, "now": clock.now()}).one()
    return Counts(*(shown(number, MOST) for number in row))


def _up_to_most(
    of: type[Member] | type[Invitation], *conditions: ColumnElement[bool] | TextClause
) -> ScalarSelect[int]:
    of_organization = of.organization_id == bindparam("organization_id")
    some = select(of.id).where(of_organization, *conditions).limit(MOST).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


_IS_LIVE = Invitation.expires_at > bindparam("now", type_=UtcDateTime())
_COUNTS = select(
    _up_to_most(Member),
    _up_to_most(Invitation, text(LISTED)),
    _up_to_most(Invitation, text(REQUESTED), _IS_LIVE),
)
