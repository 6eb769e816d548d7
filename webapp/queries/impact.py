"""What a change would do to access, as people read it; and whom a change may concern."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Select, or_, select, union

from webapp.access import grants
from webapp.access.impact import EVERY_PROJECT, MOST_PAIRS, Affected, Impact, Shift
from webapp.db import db
from webapp.models import (
    AccessGroup,
    GroupMember,
    GroupProject,
    Member,
    Project,
    Role,
    Team,
    TeamMember,
    TeamProject,
    User,
)


@dataclass(frozen=True)
class Line:
    """Somebody reaches a project at another level than before; `project` is empty for every one.

    `is_alone` tells whether that is all of them: whoever reaches some of them in another way as well may keep those.
    """

    person: str
    project: str
    is_alone: bool
    before: Role | None
    after: Role | None
    is_loss: bool


def lines_of(impact: Impact, most: int) -> Sequence[Line]:
    """Return the first lines of an impact: losses before gains."""
    shown = sorted(impact.shifts, key=lambda shift: (not shift.is_loss, shift.member_id, shift.project_id))[:most]
    people = _names(select(Member.id, User.name).join(User, User.id == Member.user_id), Member.id, _members(shown))
    projects = _names(select(Project.id, Project.name), Project.id, {shift.project_id for shift in shown})
    projects[EVERY_PROJECT] = ""
    lines = [
        Line(
            people[shift.member_id],
            projects[shift.project_id],
            shift.member_id not in impact.with_single,
            shift.before,
            shift.after,
            shift.is_loss,
        )
        for shift in shown
    ]
    return sorted(lines, key=lambda line: (not line.is_loss, line.person, line.project))


def _members(shifts: Sequence[Shift]) -> set[int]:
    return {shift.member_id for shift in shifts}


def _names(named: Any, key: Any, numbers: set[int]) -> dict[int, str]:
    return {number: name for number, name in db.session.execute(named.where(key.in_(numbers)))}


def by_member(member: Member) -> Affected:
    """Return whom a change of one membership concerns, on every project."""
    return Affected(member.organization_id, [member.id])


def by_team(team: Team) -> Affected:
    """Return whom the end of a team concerns: its members, those of its access groups, and its projects."""
    in_team = select(TeamMember.member_id).where(TeamMember.team_id == team.id)
    groups = select(AccessGroup.id).where(AccessGroup.team_id == team.id)
    in_groups = select(GroupMember.member_id).where(GroupMember.group_id.in_(groups))
    return Affected(team.organization_id, _some(union(in_team, in_groups)), _some(_projects_of(team)))


def by_people_of_team(team: Team, members: Sequence[Member]) -> Affected:
    """Return whom it concerns that some members leave a team, and its projects."""
    return Affected(team.organization_id, [member.id for member in members], _some(_projects_of(team)))


def by_teams_of_project(project: Project, wanted: Sequence[int]) -> Affected:
    """Return whom it concerns that a project belongs to other teams: the members of those it has or is to have."""
    owners = select(TeamProject.team_id).where(TeamProject.project_id == project.id)
    concerned = or_(TeamMember.team_id.in_(owners), TeamMember.team_id.in_(wanted))
    here = TeamMember.organization_id == project.organization_id
    in_teams = select(TeamMember.member_id).where(here, concerned)
    groups = select(GroupProject.group_id).where(GroupProject.project_id == project.id)
    in_groups = select(GroupMember.member_id).where(GroupMember.group_id.in_(groups))
    return Affected(project.organization_id, _some(union(in_teams, in_groups)), [project.id])


def by_project(project: Project, level: Role = Role.MEMBER) -> Affected:
    """Return whom it concerns what becomes of a project: everybody who reaches it, at least at a level."""
    asked = {"project_id": project.id, "level": level, "rows": MOST_PAIRS + 1}
    people = db.session.scalars(_reaching(db.engine.dialect.name), asked).all()
    return Affected(project.organization_id, people, [project.id], is_of_projects=True)


@cache
def _reaching(dialect: str) -> Select[Any]:
    return select(grants.people_of(dialect == "postgresql", later=False, is_narrowed=True).c.key)


def by_group(group: AccessGroup, more_members: Collection[int] = (), more_projects: Collection[int] = ()) -> Affected:
    """Return whom a change of an access group concerns, with those it is to hold besides."""
    members = _some(select(GroupMember.member_id).where(GroupMember.group_id == group.id))
    projects = _some(select(GroupProject.project_id).where(GroupProject.group_id == group.id))
    return Affected(group.organization_id, {*members, *more_members}, {*projects, *more_projects})


def _projects_of(team: Team) -> Select[Any]:
    return select(TeamProject.project_id).where(TeamProject.team_id == team.id)


def _some(numbers: Any) -> list[int]:
    """Read one more than can be compared at most."""
    return list(db.session.scalars(numbers.limit(MOST_PAIRS + 1)))
