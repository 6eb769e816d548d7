"""Removals: taking a membership away, and putting it back within 30 days.

As with every change of a membership, the caller holds the organization's lock.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, text, update

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.decide import refusal_over, require
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import AccountClosed, MemberAgain, NotFound, UndoOver
from webapp.models import (
    EmailAddress,
    Invitation,
    InvitationStatus,
    InvitationToken,
    InvitationWord,
    Member,
    MemberStatus,
    MemberWord,
    Organization,
    RemovedMember,
    User,
)
from webapp.models.invitation import OPEN
from webapp.services import accounts, audit, invitation_rows, members, memberships
from webapp.services.audit import Change, Event
from webapp.services.memberships import Terms
from webapp.services.words import sort_key

UNDO_DAYS = 30


def remove(actor: Actor, organization: Organization, member: Member) -> RemovedMember:
    """Take somebody's membership away; see `remove_all`."""
    return remove_all(actor, organization, [member])[0]


def remove_all(actor: Actor, organization: Organization, people: Sequence[Member]) -> list[RemovedMember]:
    """Take memberships away, with the invitations these people sent, and tell them.

    Raises:
        NotFound, Forbidden, Yourself, AboveYourRole: the actor may not change one of the memberships.
        LastOwner: nobody else could own the organization.
    """
    members.require_may_end(actor, organization, *people)
    users = members.users_of(people)
    removed = _take_away(actor, organization, people, users, Event.MEMBER_REMOVED)
    members.tell_all(actor, organization, [(users[one.user_id], {}) for one in removed], "removed")
    return removed


def leave(actor: Actor, organization: Organization) -> RemovedMember:
    """Give one's own membership up, with the invitations one sent.

    Raises:
        NotFound: the actor is no member.
        LastOwner: nobody else could own the organization.
    """
    member = require_may_leave(actor, organization)
    return _take_away(actor, organization, [member], members.users_of([member]), Event.MEMBER_LEFT)[0]


def require_may_leave(actor: Actor, organization: Organization) -> Member:
    """Return the actor's own membership if they may give it up.

    Raises:
        NotFound: there is none.
        LastOwner: nobody else could own the organization.
    """
    require(actor, Scope.ORG_READ, organization)
    if actor.member is None:
        raise NotFound
    members.require_other_owner(actor.member)
    return actor.member


def undo_removal(actor: Actor, organization: Organization, removed: RemovedMember) -> Member:
    """Put a membership back exactly as it was, with its id. The invitations the person had sent stay revoked.

    What was open for one of their addresses has nothing left to offer and is closed.

    Raises:
        NotFound, Forbidden, AboveYourRole: the actor may not.
        UndoOver: it was removed too long ago.
        AccountClosed: the person's account is.
        MemberAgain: the person has joined again.
    """
    user = _user_to_put_back(actor, organization, removed)
    member = _put_back(removed, user)
    email = accounts.primary_address(user.id).address
    audit.record(
        actor,
        Event.MEMBER_REMOVAL_UNDONE,
        members.target_of(member, user),
        organization=organization,
        after=members.described(member, email),
    )
    members.index_words(member, user.name, email)
    addresses = _proven_addresses(user)
    superseded = (Event.INVITATION_SUPERSEDED, Event.INVITATION_SUPERSEDED)
    _close_all(actor, organization, superseded, Invitation.canonical.in_(addresses))
    invitation_rows.close_declined(actor, organization, addresses)
    if member.status is MemberStatus.ACTIVE:
        members.tell(actor, organization, user, "restored", role=member.role.label)
    return member


def undo_ends_at(removed_at: datetime) -> datetime:
    """Return until when a removal can be undone."""
    return removed_at + timedelta(days=UNDO_DAYS)


def undo_begins_at() -> datetime:
    """Return since when a removal must have happened to be undone now."""
    return clock.now() - timedelta(days=UNDO_DAYS)


def open_invitations_by(organization: Organization, user_id: int) -> int:
    """Return how many open invitations of an organization somebody sent or asked for."""
    number = select(func.count()).select_from(Invitation).where(_open_in(organization), _sent_by(user_id))
    return db.session.scalars(number).one()


def _take_away(
    actor: Actor, organization: Organization, people: Sequence[Member], users: Mapping[int, User], event: Event
) -> list[RemovedMember]:
    terms, emails = memberships.terms_of_all(people), accounts.primary_addresses(users.keys())
    rows = [_kept(actor, member, terms[member.id]) for member in people]
    changes = [
        Change(
            members.target_of(member, users[member.user_id]),
            before=members.described(member, emails[member.user_id].address, terms[member.id]),
        )
        for member in people
    ]
    db.session.execute(insert(RemovedMember), rows)
    db.session.execute(delete(MemberWord).where(MemberWord.member_id.in_(terms)))
    copied = (InvitationToken.organization_id == organization.id) & InvitationToken.copied_by_id.in_(users)
    db.session.execute(delete(InvitationToken).where(copied))
    for member in people:
        db.session.delete(member)
    db.session.flush()
    audit.record_all(actor, event, changes, organization=organization)
    _close_all(actor, organization, (Event.INVITATION_REVOKED, Event.REQUEST_REJECTED), _sent_by(*users))
    kept = select(RemovedMember).where(RemovedMember.organization_id == organization.id)
    return list(db.session.scalars(kept.where(RemovedMember.member_id.in_(terms)).order_by(RemovedMember.id)))


def _kept(actor: Actor, member: Member, terms: Terms) -> dict[str, Any]:
    return {
        "organization_id": member.organization_id,
        "member_id": member.id,
        "user_id": member.user_id,
        "role": member.role,
        "has_global_access": terms.has_global_access,
        "team_ids": list(terms.teams),
        "group_ids": list(terms.groups),
        "status": member.status,
        "last_active_at": member.last_active_at,
        "joined_at": member.created_at,
        "removed_by_id": actor.user_id,
    }


def _user_to_put_back(actor: Actor, organization: Organization, removed: RemovedMember) -> User:
    require(actor, Scope.MEMBER_WRITE, organization)
    if removed.organization_id != organization.id:
        raise NotFound
    user = db.session.get_one(User, removed.user_id)
    if members.of_user(organization, user.id):
        raise MemberAgain(name=user.name)
    if reason := refusal_over(actor, removed):
        raise reason
    if clock.now() >= undo_ends_at(removed.removed_at):
        raise UndoOver(name=user.name, days=UNDO_DAYS)
    if not user.is_active:
        raise AccountClosed(name=user.name)
    return user


def _put_back(removed: RemovedMember, user: User) -> Member:
    member = Member(
        id=removed.member_id,
        organization_id=removed.organization_id,
        user_id=removed.user_id,
        role=removed.role,
        has_global_access=removed.has_global_access,
        status=removed.status,
        sort_name=sort_key(user.name),
        last_active_at=removed.last_active_at,
        created_at=removed.joined_at,
    )
    db.session.delete(removed)
    db.session.add(member)
    terms = Terms(removed.role, removed.has_global_access, removed.team_ids or (), removed.group_ids or ())
    db.session.flush()
    memberships.join(member, terms)
    return member


def _close_all(
    actor: Actor, organization: Organization, events: tuple[Event, Event], which: ColumnElement[bool]
) -> None:
    """Close open invitations and requests, however many: one statement for all of them, one audit entry for each.

    Args:
        actor: whose act ends them.
        organization: where.
        events: as what the audit log knows it, of an invitation and of a request.
        which: the condition that chooses them.
    """
    condition = and_(_open_in(organization), which)
    found = list(db.session.scalars(select(Invitation).where(condition).order_by(Invitation.id)))
    if not found:
        return
    changes = {status: _closings(found, status) for status in (InvitationStatus.PENDING, InvitationStatus.REQUESTED)}
    chosen = select(Invitation.id).where(condition)
    of_chosen = delete(InvitationWord).where(InvitationWord.invitation_id.in_(chosen))
    closed = update(Invitation).where(condition)
    closed = closed.values(status=InvitationStatus.REVOKED, closed_at=clock.now(), letter_id=None)
    for statement in (of_chosen, closed):
        db.session.execute(statement.execution_options(synchronize_session=False))
    for row in found:
        db.session.expire(row)
    for event, of_kind in zip(events, changes.values(), strict=True):
        if of_kind:
            audit.record_all(actor, event, of_kind, organization=organization)


def _closings(found: Sequence[Invitation], status: InvitationStatus) -> list[Change]:
    change = {"before": {"status": status.value}, "after": {"status": InvitationStatus.REVOKED.value}}
    return [Change(invitation_rows.target_of(row), **change) for row in found if row.status is status]


def _open_in(organization: Organization) -> ColumnElement[bool]:
    return and_(Invitation.organization_id == organization.id, text(OPEN))


def _sent_by(*user_ids: int) -> ColumnElement[bool]:
    return Invitation.invited_by_id.in_(user_ids)


def _proven_addresses(user: User) -> list[str]:
    proven = (EmailAddress.user_id == user.id, EmailAddress.verified_at.is_not(None))
    return list(db.session.scalars(select(EmailAddress.canonical).where(*proven)))
