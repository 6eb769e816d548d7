"""Restriction: whether a member reaches every project, or only what teams and access groups give."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from webapp.access.actor import Actor
from webapp.access.decide import teams_with
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import NotOfOrganization, NotYourTeam
from webapp.models import Member, Organization, Team, User
from webapp.services import audit, members, memberships, teams
from webapp.services.audit import Event


@dataclass(frozen=True)
class Reach:
    """Whether every project is reached, through no team; and the ids of the teams somebody belongs to."""

    has_global_access: bool
    teams: frozenset[int]


def reach_of(member: Member) -> Reach:
    """Return what a member has."""
    return Reach(member.has_global_access, frozenset(memberships.terms_of(member).teams))


def change(actor: Actor, organization: Organization, member: Member, wanted: Reach) -> bool:
    """Let a member reach every project or not, and belong to exactly these teams; return whether anything is another.

    Raises:
        NotFound, Forbidden, Yourself, AboveYourRole: the actor may not change this membership.
        NotOfOrganization: a team is none of the organization's any more.
        NotYourTeam: they may not change a team that the member would join or leave.
    """
    members.require_may_change(actor, organization, member)
    present, after = reach_of(member), teams_among(organization, wanted.teams)
    new = [team for team in after if team.id not in present.teams]
    gone = teams_among(organization, present.teams - wanted.teams)
    if closed := teams_closed_to(actor, [*new, *gone]):
        raise NotYourTeam(name=closed[0].name)
    is_other = member.has_global_access != wanted.has_global_access
    if is_other:
        member.has_global_access = wanted.has_global_access
        target = members.target_of(member, db.session.get_one(User, member.user_id))
        before = {"has_global_access": present.has_global_access}
        said = {"before": before, "after": {"has_global_access": wanted.has_global_access}}
        audit.record(actor, Event.MEMBER_ACCESS_CHANGED, target, organization=organization, **said)
    for team in new:
        teams.put_in(actor, organization, team, [member])
    for team in gone:
        teams.take_out(actor, organization, team, [member])
    return is_other or bool(new or gone)


def teams_closed_to(actor: Actor, concerned: Sequence[Team]) -> Sequence[Team]:
    """Return those of some teams that the actor may not change; plug-ins may say so of whoever may change members."""
    open_teams = {team.id for team in teams_with(actor, Scope.TEAM_WRITE, concerned)}
    return [team for team in concerned if team.id not in open_teams]


def teams_among(organization: Organization, wanted: Collection[int]) -> Sequence[Team]:
    """Return the teams with these ids, in the order of their ids.

    Raises:
        NotOfOrganization: one is none of the organization's, or is gone.
    """
    found = select(Team).where(Team.organization_id == organization.id, Team.id.in_(wanted)).order_by(Team.id)
    there = db.session.scalars(found).all()
    if len(there) != len(set(wanted)):
        raise NotOfOrganization
    return there
