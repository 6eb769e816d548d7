"""What forms and filters offer to choose from: teams, projects, and what is chosen at present."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Integer, bindparam, case, exists, literal, select

from webapp.access import grants
from webapp.db import Id, db
from webapp.models import (
    AccessGroup,
    GroupMember,
    GroupProject,
    Member,
    Organization,
    Project,
    Team,
    TeamMember,
    TeamProject,
)
from webapp.queries.page import Statement

MOST_CHOICES = 1_000
MOST_IN_FILTER = 100


class TeamChoice(NamedTuple):
    """A team to choose, and whether it is chosen at present."""

    id: int
    name: str
    slug: str
    is_chosen: bool


def teams_to_filter_by(organization: Organization) -> Sequence[TeamChoice]:
    """Return the first MOST_IN_FILTER teams of an organization, by name."""
    return _team_choices(_TEAMS, organization, 0, MOST_IN_FILTER)


def teams_to_choose(organization: Organization) -> Sequence[TeamChoice]:
    """Return the teams of an organization by name, at most MOST_CHOICES."""
    return _team_choices(_TEAMS, organization, 0)


def teams_for_member(organization: Organization, member: Member) -> Sequence[TeamChoice]:
    """Return the teams of an organization, those of a member first, then by name; at most MOST_CHOICES."""
    return _team_choices(_TEAMS_FOR_MEMBER, organization, member.id)


def has_member(member: Member | ColumnElement[int]) -> ColumnElement[bool]:
    """Return the condition that a member, or whoever an id stands for, belongs to a team."""
    number = member.id if isinstance(member, Member) else member
    return exists().where(TeamMember.team_id == Team.id, TeamMember.member_id == number)


def projects_to_choose(
    team: Team, member: Member | None, group: AccessGroup | None = None
) -> Sequence[tuple[int, str]]:
    """Return the projects of a team to choose from: id and name, those of a group first; at most MOST_CHOICES.

    Args:
        team: whose.
        member: who looks; nothing where all shall be shown.
        group: what holds some of them already.
    """
    found = select(Project.id, Project.name).join(TeamProject, TeamProject.project_id == Project.id)
    held = exists().where(GroupProject.project_id == Project.id, GroupProject.group_id == (group.id if group else 0))
    found = found.where(TeamProject.team_id == team.id)
    if member is not None:
        found = found.where(grants.is_reached(member.id, TeamProject.project_id))
    found = found.order_by(case((held, 0), else_=1), TeamProject.sort_name, Project.id)
    return [(number, name) for number, name in db.session.execute(found.limit(MOST_CHOICES))]


def held_by(group: AccessGroup) -> tuple[list[int], list[int]]:
    """Return the ids of the projects and of the members of an access group, at most one more than MOST_CHOICES each."""
    projects = select(GroupProject.project_id).where(GroupProject.group_id == group.id)
    members = select(GroupMember.member_id).where(GroupMember.group_id == group.id)
    by_name = (projects.order_by(GroupProject.sort_name), members.order_by(GroupMember.sort_name))
    found = [list(db.session.scalars(held.limit(MOST_CHOICES + 1))) for held in by_name]
    return found[0], found[1]


def _team_choices(
    statement: Statement, organization: Organization, chooser: int, most: int = MOST_CHOICES
) -> Sequence[TeamChoice]:
    parameters = {"organization_id": organization.id, "chooser": chooser, "most": most}
    return [TeamChoice._make(row) for row in db.session.connection().execute(statement, parameters)]


def _teams(is_chosen: ColumnElement[bool]) -> Statement:
    """Select the teams of an organization, the chosen ones first."""
    of_organization = Team.organization_id == bindparam("organization_id")
    order = (case((is_chosen, 0), else_=1), Team.sort_name, Team.id)
    found = select(Team.id, Team.name, Team.slug, is_chosen).where(of_organization).order_by(*order)
    return found.limit(_MOST)


_MOST = bindparam("most", type_=Integer, literal_execute=True)
_CHOOSER = bindparam("chooser", type_=Id)
_TEAMS = (
    select(Team.id, Team.name, Team.slug, literal(False))
    .where(Team.organization_id == bindparam("organization_id"))
    .order_by(Team.sort_name, Team.id)
    .limit(_MOST)
)
_TEAMS_FOR_MEMBER = _teams(has_member(_CHOOSER))
