"""Members: users in an organization, their role and their status.

Whoever changes a membership holds the organization's lock (see `organizations.lock`); the guard of a page does.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import insert, select

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.decide import require, require_fresh_for_owners, require_may_grant, require_power_over
from webapp.access.facts import CAN_COME_IN, IS_ACTIVE
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import AlreadyMember, EndedMember, LastOwner, NotFound, OwnerWithEnd
from webapp.models import EmailAddress, Member, MemberStatus, MemberWord, Organization, Role, User
from webapp.models.member import last_day
from webapp.services import audit, invitation_rows, kept_ends, member_letters, memberships
from webapp.services.audit import Change, Event, Target
from webapp.services.kept_ends import Coming
from webapp.services.memberships import Terms
from webapp.services.words import sort_key, words_of

# How the letter is called that tells somebody of it.
LETTERS: Final[Mapping[Event, str]] = {
    Event.MEMBER_ROLE_CHANGED: "role_changed",
    Event.MEMBER_SUSPENDED: "suspended",
    Event.MEMBER_RESTORED: "restored",
}


def add(
    actor: Actor,
    organization: Organization,
    user: User,
    email: str,
    terms: Terms,
    coming: Coming | None = None,
) -> Member:
    """Make a user a member. The caller has decided that they may be, and holds the organization's lock.

    Args:
        actor: who makes them one: they themselves, by accepting, or somebody who adds them.
        organization: where.
        user: whom.
        email: the address by which others find them.
        terms: as what; teams and access groups that are gone are left out.
        coming: how; without it, nobody gives it to them.

    Raises:
        AlreadyMember: they are one.
        OwnerWithEnd: they would be an owner, and it would end.
    """
    if present := of_user(organization, user.id):
        raise already_member(present, email)
    coming = coming or Coming()
    came_at = clock.now() if actor.user_id == user.id else None
    member = Member(
        organization_id=organization.id,
        user_id=user.id,
        role=terms.role,
        has_global_access=terms.has_global_access,
        sort_name=sort_key(user.name),
        last_active_at=came_at,
        signed_in_at=came_at,
        expires_at=kept_ends.end_for(organization, user.id, terms.role, coming.givers),
    )
    db.session.add(member)
    db.session.flush()
    memberships.join(member, terms)
    index_words(member, user.name, email)
    theirs = select(EmailAddress.canonical).where(
        EmailAddress.user_id == user.id, EmailAddress.verified_at.is_not(None)
    )
    proven = db.session.scalars(theirs).all()
    invitation_rows.close_offers(actor, organization, proven)
    after = described(member, email) if proven else {**described(member, email), "is_address_proven": False}
    audit.record(actor, coming.event, target_of(member, user), organization=organization, after=after)
    return member


def already_member(member: Member, email: str, field: str | None = None) -> AlreadyMember:
    """Return the refusal to make somebody a member who is one, also where the membership has ended.

    Args:
        member: their membership.
        email: their address, as it was given.
        field: the form field that this stands beside, where it is not the usual one.
    """
    if member.expires_at is None or not member.has_ended:
        return AlreadyMember(email=email, field=field)
    return EndedMember(email=email, field=field, day=last_day(member.expires_at))


def target_of(member: Member, user: User) -> Target:
    """Return a member as the audit log names them."""
    return Target("member", member.id, user.name)


def described(member: Member, email: str, terms: Terms | None = None) -> dict[str, Any]:
    """Return what the audit log keeps of a membership, enough to know later who could do what.

    Args:
        member: whose.
        email: the address by which others find them.
        terms: what they have, where that has been read.
    """
    said = described_as(member.user_id, email, member.status, terms or memberships.terms_of(member))
    return {**said, **described_end(member.expires_at)} if member.expires_at else said


def described_as(user_id: int, email: str, status: MemberStatus, terms: Terms) -> dict[str, Any]:
    """Return the same of a membership with these values."""
    return {"user_id": user_id, "email": email, "status": status.value, **terms.described()}


def described_end(expires_at: datetime | None) -> dict[str, str | None]:
    """Return what the audit log keeps of the end of a membership; an entry that says nothing of it means none."""
    return {"expires_at": expires_at.isoformat() if expires_at else None}


def of_user(organization: Organization, user_id: int) -> Member | None:
    """Return the membership of a user in an organization."""
    return db.session.scalar(select(Member).where(Member.organization_id == organization.id, Member.user_id == user_id))


def index_words(member: Member, name: str, email: str) -> None:
    """Keep the words by which a member is found."""
    rows = [
        {"organization_id": member.organization_id, "member_id": member.id, "word": word}
        for word in words_of(name, email)
    ]
    db.session.execute(insert(MemberWord), rows)


def change_role(actor: Actor, organization: Organization, member: Member, role: Role) -> None:
    """Give a member another role; see `change_role_of_all`."""
    change_role_of_all(actor, organization, [member], role)


def change_role_of_all(actor: Actor, organization: Organization, people: Sequence[Member], role: Role) -> None:
    """Give members another role and tell them. The role they have already changes nothing.

    Raises:
        NotFound, Forbidden, Yourself, AboveYourRole: the actor may not change one of the memberships.
        RoleTooHigh: the new role is above the actor's.
        SignInAgain: somebody would become an owner, or no longer be one, and the actor has not just signed in.
        OwnerWithEnd: one whose membership has an end would become an owner.
        LastOwner: nobody else could own the organization.
    """
    require_may_change(actor, organization, *people)
    others = [member for member in people if member.role is not role]
    if not others:
        return
    require_may_grant(actor, role)
    require_fresh_for_owners(actor, *(member.role for member in others))
    if role is Role.OWNER:
        require_no_end(*others)
    else:
        require_other_owner(*others)
    before = [{"role": member.role.label} for member in others]
    for member in others:
        member.role = role
    _record_and_tell(actor, organization, others, Event.MEMBER_ROLE_CHANGED, before, {"role": role.label})


def require_no_end(*people: Member) -> None:
    """Go on only if the memberships have no end, as those of owners: time alone takes no owner away.

    Raises:
        OwnerWithEnd: one has.
    """
    if any(member.expires_at is not None for member in people):
        raise OwnerWithEnd


def suspend(actor: Actor, organization: Organization, member: Member) -> None:
    """Take the use of a membership away; see `suspend_all`."""
    suspend_all(actor, organization, [member])


def suspend_all(actor: Actor, organization: Organization, people: Sequence[Member]) -> None:
    """Take the use of memberships away until they are restored, and tell the members. Once is enough.

    Raises:
        NotFound, Forbidden, Yourself, AboveYourRole: the actor may not change one of the memberships.
        SignInAgain: one is an owner's, and the actor has not just signed in.
        LastOwner: nobody else could own the organization.
    """
    require_may_end(actor, organization, *people)
    _set_status(actor, organization, people, MemberStatus.SUSPENDED, Event.MEMBER_SUSPENDED)


def restore(actor: Actor, organization: Organization, member: Member) -> None:
    """Give a suspended member the use of the membership back; see `restore_all`."""
    restore_all(actor, organization, [member])


def restore_all(actor: Actor, organization: Organization, people: Sequence[Member]) -> None:
    """Give suspended members the use of their memberships back, and tell those whose has not ended. Once is enough.

    Raises:
        NotFound, Forbidden, Yourself, AboveYourRole: the actor may not change one of the memberships.
        SignInAgain: one is an owner's, and the actor has not just signed in.
    """
    require_may_change(actor, organization, *people)
    _set_status(actor, organization, people, MemberStatus.ACTIVE, Event.MEMBER_RESTORED)


def require_may_change(actor: Actor, organization: Organization, *people: Member) -> None:
    """Go on only if the actor may change these memberships.

    Raises:
        NotFound, Forbidden: the actor may not change members, or one is none of the organization.
        Yourself, AboveYourRole: not this one.
    """
    require(actor, Scope.MEMBER_WRITE, organization)
    for member in people:
        if member.organization_id != organization.id:
            raise NotFound
        require_power_over(actor, member)


def require_may_end(actor: Actor, organization: Organization, *people: Member) -> None:
    """Go on only if the actor may suspend or remove these members.

    Raises:
        NotFound, Forbidden, Yourself, AboveYourRole: see `require_may_change`.
        LastOwner: nobody else could own the organization.
    """
    require_may_change(actor, organization, *people)
    require_other_owner(*people)


def require_other_owner(*people: Member) -> None:
    """Go on unless all active owners of an organization are among these. Its lock keeps the answer true.

    Others count only where they can come in.

    Raises:
        LastOwner: they are.
    """
    numbers = {member.id for member in people if member.role is Role.OWNER and member.is_active}
    if not numbers:
        return
    others = (
        select(Member.id)
        .join(User, User.id == Member.user_id)
        .where(
            Member.organization_id == people[0].organization_id,
            Member.role == Role.OWNER,
            Member.id.not_in(numbers),
            *IS_ACTIVE,
            CAN_COME_IN,
        )
    )
    if db.session.scalar(others.limit(1)) is None:
        raise LastOwner


def users_of(people: Sequence[Member]) -> dict[int, User]:
    """Return the users who are these members, by the id of each user."""
    found = select(User).where(User.id.in_([member.user_id for member in people]))
    return {user.id: user for user in db.session.scalars(found)}


def _set_status(
    actor: Actor, organization: Organization, people: Sequence[Member], status: MemberStatus, event: Event
) -> None:
    others = [member for member in people if member.status is not status]
    require_fresh_for_owners(actor, *(member.role for member in others))
    before = [{"status": member.status.value} for member in others]
    for member in others:
        member.status = status
    _record_and_tell(actor, organization, others, event, before, {"status": status.value})


def _record_and_tell(
    actor: Actor,
    organization: Organization,
    people: Sequence[Member],
    event: Event,
    before: Sequence[dict[str, Any]],
    after: dict[str, Any],
) -> None:
    if not people:
        return
    users = users_of(people)
    changes = [
        Change(target_of(member, users[member.user_id]), was, after) for member, was in zip(people, before, strict=True)
    ]
    audit.record_all(actor, event, changes, organization=organization)
    offers_use = event is Event.MEMBER_RESTORED
    those = [member for member in people if member.is_active or not offers_use]
    told = [(users[member.user_id], {"role": member.role.label}) for member in those]
    member_letters.tell_all(actor, organization, told, LETTERS[event])
