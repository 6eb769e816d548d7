"""Letters about requests: to those who may approve them, and to those who asked."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, select

from webapp.access.actor import Actor
from webapp.access.roles import LOWEST_ROLE, Scope
from webapp.db import db
from webapp.models import EmailAddress, Invitation, Member, MemberStatus, Organization, User
from webapp.services import outbox
from webapp.services.outbox import Letter

MOST_TOLD = 20


@dataclass(frozen=True)
class Reader:
    """Whom a letter goes to, and what they read."""

    address: str
    language: str | None = None


def tell_approvers(organization: Organization, request: Invitation, suggested_by: str) -> None:
    """Tell those who may approve a new request, the highest roles first, at most 20 of them.

    Args:
        organization: where it was made.
        request: the request.
        suggested_by: the name of the member who made it; empty where a visitor did.
    """
    approvers = _active_members(organization).where(Member.role >= LOWEST_ROLE[Scope.REQUEST_APPROVE])
    people = db.session.execute(approvers.order_by(Member.role.desc(), Member.id).limit(MOST_TOLD)).all()
    data = {**_names(organization, request), "suggested_by": suggested_by}
    outbox.enqueue_all(
        [_letter("request_received", Reader(person.address, person.language), data, organization) for person in people]
    )


def tell_approved(actor: Actor, organization: Organization, request: Invitation, suggested_by_id: int | None) -> None:
    """Tell the member who suggested somebody that they are invited or have been added."""
    data = {**_names(organization, request), "approver": actor.name, "role": request.role.label}
    if reader := _member(actor, organization, suggested_by_id):
        outbox.enqueue(_letter("request_approved", reader, data, organization))


def tell_rejected(actor: Actor, organization: Organization, request: Invitation) -> None:
    """Tell whoever asked that the answer is no: the member who suggested somebody, or the visitor."""
    is_visitors = request.invited_by_id is None
    data = {**_names(organization, request), "is_visitors": is_visitors}
    reader = Reader(request.email) if is_visitors else _member(actor, organization, request.invited_by_id)
    if reader is not None:
        outbox.enqueue(_letter("request_rejected", reader, data, organization))


def _member(actor: Actor, organization: Organization, user_id: int | None) -> Reader | None:
    """Return a member who is still one, and is not the one who acts."""
    if user_id is None or user_id == actor.user_id:
        return None
    row = db.session.execute(_active_members(organization).where(User.id == user_id)).one_or_none()
    return Reader(row.address, row.language) if row else None


def _active_members(organization: Organization) -> Select[str, str | None]:
    is_theirs = and_(EmailAddress.user_id == User.id, EmailAddress.is_primary, EmailAddress.verified_at.is_not(None))
    return (
        select(EmailAddress.address, User.language)
        .join(User, is_theirs)
        .join(Member, Member.user_id == User.id)
        .where(Member.organization_id == organization.id, Member.status == MemberStatus.ACTIVE, User.is_active)
    )


def _letter(kind: str, reader: Reader, data: dict[str, Any], organization: Organization) -> Letter:
    return Letter(kind, reader.address, data, organization_id=organization.id, language=reader.language)


def _names(organization: Organization, request: Invitation) -> dict[str, Any]:
    return {"organization": organization.name, "slug": organization.slug, "email": request.email}
