"""Numbers beside the tabs: exact up to a bound, so that counting never scans a large organization."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, ScalarSelect, func, select

from webapp.db import db
from webapp.models import Invitation, InvitationStatus, Member, Organization

MOST = 1000


@dataclass(frozen=True)
class Counts:
    """How many members and how many waiting invitations, as they are shown."""

    members: str
    pending: str


def counts_of(organization: Organization) -> Counts:
    """Return the numbers of an organization in one statement."""
    members = _up_to_most(Member.organization_id == organization.id, of=Member)
    waiting = _up_to_most(
        Invitation.organization_id == organization.id, Invitation.status == InvitationStatus.PENDING, of=Invitation
    )
    row = db.session.execute(select(members, waiting)).one()
    return Counts(*(_shown(number) for number in row))


def _up_to_most(*conditions: ColumnElement[bool], of: type[Member] | type[Invitation]) -> ScalarSelect[int]:
    some = select(of.id).where(*conditions).limit(MOST).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


def _shown(number: int) -> str:
    return str(number) if number < MOST else f"{MOST - 1}+"
