"""Letters about requests: to those who may approve them, and to those who asked."""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, Select, select

from webapp.access.actor import Actor
from webapp.access.facts import IS_ACTIVE, is_proven_address_of
from webapp.access.roles import LOWEST_ROLE, Scope
from webapp.db import db
from webapp.models import EmailAddress, Invitation, Member, Organization, User
from webapp.services import addresses, attempts, invitation_limits, outbox
from webapp.services.attempts import DAY, Limit
from webapp.services.outbox import Letter

MOST_TOLD = 20
MOST_TOLD_OF_A_DAY = 20


@dataclass(frozen=True)
class Reader:
    """Whom a letter goes to, and what they read."""

    address: str
    language: str | None = None


def tell_approvers(actor: Actor, organization: Organization, request: Invitation, suggested_by: str) -> None:
    """Tell those who may approve a new request, the highest roles first, at most 20 of them.

    Of visitors' requests, and of members', the first 20 of a day are told: the others are on the Requests tab, where
    nobody can fill a mailbox with them.

    Args:
        actor: who made it; those whose language nobody knows read that of a member, not of a visitor.
        organization: where it was made.
        request: the request.
        suggested_by: the name of the member who made it; empty where a visitor did.
    """
    source = "member" if suggested_by else "visitor"
    if attempts.count([Limit(f"request:told:{organization.id}:{source}", MOST_TOLD_OF_A_DAY, DAY)]):
        return
    approvers = _active_members(organization).where(Member.role >= LOWEST_ROLE[Scope.REQUEST_APPROVE])
    people = db.session.execute(approvers.order_by(Member.role.desc(), Member.id).limit(MOST_TOLD)).all()
    data = {**_names(organization, request), "suggested_by": suggested_by}
    readers = [Reader(person.address, _language(person, actor)) for person in people]
    outbox.enqueue_all([_letter("request_received", reader, data, organization) for reader in readers])


def tell_approved(
    actor: Actor,
    organization: Organization,
    request: Invitation,
    suggested_by_id: int | None,
    there: Member | None = None,
) -> None:
    """Tell the member who suggested somebody that they are invited, or are a member by now, or were one until a day.

    Args:
        actor: who approved it.
        organization: where it was made.
        request: what became of it.
        suggested_by_id: the user who made it; nobody is told of a visitor's.
        there: the membership of whoever was suggested, if there is one.
    """
    role = there.role if there else request.role
    data = {**_names(organization, request), "approver": actor.name, "role": role.label}
    if there is not None and there.expires_at is not None and there.has_ended:
        data["ended_at"] = there.expires_at.isoformat()
    if reader := _member(actor, organization, suggested_by_id):
        outbox.enqueue(_letter("request_approved", reader, data, organization))


def tell_rejected(actor: Actor, organization: Organization, request: Invitation) -> None:
    """Tell whoever asked that the answer is no: the member who suggested somebody, or the visitor.

    Anybody may have entered a visitor's address, so what it gets counts as invitations do; beyond that nothing leaves.
    """
    is_visitors = request.invited_by_id is None
    data = {**_names(organization, request), "is_visitors": is_visitors}
    visitor = Reader(request.email, actor.language)
    reader = visitor if is_visitors else _member(actor, organization, request.invited_by_id)
    if reader is None:
        return
    is_over = is_visitors and bool(invitation_limits.over_daily_limit(organization, [addresses.parse(request.email)]))
    outbox.enqueue(replace(_letter("request_rejected", reader, data, organization), is_dropped=is_over))


def _member(actor: Actor, organization: Organization, user_id: int | None) -> Reader | None:
    """Return a member who is still one, and is not the one who acts."""
    if user_id is None or user_id == actor.user_id:
        return None
    row = db.session.execute(_active_members(organization).where(User.id == user_id)).one_or_none()
    return Reader(row.address, _language(row, actor)) if row else None


def _language(person: Row[str, str | None], actor: Actor) -> str | None:
    """Return what a person reads: as they chose, or else as a member who acts does, but not as a visitor's browser."""
    return person.language or (actor.language if actor.user_id is not None else None)


def _active_members(organization: Organization) -> Select[str, str | None]:
    return (
        select(EmailAddress.address, User.language)
        .join(User, is_proven_address_of(User.id))
        .join(Member, Member.user_id == User.id)
        .where(Member.organization_id == organization.id, *IS_ACTIVE)
    )


def _letter(kind: str, reader: Reader, data: dict[str, Any], organization: Organization) -> Letter:
    return Letter(kind, reader.address, data, organization_id=organization.id, language=reader.language)


def _names(organization: Organization, request: Invitation) -> dict[str, Any]:
    return {"organization": organization.name, "slug": organization.slug, "requested": request.email}
