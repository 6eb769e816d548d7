"""Decisions about an organization and what is in it: asked by the guard of every page and again by every service."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from webapp.access import grants, plugins
from webapp.access.actor import Actor, ActorKind
from webapp.access.facts import MemberFacts, Resource
from webapp.access.roles import LOWEST_LEVEL, LOWEST_ROLE, LOWEST_ROLE_IN_OWN_TEAM, Scope, has_scope
from webapp.errors import (
    AboveYourRole,
    Forbidden,
    NotFound,
    RoleTooHigh,
    SignInAgain,
    Yourself,
)
from webapp.models import Member, Organization, Project, Role, Team


class PowerOver(Protocol):
    """Whose membership it is and how high: a member, or a row that speaks of one."""

    @property
    def user_id(self) -> int: ...
    @property
    def role(self) -> Role: ...


@dataclass(frozen=True)
class Standing:
    """A member as lists read them: as much of them as a decision about their organization needs."""

    id: int
    role: Role
    is_active: bool


def decide(actor: Actor, scope: Scope, resource: Resource) -> bool:
    """Tell whether `actor` has `scope` in an organization, on a team or on a project. Unknown means no.

    Plug-ins are asked first, but only about active members and what belongs to their own organization.
    """
    return _decide(actor, scope, resource)


def teams_with(actor: Actor, scope: Scope, teams: Sequence[Team], own: Collection[int] | None = None) -> list[Team]:
    """Return those of some teams on which `actor` has `scope`: one statement for all of them, and one for plug-ins.

    Args:
        actor: who.
        scope: what.
        teams: which.
        own: the ids of those that the actor belongs to, where they were read together with the teams.
    """
    member = actor.member
    if member is None or not teams:
        return [team for team in teams if _decide(actor, scope, team)]
    if own is None:
        own = grants.teams_shared(member, teams) if _depends_on_team(member, scope) else ()
    known = KnownMember(own, plugins.told_of(member.id))
    return [team for team in teams if _decide(actor, scope, team, known)]


def _depends_on_team(member: Member, scope: Scope) -> bool:
    """Tell whether somebody's role gives a scope on their own teams only."""
    lowest = LOWEST_ROLE_IN_OWN_TEAM.get(scope)
    return lowest is not None and lowest <= member.role < LOWEST_ROLE[scope]


@dataclass(frozen=True)
class KnownMember:
    """What was read of a member about whom much is asked: their teams among those asked about, and for plug-ins."""

    own: Collection[int]
    told: MemberFacts | None


def _decide(actor: Actor, scope: Scope, resource: Resource, known: KnownMember | None = None) -> bool:
    if actor.kind is ActorKind.SYSTEM:
        return True
    member = actor.member
    if member is None or member.organization_id != _organization_id(resource) or member.user_id != actor.user_id:
        return False
    return member.is_active and _has(member, scope, resource, known)


def _organization_id(resource: Resource) -> int:
    return resource.id if isinstance(resource, Organization) else resource.organization_id


def _has(member: Member, scope: Scope, resource: Resource, known: KnownMember | None) -> bool:
    if scope in LOWEST_LEVEL:
        return isinstance(resource, Project) and grants.decide(member.user_id, resource, scope)
    if isinstance(resource, Organization):
        return _has_in(resource, scope, member)
    verdict = plugins.verdict(plugins.opinions(member.id, scope, resource, known.told if known else None))
    return _has_by_role(member, scope, resource, known.own if known else None) if verdict is None else verdict


def _has_in(organization: Organization, scope: Scope, member: Member | Standing) -> bool:
    verdict = plugins.verdict(plugins.opinions(member.id, scope, organization))
    return has_scope(member.role, scope, organization) if verdict is None else verdict


def _has_by_role(member: Member, scope: Scope, resource: Team | Project, own: Collection[int] | None) -> bool:
    if not _depends_on_team(member, scope):
        return member.role >= LOWEST_ROLE[scope]
    return grants.shares_team(member, resource) if own is None else resource.id in own


def require(actor: Actor, scope: Scope, resource: Resource) -> None:
    """Go on only if `actor` has `scope` in an organization, on a team or on a project.

    Raises:
        NotFound: it is none of the actor's business: of another organization, or a project they may not open.
        Forbidden: a member without the right.
    """
    if decide(actor, scope, resource):
        return
    may_see = Scope.PROJECT_READ if scope in LOWEST_LEVEL else Scope.ORG_READ
    if not decide(actor, may_see, resource):
        raise NotFound
    raise Forbidden


def require_role_within(actor: Actor, role: Role) -> None:
    """Go on only if `role` is not above the actor's own.

    Raises:
        RoleTooHigh: it is.
    """
    if not is_role_within(actor, role):
        raise RoleTooHigh


def require_may_grant(actor: Actor, role: Role) -> None:
    """Go on only if the actor may make somebody a member with `role`, or offer it.

    Raises:
        RoleTooHigh: it is above their own.
        SignInAgain: it is that of owners; see `require_fresh_for_owners`.
    """
    require_role_within(actor, role)
    require_fresh_for_owners(actor, role)


def require_fresh(actor: Actor) -> None:
    """Go on only if the actor has just signed in by themselves, so that a browser left open is not enough.

    Raises:
        SignInAgain: it was too long ago, or at a provider's word alone.
    """
    if reason := refusal_of_stale(actor):
        raise reason


def require_own_word(actor: Actor) -> None:
    """Go on only if the actor has signed in by themselves, however long ago.

    Raises:
        SignInAgain: it was at a provider's word alone.
    """
    if actor.is_confined:
        raise SignInAgain(is_confined=True)


def require_fresh_for_owners(actor: Actor, *roles: Role) -> None:
    """Go on only if the actor has just signed in, where one of the roles given or taken is that of owners.

    So nobody makes themselves an owner in a browser that an owner has left open.

    Raises:
        SignInAgain: they have not.
    """
    if reason := refusal_for_owners(actor, *roles):
        raise reason


def refusal_of_stale(actor: Actor, *, of_owners: bool = False) -> SignInAgain | None:
    """Return why the actor has to sign in again first, or nothing where they have just done so.

    Commands and the worker have no session to grow old.
    """
    if actor.kind is ActorKind.SYSTEM or actor.is_fresh:
        return None
    return SignInAgain(is_confined=actor.is_confined, of_owners=of_owners)


def refusal_for_owners(actor: Actor, *roles: Role) -> SignInAgain | None:
    """Return why the actor may not give or take some roles yet, or nothing where they may; see above."""
    return refusal_of_stale(actor, of_owners=True) if Role.OWNER in roles else None


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


def may_give_global_access(actor: Actor) -> bool:
    """Tell whether the actor may give global access: whoever lacks it themselves may not, below the managers."""
    if actor.kind is ActorKind.SYSTEM:
        return True
    return actor.member is not None and (actor.member.has_global_access or actor.member.role >= Role.MANAGER)


def grantable_roles(actor: Actor) -> list[Role]:
    """Return the roles the actor may give to others, lowest first."""
    return [role for role in Role if is_role_within(actor, role)]


def may_still_offer(
    user_id: int | None, member: Member | Standing | None, role: Role, organization: Organization
) -> bool:
    """Tell whether somebody may still offer `role`, as they once did: asked again when it is used, of plug-ins too.

    Args:
        user_id: who offered it; nothing for the system, which always may.
        member: their membership, if they have one and may sign in.
        role: what they offered.
        organization: where.
    """
    if user_id is None:
        return True
    if member is None or not member.is_active or member.role < role:
        return False
    return _has_in(organization, Scope.MEMBER_INVITE, member)
