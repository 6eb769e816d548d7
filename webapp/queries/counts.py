"""What the tabs say besides: numbers, exact up to a bound, so that counting never scans a large organization."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, ScalarSelect, TextClause, bindparam, exists, func, select, text

from webapp import clock
from webapp.access.single_sign_on import is_connection_of
from webapp.db import UtcDateTime, db
from webapp.models import IdentityProvider, Invitation, Member, Organization
from webapp.models.invitation import LISTED, REQUESTED
from webapp.queries.numbers import shown

MOST = 1000


@dataclass(frozen=True)
class Counts:
    """How many members there are, and how many rows the tabs Pending and Requests have, as they are shown.

    Beside them, as it costs no statement of its own: whether single sign-on is in use.
    """

    members: str
    pending: str
    requests: str
    has_connection: bool


def counts_of(organization: Organization) -> Counts:
    """Return the numbers of an organization in one statement."""
    row = db.session.connection().execute(_COUNTS, {"organization_id": organization.id, "now": clock.now()}).one()
    members, pending, requests, is_in_use = row
    return Counts(shown(members, MOST), shown(pending, MOST), shown(requests, MOST), is_in_use)


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
    exists().where(is_connection_of(IdentityProvider, bindparam("organization_id"))),
)
