"""Decisions about an organization: asked by the guard of every page and again by every service."""

from dataclasses import dataclass
from typing import Protocol

from webapp.access.actor import Actor, ActorKind
from webapp.access.roles import Scope, has_scope
from webapp.errors import AboveYourRole, Forbidden, NotFound, RoleTooHigh, Yourself
from webapp.models import Member, MemberStatus, Organization, Role


class PowerOver(Protocol):
    """Whose membership it is and how high: a member, or a row that speaks of one."""

    @property
    def user_id(self) -> int: ...
    @property
    def role(self) -> Role: ...


def decide(actor: Actor, scope: Scope, organization: Organization) -> bool:
    """Tell whether `actor` has `scope` in `organization`. Unknown means no."""
    if actor.kind is ActorKind.SYSTEM:
        return True
    member = actor.member
    if member is None or member.organization_id != organization.id or member.user_id != actor.user_id:
        return False
    return member.is_active and has_scope(member.role, scope, organization)


def require(actor: Actor, scope: Scope, organization: Organization) -> None:
    """Go on only if `actor` has `scope` in `organization`.

    Raises:
        NotFound: the organization is none of the actor's business.
        Forbidden: a member without the right.
    """
    if decide(actor, scope, organization):
        return
    if not decide(actor, Scope.ORG_READ, organization):
        raise NotFound
    raise Forbidden


def require_role_within(actor: Actor, role: Role) -> None:
    """Go on only if `role` is not above the actor's own.

    Raises:
        RoleTooHigh: it is.
    """
    if not is_role_within(actor, role):
        raise RoleTooHigh


def is_role_within(actor: Actor, role: Role) -> bool:
    """Tell whether `role` is not above the actor's own."""
    if actor.kind is ActorKind.SYSTEM:
        return True
    return actor.member is not None and role <= actor.member.role


def require_power_over(actor: Actor, member: Member) -> None:
    """Go on only if the actor may change or end somebody's membership: not their own, and of nobody above them.

    Raises:
        Yourself: it is the actor's own.
        AboveYourRole: the member's role is above the actor's.
    """
    if reason := refusal_over(actor, member):
        raise reason


def refusal_over(actor: Actor, member: PowerOver) -> Yourself | AboveYourRole | None:
    """Return why the actor may not change somebody's membership, or nothing where they may."""
    if actor.kind is ActorKind.SYSTEM:
        return None
    if actor.user_id == member.user_id:
        return Yourself()
    return None if is_role_within(actor, member.role) else AboveYourRole()


def grantable_roles(member: Member | None) -> list[Role]:
    """Return the roles a member may give to others, lowest first."""
    return [role for role in Role if member is not None and role <= member.role]


@dataclass(frozen=True)
class Standing:
    """Role and status of a member, as far as a decision about them needs."""

    role: Role
    status: MemberStatus


def may_still_offer(inviter: Member | Standing | None, role: Role, organization: Organization) -> bool:
    """Tell whether whoever sent an invitation may still offer `role`: rights are checked again when it is used."""
    return (
        inviter is not None
        and inviter.status is MemberStatus.ACTIVE
        and inviter.role >= role
        and has_scope(inviter.role, Scope.MEMBER_INVITE, organization)
    )
