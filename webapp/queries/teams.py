"""Teams and what is in them: a page at a time, by name."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    Integer,
    ScalarSelect,
    Subquery,
    and_,
    bindparam,
    func,
    literal,
    null,
    select,
    union_all,
)

from webapp.access import grants
from webapp.db import Id, db
from webapp.models import (
    AccessGroup,
    EmailAddress,
    GroupMember,
    GroupProject,
    Member,
    MemberStatus,
    Organization,
    Project,
    Role,
    Team,
    TeamMember,
    TeamProject,
    User,
)
from webapp.queries.choices import MOST_CHOICES
from webapp.queries.page import Page, Statement, listing, read

MOST_COUNTED = 100
"""Numbers in lists are exact up to here, so that counting never scans a large team."""
MOST_NAMES = 10


class TeamRow(NamedTuple):
    """One line of the teams of an organization."""

    id: int
    name: str
    slug: str
    members: int
    projects: int
    groups: int
    is_mine: bool


class TeamMemberRow(NamedTuple):
    """One line of the members of a team."""

    id: int
    user_id: int
    name: str
    email: str
    role: Role
    status: MemberStatus
    has_global_access: bool
    has_ended: bool


class ProjectRow(NamedTuple):
    """One line of a list of projects."""

    id: int
    name: str
    slug: str
    archived_at: datetime | None


class TeamGroupRow(NamedTuple):
    """One line of the access groups of a team."""

    id: int
    name: str
    level: Role
    source: str | None
    members: int
    projects: int


class TeamNames(NamedTuple):
    """How many teams and access groups somebody belongs to, and what the first MOST_NAMES teams are called."""

    total: int
    names: list[str]
    groups: int = 0


class TeamCounts(NamedTuple):
    """What the tabs of a team hold, counted up to MOST_COUNTED."""

    projects: int
    members: int
    groups: int


def teams_of(organization: Organization, member: Member | None, *, after: str) -> Page[TeamRow]:
    """Return a page of the teams of an organization.

    Raises:
        NotFound: the cursor is not one of ours.
    """
    parameters = {"organization_id": organization.id, "member_id": member.id if member else None}
    return _page(_TEAMS, parameters, after, TeamRow)


def projects_of(organization: Organization, *, after: str) -> Page[ProjectRow]:
    """Return a page of all projects of an organization, for those who manage them.

    Raises:
        NotFound: the cursor is not one of ours.
    """
    return _page(_PROJECTS, {"organization_id": organization.id}, after, ProjectRow)


def members_of(team: Team, *, after: str) -> Page[TeamMemberRow]:
    """Return a page of the members of a team.

    Raises:
        NotFound: the cursor is not one of ours.
    """
    return _page(_MEMBERS, {"team_id": team.id}, after, TeamMemberRow)


def projects_in(team: Team, member: Member | None, *, after: str) -> Page[ProjectRow]:
    """Return a page of the projects of a team: all, or those that a member can open.

    Args:
        team: whose.
        member: who looks; nothing where all shall be shown.
        after: the cursor where the page before ended; empty for the first page.

    Raises:
        NotFound: the cursor is not one of ours.
    """
    which = _TEAM_PROJECTS if member is None else _OPEN_PROJECTS
    parameters = {"team_id": team.id} | ({} if member is None else {"member_id": member.id})
    return _page(which, parameters, after, ProjectRow)


def groups_of(team: Team) -> Sequence[TeamGroupRow]:
    """Return the access groups of a team, by name, at most MOST_CHOICES."""
    return [TeamGroupRow._make(row) for row in db.session.connection().execute(_GROUPS, {"team_id": team.id})]


def counts_of(team: Team) -> TeamCounts:
    """Return the numbers beside the tabs of a team, in one statement."""
    row = db.session.connection().execute(_COUNTS, {"team_id": team.id}).one()
    return TeamCounts._make(row)


def names_by_member(members: Collection[int]) -> dict[int, TeamNames]:
    """Return the names of the teams of members, and how many access groups they are in, by the id of each."""
    if not members:
        return {}
    found: dict[int, TeamNames] = {}
    rows = db.session.connection().execute(_NAMES, {"members": list(members), "most": MOST_NAMES})
    for member, name, total, groups in rows:
        if name is None:
            found[member] = found.get(member, TeamNames(0, []))._replace(groups=groups)
        else:
            found.setdefault(member, TeamNames(total, [])).names.append(name)
    return found


def _page(which: Any, parameters: dict[str, Any], after: str, row: Any) -> Page[Any]:
    rows, cursor = read(which, parameters, after)
    return Page([row._make(one[: len(row._fields)]) for one in rows], cursor, not after)


def _number_of(key: Any, condition: Any, row: Any = None) -> ScalarSelect[int]:
    """Select how many rows there are, for one `row` of the statement around it where the condition speaks of that."""
    some = select(key).where(condition).limit(MOST_COUNTED)
    if row is not None:
        some = some.correlate(row)
    return select(func.count()).select_from(some.subquery()).scalar_subquery()


def _team_row(page: Subquery) -> Statement:
    numbers = (
        _number_of(TeamMember.member_id, TeamMember.team_id == page.c.id, page),
        _number_of(TeamProject.project_id, TeamProject.team_id == page.c.id, page),
        _number_of(AccessGroup.id, AccessGroup.team_id == page.c.id, page),
    )
    mine = and_(TeamMember.team_id == page.c.id, TeamMember.member_id == bindparam("member_id", type_=Id))
    found = select(Team.id, Team.name, Team.slug, *numbers, TeamMember.member_id.is_not(None)).select_from(page)
    return found.join(Team, Team.id == page.c.id).outerjoin(TeamMember, mine)


def _person_row(page: Subquery) -> Statement:
    columns: tuple[Any, ...] = (Member.id, Member.user_id, User.name, func.coalesce(EmailAddress.address, ""))
    columns += (Member.role, Member.status, Member.has_global_access, Member.has_ended)
    found = select(*columns).select_from(page)
    found = found.join(Member, Member.id == page.c.member_id).join(User, User.id == Member.user_id)
    return found.outerjoin(EmailAddress, and_(EmailAddress.user_id == User.id, EmailAddress.is_primary))


def _project_row(key: str) -> Callable[[Subquery], Statement]:
    def row(page: Subquery) -> Statement:
        found = select(Project.id, Project.name, Project.slug, Project.archived_at).select_from(page)
        return found.join(Project, Project.id == page.c[key])

    return row


def _team_projects(is_narrowed: bool) -> Any:
    found = select(TeamProject.project_id).where(TeamProject.team_id == bindparam("team_id"))
    if is_narrowed:
        found = found.where(grants.is_reached(bindparam("member_id", type_=Id), TeamProject.project_id))
    return listing(found, [TeamProject.sort_name, TeamProject.project_id], _project_row("project_id"))


_TEAM_PROJECTS, _OPEN_PROJECTS = _team_projects(False), _team_projects(True)
_TEAMS = listing(
    select(Team.id).where(Team.organization_id == bindparam("organization_id")), [Team.sort_name, Team.id], _team_row
)
_PROJECTS = listing(
    select(Project.id).where(Project.organization_id == bindparam("organization_id")),
    [Project.sort_name, Project.id],
    _project_row("id"),
)
_MEMBERS = listing(
    select(TeamMember.member_id).where(TeamMember.team_id == bindparam("team_id")),
    [TeamMember.sort_name, TeamMember.member_id],
    _person_row,
)
_GROUPS = (
    select(
        AccessGroup.id,
        AccessGroup.name,
        AccessGroup.level,
        AccessGroup.source,
        _number_of(GroupMember.member_id, GroupMember.group_id == AccessGroup.id, AccessGroup),
        _number_of(GroupProject.project_id, GroupProject.group_id == AccessGroup.id, AccessGroup),
    )
    .where(AccessGroup.team_id == bindparam("team_id"))
    .order_by(AccessGroup.name_key)
    .limit(MOST_CHOICES)
)
_COUNTS = select(
    _number_of(TeamProject.project_id, TeamProject.team_id == bindparam("team_id")),
    _number_of(TeamMember.member_id, TeamMember.team_id == bindparam("team_id")),
    _number_of(AccessGroup.id, AccessGroup.team_id == bindparam("team_id")),
)
_NUMBERED = (
    select(
        TeamMember.member_id,
        Team.name,
        func.count().over(partition_by=TeamMember.member_id).label("total"),
        func.row_number().over(partition_by=TeamMember.member_id, order_by=(Team.sort_name, Team.id)).label("number"),
    )
    .join(Team, Team.id == TeamMember.team_id)
    .where(TeamMember.member_id.in_(bindparam("members", expanding=True)))
    .subquery()
)
_IN_GROUPS = (
    select(GroupMember.member_id, func.count().label("groups"))
    .where(GroupMember.member_id.in_(bindparam("members", expanding=True)))
    .group_by(GroupMember.member_id)
    .subquery()
)
_NAMED = union_all(
    select(
        _NUMBERED.c.member_id, _NUMBERED.c.number, _NUMBERED.c.name, _NUMBERED.c.total, literal(0).label("groups")
    ).where(_NUMBERED.c.number <= bindparam("most", type_=Integer)),
    # Comes last of each member: no number of a team is as high.
    select(_IN_GROUPS.c.member_id, literal(MOST_NAMES + 1), null(), literal(0), _IN_GROUPS.c.groups),
).subquery()
_NAMES = select(_NAMED.c.member_id, _NAMED.c.name, _NAMED.c.total, _NAMED.c.groups).order_by(
    _NAMED.c.member_id, _NAMED.c.number
)
