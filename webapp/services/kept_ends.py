"""Ends of memberships that begin: who comes back keeps the end they had, and nobody gives more than their own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import aliased

from webapp.access.actor import Actor
from webapp.access.decide import decide
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import OwnerWithEnd
from webapp.models import Member, Organization, RemovedMember, Role
from webapp.models.member import has_ended
from webapp.services.audit import Event


@dataclass(frozen=True)
class Coming:
    """How somebody becomes a member: as what the audit log knows it, and who all give it; a policy is nobody."""

    event: Event = Event.MEMBER_JOINED
    givers: Sequence[Actor] = ()


def end_for(organization: Organization, user_id: int, role: Role, givers: Sequence[Actor]) -> datetime | None:
    """Return when a membership that somebody is given ends, if it does.

    It has the end of the one that was taken away from them last, or that they gave up. Only where all givers may change
    members is an end that is over forgotten: being let in again renews it. So is one that lies ahead of a new owner.

    Raises:
        OwnerWithEnd: it is an owner's, which has none.
    """
    kept = _end_before(organization, user_id)
    if kept and (has_ended(kept) or role is Role.OWNER) and _may_renew(organization, givers):
        kept = None
    return within(kept, role, givers)


def within(wanted: datetime | None, role: Role, givers: Iterable[Actor]) -> datetime | None:
    """Return the end that some people may give: the one that is wanted, or that of their own where it is earlier.

    Raises:
        OwnerWithEnd: there is one, and it is an owner's membership.
    """
    own = [giver.member.expires_at for giver in givers if giver.member]
    found = min((end for end in (wanted, *own) if end), default=None)
    if found and role is Role.OWNER:
        raise OwnerWithEnd
    return found


def is_needed() -> ColumnElement[bool]:
    """Tell of a membership that was taken away whether its end counts once they come back, however long ago it was.

    It does if it is the last one they had, and ended: nobody sheds an end by staying away for a while.
    """
    later = aliased(RemovedMember)
    is_member, was_later = (
        exists().where(model.organization_id == RemovedMember.organization_id, model.user_id == RemovedMember.user_id)
        for model in (Member, later)
    )
    return and_(RemovedMember.expires_at.is_not(None), ~is_member, ~was_later.where(later.id > RemovedMember.id))


def _end_before(organization: Organization, user_id: int) -> datetime | None:
    theirs = (RemovedMember.organization_id == organization.id, RemovedMember.user_id == user_id)
    return db.session.scalar(select(RemovedMember.expires_at).where(*theirs).order_by(RemovedMember.id.desc()).limit(1))


def _may_renew(organization: Organization, givers: Sequence[Actor]) -> bool:
    return bool(givers) and all(decide(giver, Scope.MEMBER_WRITE, organization) for giver in givers)
