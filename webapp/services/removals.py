"""Removals: taking a membership away, and putting it back within 30 days. Who left is asked instead.

As with every change of a membership, the caller holds the organization's lock.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, text

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.decide import PowerOver, is_role_within, refusal_over, require, require_fresh_for_owners
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import (
    AccountClosed,
    DomainError,
    HasJoined,
    HasLeft,
    InvitedAnew,
    LetterLimit,
    MemberAgain,
    NotFound,
    RemovedFromAbove,
    UndoOver,
)
from webapp.models import (
    AccessGroup,
    EmailAddress,
    Identity,
    Invitation,
    InvitationStatus,
    InvitationToken,
    Member,
    MemberWord,
    Organization,
    RemovedMember,
    Role,
    User,
)
from webapp.models.invitation import OPEN
from webapp.services import (
    accounts,
    audit,
    giving,
    invitation_batches,
    invitation_rows,
    kept_ends,
    member_letters,
    members,
    memberships,
)
from webapp.services.addresses import parse_claimed
from webapp.services.audit import Change, Event
from webapp.services.invitation_batches import Result
from webapp.services.invitations import Offer
from webapp.services.memberships import Terms
from webapp.services.words import sort_key

UNDO_DAYS = 30
_NOT_INVITED: dict[Result, type[DomainError]] = {
    Result.OPEN: InvitedAnew,
    Result.MEMBER: HasJoined,
    Result.ENDED: HasJoined,
    Result.LIMITED: LetterLimit,
}


def remove(actor: Actor, organization: Organization, member: Member) -> RemovedMember:
    """Take somebody's membership away; see `remove_all`."""
    return remove_all(actor, organization, [member])[0]


def remove_all(actor: Actor, organization: Organization, people: Sequence[Member]) -> list[RemovedMember]:
    """Take memberships away, with the invitations these people sent or could return by, and tell them.

    Raises:
        NotFound, Forbidden, Yourself, AboveYourRole: the actor may not change one of the memberships.
        LastOwner: nobody else could own the organization.
        SignInAgain: one is an owner's, and the actor has not just signed in.
    """
    members.require_may_end(actor, organization, *people)
    require_fresh_for_owners(actor, *(member.role for member in people))
    users = members.users_of(people)
    removed = _take_away(actor, organization, people, users, Event.MEMBER_REMOVED)
    member_letters.tell_all(actor, organization, [(users[one.user_id], {}) for one in removed], "removed")
    return removed


def leave(actor: Actor, organization: Organization) -> RemovedMember:
    """Give one's own membership up, with the invitations one sent or could return by.

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


@dataclass(frozen=True)
class LeftOut:
    """What somebody had and is not given again, by name.

    `refused` is what the actor may not give; GLOBAL_ACCESS stands for global access. `given_no_more` are access groups
    that a source had given and fills no more: only people give them now, and nobody has given them to this person.
    """

    refused: Sequence[str] = ()
    given_no_more: Sequence[str] = ()

    @property
    def names(self) -> list[str]:
        """All of it."""
        return [*self.refused, *self.given_no_more]


def undo_removal(actor: Actor, organization: Organization, removed: RemovedMember) -> tuple[Member, LeftOut]:
    """Put a membership back as it was, with its id. The invitations the person had sent stay revoked.

    What the actor may not give is left out, and so is what a source gave and gives no more; both are returned too. It
    ends no later than the actor's own. What is gone, and managed access groups, which their source fills, are left out
    unsaid. What was open for one of the person's addresses has nothing left to offer and is closed.

    Raises:
        NotFound, Forbidden, AboveYourRole, RemovedFromAbove: the actor may not.
        UndoOver: it was removed too long ago.
        AccountClosed: the person's account is.
        MemberAgain: the person has joined again.
        SignInAgain: they were an owner, and the actor has not just signed in.
        HasLeft: they left themselves; see `invite_back`.
    """
    user = _user_to_put_back(actor, organization, removed)
    if removed.has_left:
        raise HasLeft(name=user.name)
    terms, left_out = _terms_to_give(actor, organization, removed)
    member = _put_back(removed, user, terms, kept_ends.within(removed.expires_at, terms.role, [actor]))
    email = accounts.primary_address(user.id).address
    audit.record(
        actor,
        Event.MEMBER_REMOVAL_UNDONE,
        members.target_of(member, user),
        organization=organization,
        after={**members.described(member, email), **({"left_out": left_out.names} if left_out.names else {})},
    )
    members.index_words(member, user.name, email)
    addresses = _addresses(organization, user.id)
    superseded = (Event.INVITATION_SUPERSEDED, Event.INVITATION_SUPERSEDED)
    _close_all(actor, organization, superseded, Invitation.canonical.in_(addresses))
    invitation_rows.close_declined(actor, organization, addresses)
    if member.is_active:
        member_letters.tell(actor, organization, user, "restored", role=member.role.label)
    return member, left_out


def invite_back(actor: Actor, organization: Organization, removed: RemovedMember) -> tuple[str, LeftOut]:
    """Invite somebody who left to what they had, so that they decide; return to which address.

    What is left out is returned too; see `undo_removal`.

    Raises:
        NotFound, Forbidden, AboveYourRole, UndoOver, AccountClosed, MemberAgain, SignInAgain: see `undo_removal`.
        TooManyGiven: they had more teams and access groups than an invitation offers.
        InvitedAnew: something is open for their address already.
        HasJoined: their address is a member's.
        LetterLimit, InvitationLimit: their address, or the organization, has had its letters for today.
    """
    user = _user_to_put_back(actor, organization, removed)
    terms, left_out = _terms_to_give(actor, organization, removed)
    email = accounts.primary_address(user.id).address
    offer = Offer.of(terms, organization.invitation_lifetime_days)
    [outcome] = invitation_batches.invite_each(actor, organization, email, offer)
    if outcome.result is not Result.INVITED:
        raise _NOT_INVITED[outcome.result](email=email)
    return email, left_out


class Removal(PowerOver, Protocol):
    """A membership that was taken away: the row that keeps it, or a line of a list."""

    @property
    def removed_at(self) -> datetime: ...


def refusal_to_undo(
    actor: Actor, removed: Removal, *, name: str, is_active: bool, is_member_again: bool, remover_role: Role | None
) -> DomainError | None:
    """Return why the actor may not put a membership back, or nothing where they may.

    Args:
        actor: who would.
        removed: which.
        name: the person's.
        is_active: whether their account is not closed.
        is_member_again: whether they have joined again.
        remover_role: that of whoever removed them, nothing where that is no member any more.
    """
    if is_member_again:
        return MemberAgain(name=name)
    if refusal := refusal_over(actor, removed):
        return refusal
    if remover_role is not None and not is_role_within(actor, remover_role):
        return RemovedFromAbove(name=name)
    if clock.now() >= undo_ends_at(removed.removed_at):
        return UndoOver(name=name, days=UNDO_DAYS)
    return None if is_active else AccountClosed(name=name)


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
    managed = _managed_among({number for one in terms.values() for number in one.groups})
    rows = [_kept(actor, member, terms[member.id], managed) for member in people]
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
    theirs = or_(_sent_by(*users), Invitation.canonical.in_(_addresses(organization, *users)))
    _close_all(actor, organization, (Event.INVITATION_REVOKED, Event.REQUEST_REJECTED), theirs)
    kept = select(RemovedMember).where(RemovedMember.organization_id == organization.id)
    return list(db.session.scalars(kept.where(RemovedMember.member_id.in_(terms)).order_by(RemovedMember.id)))


def _kept(actor: Actor, member: Member, terms: Terms, managed: Collection[int]) -> dict[str, Any]:
    return {
        "organization_id": member.organization_id,
        "member_id": member.id,
        "user_id": member.user_id,
        "role": member.role,
        "has_global_access": terms.has_global_access,
        "team_ids": list(terms.teams),
        "group_ids": list(terms.groups),
        "managed_group_ids": [number for number in terms.groups if number in managed] or None,
        "status": member.status,
        "last_active_at": member.last_active_at,
        "signed_in_at": member.signed_in_at,
        "joined_at": member.created_at,
        "expires_at": member.expires_at,
        "removed_by_id": actor.user_id,
    }


def _user_to_put_back(actor: Actor, organization: Organization, removed: RemovedMember) -> User:
    require(actor, Scope.MEMBER_WRITE, organization)
    if removed.organization_id != organization.id:
        raise NotFound
    user = db.session.get_one(User, removed.user_id)
    is_member_again = members.of_user(organization, user.id) is not None
    remover = members.of_user(organization, removed.removed_by_id) if removed.removed_by_id else None
    refusal = refusal_to_undo(
        actor,
        removed,
        name=user.name,
        is_active=user.is_active,
        is_member_again=is_member_again,
        remover_role=remover.role if remover else None,
    )
    if refusal:
        raise refusal
    require_fresh_for_owners(actor, removed.role)
    return user


def _terms_to_give(actor: Actor, organization: Organization, removed: RemovedMember) -> tuple[Terms, LeftOut]:
    """Return what somebody had that is still there and the actor may give, and what is left out."""
    had = Terms(removed.role, removed.has_global_access, removed.team_ids or (), removed.group_ids or ())
    there = memberships.still_there(organization.id, had)
    given_no_more = _given_no_more(removed, there)
    there = replace(there, groups=[number for number in there.groups if number not in given_no_more])
    refused = giving.refused_to(actor, organization, there)
    theirs = replace(refused, groups=[group for group in refused.groups if not group.is_managed])
    return refused.taken_from(there), LeftOut(tuple(theirs.names), tuple(given_no_more.values()))


def _given_no_more(removed: RemovedMember, there: Terms) -> Mapping[int, str]:
    """Return the access groups that a source had given and people fill now, each with its name."""
    managed = {*(removed.managed_group_ids or ())}.intersection(there.groups)
    if not managed:
        return {}
    found = select(AccessGroup.id, AccessGroup.name).where(AccessGroup.id.in_(managed), AccessGroup.source.is_(None))
    return {row.id: row.name for row in db.session.execute(found.order_by(AccessGroup.name_key, AccessGroup.id))}


def _managed_among(groups: Collection[int]) -> set[int]:
    if not groups:
        return set()
    found = select(AccessGroup.id).where(AccessGroup.id.in_(groups), AccessGroup.source.is_not(None))
    return set(db.session.scalars(found))


def _put_back(removed: RemovedMember, user: User, terms: Terms, expires_at: datetime | None) -> Member:
    member = Member(
        id=removed.member_id,
        organization_id=removed.organization_id,
        user_id=removed.user_id,
        role=terms.role,
        has_global_access=terms.has_global_access,
        status=removed.status,
        sort_name=sort_key(user.name),
        last_active_at=removed.last_active_at,
        signed_in_at=removed.signed_in_at,
        created_at=removed.joined_at,
        expires_at=expires_at,
    )
    db.session.delete(removed)
    db.session.add(member)
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
    changes = invitation_rows.close_where(condition, found, InvitationStatus.REVOKED)
    for event, status in zip(events, (InvitationStatus.PENDING, InvitationStatus.REQUESTED), strict=True):
        if of_kind := [change for change in changes if change.before == {"status": status.value}]:
            audit.record_all(actor, event, of_kind, organization=organization)


def _open_in(organization: Organization) -> ColumnElement[bool]:
    return and_(Invitation.organization_id == organization.id, text(OPEN))


def _sent_by(*user_ids: int) -> ColumnElement[bool]:
    return Invitation.invited_by_id.in_(user_ids)


def _addresses(organization: Organization, *user_ids: int) -> list[str]:
    """Return the canonical addresses by which invitations lead people in: theirs, and those their provider named."""
    theirs = (EmailAddress.user_id.in_(user_ids), invitation_rows.is_theirs(organization))
    linked = (Identity.user_id.in_(user_ids), Identity.organization_id == organization.id)
    said = db.session.scalars(select(Identity.claims).where(*linked))
    named = [parse_claimed(one.get("email"), is_verified=one.get("email_verified")) for one in said]
    canonicals = {address.canonical for address in named if address is not None}
    return [*canonicals.union(db.session.scalars(select(EmailAddress.canonical).where(*theirs)))]
