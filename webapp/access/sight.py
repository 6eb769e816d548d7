"""Who may know of what: of every project, or only of what they can open; and of what somebody else can open."""

from webapp.access.actor import Actor
from webapp.access.decide import decide
from webapp.access.grants import shares_team
from webapp.access.roles import Scope
from webapp.models import Member, Organization, Team


def knows_every_project(actor: Actor, where: Organization | Team) -> bool:
    """Tell whether somebody may know how many and which projects there are in an organization, or of a team."""
    member = actor.member
    if member is None or member.has_global_access or decide(actor, Scope.TEAM_WRITE, where):
        return True
    return isinstance(where, Team) and shares_team(member, where)


def narrowed_to(actor: Actor, where: Organization | Team) -> Member | None:
    """Return the membership by which projects are narrowed to what somebody can open, nothing where they know all."""
    return None if knows_every_project(actor, where) else actor.member


def runs_every_project(actor: Actor, organization: Organization) -> bool:
    """Tell whether somebody manages all projects, and so lists them as such and not by what they can open."""
    return actor.member is None or decide(actor, Scope.PROJECT_CREATE, organization)


def knows_reach_of(actor: Actor, organization: Organization, member: Member) -> bool:
    """Tell whether somebody may know what a member can open: their own, or of those they manage."""
    return member.user_id == actor.user_id or decide(actor, Scope.MEMBER_WRITE, organization)
