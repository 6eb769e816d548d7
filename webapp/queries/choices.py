"""What forms and filters offer to choose from: teams, projects, and what is chosen at present."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Integer, and_, bindparam, case, exists, func, literal, select, union_all

from webapp.access import grants
from webapp.db import Id, db
from webapp.models import (
    AccessGroup,
    EmailAddress,
    GroupMember,
    GroupProject,
    Member,
    Organization,
    Project,
    Team,
    TeamMember,
    TeamProject,
    User,
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


class PersonChoice(NamedTuple):
    """Somebody who can be chosen."""

    id: int
    name: str
    email: str


class Holding(NamedTuple):
    """What an access group holds: projects by id, and members; at most one more than MOST_CHOICES each."""

    projects: Sequence[int]
    people: Sequence[PersonChoice]

    @property
    def members(self) -> Sequence[int]:
        """The members by id."""
        return [person.id for person in self.people]


def held_by(group: AccessGroup) -> Holding:
    """Return what an access group holds, by name."""
    rows = db.session.connection().execute(_HELD, {"group_id": group.id}).all()
    people = [PersonChoice(key, name, email) for is_member, key, name, email in rows if is_member]
    return Holding([key for is_member, key, _name, _email in rows if not is_member], people)


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
_OF_GROUP = bindparam("group_id", type_=Id)
_HELD_PROJECTS = (
    select(
        literal(0).label("is_member"),
        GroupProject.project_id.label("key"),
        literal("").label("name"),
        literal("").label("email"),
        GroupProject.sort_name.label("sort_name"),
    )
    .where(GroupProject.group_id == _OF_GROUP)
    .order_by(GroupProject.sort_name)
    .limit(MOST_CHOICES + 1)
    .subquery()
)
_HELD_MEMBERS = (
    select(
        literal(1).label("is_member"),
        GroupMember.member_id.label("key"),
        User.name.label("name"),
        func.coalesce(EmailAddress.address, "").label("email"),
        GroupMember.sort_name.label("sort_name"),
    )
    .join(Member, Member.id == GroupMember.member_id)
    .join(User, User.id == Member.user_id)
    .outerjoin(EmailAddress, and_(EmailAddress.user_id == User.id, EmailAddress.is_primary))
    .where(GroupMember.group_id == _OF_GROUP)
    .order_by(GroupMember.sort_name)
    .limit(MOST_CHOICES + 1)
    .subquery()
)
_ALL_HELD = union_all(select(_HELD_PROJECTS), select(_HELD_MEMBERS)).subquery()
_HELD = select(_ALL_HELD.c.is_member, _ALL_HELD.c.key, _ALL_HELD.c.name, _ALL_HELD.c.email).order_by(
    _ALL_HELD.c.is_member, _ALL_HELD.c.sort_name, _ALL_HELD.c.key
)
