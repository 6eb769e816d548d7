"""Members: users in an organization, their role and their status.

Whoever changes a membership holds the organization's lock (see `organizations.lock`); the guard of a page does.
"""

from typing import Any

from sqlalchemy import insert, select

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.decide import require, require_power_over, require_role_within
from webapp.access.facts import CAN_COME_IN, IS_ACTIVE
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import AlreadyMember, LastOwner, NotFound
from webapp.models import EmailAddress, Member, MemberStatus, MemberWord, Organization, Role, User
from webapp.services import accounts, attempts, audit, invitation_rows, memberships, outbox
from webapp.services.attempts import DAY, Limit
from webapp.services.audit import Event, Target
from webapp.services.memberships import Terms
from webapp.services.outbox import Letter
from webapp.services.words import sort_key, words_of

LETTERS_A_DAY = 20


def add(
    actor: Actor,
    organization: Organization,
    user: User,
    email: str,
    terms: Terms,
    event: Event = Event.MEMBER_JOINED,
) -> Member:
    """Make a user a member. The caller has decided that they may be, and holds the organization's lock.

    Args:
        actor: who makes them one: they themselves, by accepting, or somebody who adds them.
        organization: where.
        user: whom.
        email: the address by which others find them.
        terms: as what; teams and access groups that are gone are left out.
        event: as what the audit log knows it.

    Raises:
        AlreadyMember: they are one.
    """
    if of_user(organization, user.id):
        raise AlreadyMember(email=email)
    member = Member(
        organization_id=organization.id,
        user_id=user.id,
        role=terms.role,
        has_global_access=terms.has_global_access,
        sort_name=sort_key(user.name),
        last_active_at=clock.now() if actor.user_id == user.id else None,
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
    audit.record(actor, event, target_of(member, user), organization=organization, after=after)
    return member


def target_of(member: Member, user: User) -> Target:
    """Return a member as the audit log names them."""
    return Target("member", member.id, user.name)


def described(member: Member, email: str) -> dict[str, Any]:
    """Return what the audit log keeps of a membership, enough to know later who could do what."""
    return described_as(member.user_id, email, member.status, memberships.terms_of(member))


def described_as(user_id: int, email: str, status: MemberStatus, terms: Terms) -> dict[str, Any]:
    """Return the same of a membership with these values."""
    return {"user_id": user_id, "email": email, "status": status.value, **terms.described()}


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
    """Give a member another role and tell them. The role they have already changes nothing.

    Raises:
        NotFound, Forbidden, Yourself, AboveYourRole: the actor may not change this membership.
        RoleTooHigh: the new role is above the actor's.
        LastOwner: nobody else could own the organization.
    """
    require_may_change(actor, organization, member)
    require_role_within(actor, role)
    if role is member.role:
        return
    if role is not Role.OWNER:
        require_other_owner(member)
    before, member.role = member.role, role
    change = {"before": {"role": before.label}, "after": {"role": role.label}}
    _record_and_tell(actor, organization, member, Event.MEMBER_ROLE_CHANGED, change)


def suspend(actor: Actor, organization: Organization, member: Member) -> None:
    """Take the use of the membership away until it is restored, and tell the member. Once is enough.

    Raises:
        NotFound, Forbidden, Yourself, AboveYourRole: the actor may not change this membership.
        LastOwner: nobody else could own the organization.
    """
    require_may_end(actor, organization, member)
    _set_status(actor, organization, member, MemberStatus.SUSPENDED, Event.MEMBER_SUSPENDED)


def restore(actor: Actor, organization: Organization, member: Member) -> None:
    """Give a suspended member the use of the membership back, and tell them. Once is enough.

    Raises:
        NotFound, Forbidden, Yourself, AboveYourRole: the actor may not change this membership.
    """
    require_may_change(actor, organization, member)
    _set_status(actor, organization, member, MemberStatus.ACTIVE, Event.MEMBER_RESTORED)


def require_may_change(actor: Actor, organization: Organization, member: Member) -> None:
    """Go on only if the actor may change this membership.

    Raises:
        NotFound, Forbidden: the actor may not change members, or this is none of the organization.
        Yourself, AboveYourRole: not this one.
    """
    require(actor, Scope.MEMBER_WRITE, organization)
    if member.organization_id != organization.id:
        raise NotFound
    require_power_over(actor, member)


def require_may_end(actor: Actor, organization: Organization, member: Member) -> None:
    """Go on only if the actor may suspend or remove this member.

    Raises:
        NotFound, Forbidden, Yourself, AboveYourRole: see `require_may_change`.
        LastOwner: nobody else could own the organization.
    """
    require_may_change(actor, organization, member)
    require_other_owner(member)


def require_other_owner(member: Member) -> None:
    """Go on unless this is the last active owner. The organization's lock keeps the answer true.

    Others count only where they can come in.

    Raises:
        LastOwner: it is.
    """
    if member.role is not Role.OWNER or not member.is_active:
        return
    others = (
        select(Member.id)
        .join(User, User.id == Member.user_id)
        .where(
            Member.organization_id == member.organization_id,
            Member.role == Role.OWNER,
            Member.id != member.id,
            *IS_ACTIVE,
            CAN_COME_IN,
        )
    )
    if db.session.scalar(others.limit(1)) is None:
        raise LastOwner


def _set_status(actor: Actor, organization: Organization, member: Member, status: MemberStatus, event: Event) -> None:
    if member.status is status:
        return
    before, member.status = member.status, status
    change = {"before": {"status": before.value}, "after": {"status": status.value}}
    _record_and_tell(actor, organization, member, event, change)


def _record_and_tell(
    actor: Actor, organization: Organization, member: Member, event: Event, change: dict[str, dict[str, Any]]
) -> None:
    user = db.session.get_one(User, member.user_id)
    audit.record(actor, event, target_of(member, user), organization=organization, **change)
    tell(actor, organization, user, event.value.removeprefix("member."), role=member.role.label)


def tell(actor: Actor, organization: Organization, user: User, kind: str, **data: str) -> None:
    """Queue the letter that tells somebody what happened to their membership.

    None goes to an address that may not be theirs, nor more than twenty a day.

    Args:
        actor: who did it.
        organization: where.
        user: whom to tell.
        kind: the name of the letter's templates.
        data: what it says besides.
    """
    email = accounts.primary_address(user.id)
    names = {"name": user.name, "actor": actor.name, "organization": organization.name, "slug": organization.slug}
    said = {**names, "email": email.address, **data}
    language = user.language or actor.language
    is_over = attempts.count([Limit(f"membership:letters:{organization.id}:{user.id}", LETTERS_A_DAY, DAY)]) is not None
    is_dropped = is_over or email.verified_at is None
    letter = Letter(
        kind, email.address, said, organization_id=organization.id, language=language, is_dropped=is_dropped
    )
    outbox.enqueue(letter)
