"""Organizations of any size with teams, projects and access groups, made by a few statements of the database's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from sqlalchemy import ColumnElement, FromClause, String, cast, func, insert, literal, select, text, true

from webapp import clock
from webapp.db import db
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
from webapp.models.user import UserKind

THREE = 3
_BASES = count(1)


@dataclass(frozen=True)
class Crowd:
    """An organization of `size` people, a hundredth as many teams and a tenth as many projects.

    Everybody is in the first team, and in one more; everybody is in one access group, with one of its team's projects.
    Only three people reach the project that is one beyond the others, in the team that is one beyond the others.
    """

    organization_id: int
    base: int
    size: int

    @property
    def teams(self) -> int:
        """How many teams there are, without that of the three."""
        return max(self.size // 100, 2)

    @property
    def projects(self) -> int:
        """How many projects there are, without that of the three."""
        return max(self.size // 10, 2)

    def member(self, number: int) -> int:
        """Return the id of a member."""
        return self.base + number

    def team(self, number: int) -> int:
        """Return the id of a team; its access group has the same."""
        return self.base + number

    def project(self, number: int) -> int:
        """Return the id of a project."""
        return self.base + number


def crowd_of(size: int, *, is_global: bool) -> Crowd:
    """Make an organization in the transaction at hand.

    Args:
        size: how many people.
        is_global: whether all of them have global access, or none.
    """
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text("set local statement_timeout = 0"))  # a million rows take longer than any page may
        db.session.execute(text("set local session_replication_role = replica"))  # looks for no parent of a row
    base = next(_BASES) * 10_000_000
    organization = Organization(name=f"Crowd {base}", slug=f"crowd-{base}")
    db.session.add(organization)
    db.session.flush()
    crowd = Crowd(organization.id, base, size)
    _make_people(crowd, is_global)
    _make_places(crowd)
    _tie(crowd)
    return crowd


def _make_people(crowd: Crowd, is_global: bool) -> None:
    n = _numbers(crowd.size)
    number, now = literal(crowd.base) + n.c.i, literal(clock.now(), User.created_at.type)
    name = literal("Person ") + _padded(n)
    person = {"id": number, "name": name, "is_active": true(), "is_instance_administrator": ~true()}
    _fill(User, n, {**person, "kind": literal(UserKind.PERSON, User.kind.type), "created_at": now})
    address = literal("p") + cast(number, String) + "@example.org"
    email = {"id": number, "user_id": number, "address": address, "canonical": address, "is_primary": true()}
    _fill(EmailAddress, n, {**email, "verified_at": now, "created_at": now})
    standing = {
        "role": literal(Role.MEMBER, Member.role.type),
        "status": literal(MemberStatus.ACTIVE, Member.status.type),
    }
    member = {"id": number, "organization_id": literal(crowd.organization_id), "user_id": number, "created_at": now}
    reach = {"has_global_access": literal(is_global), "sort_name": _padded(n)}
    _fill(Member, n, {**member, **standing, **reach})


def _make_places(crowd: Crowd) -> None:
    now = literal(clock.now(), Team.created_at.type)
    for model, many in ((Team, crowd.teams + 1), (Project, crowd.projects + 1)):
        n = _numbers(many)
        named = {"name": _padded(n), "slug": literal("s") + _padded(n), "sort_name": _padded(n), "created_at": now}
        _fill(model, n, {"id": literal(crowd.base) + n.c.i, "organization_id": literal(crowd.organization_id), **named})
    n = _numbers(crowd.teams + 1)
    group = {"id": literal(crowd.base) + n.c.i, "team_id": literal(crowd.base) + n.c.i, "created_at": now}
    named = {"name": _padded(n), "name_key": _padded(n), "level": literal(Role.ADMIN, AccessGroup.level.type)}
    _fill(AccessGroup, n, {"organization_id": literal(crowd.organization_id), **group, **named})


def _tie(crowd: Crowd) -> None:
    base = literal(crowd.base)
    here: dict[str, Any] = {"organization_id": literal(crowd.organization_id)}
    n = _numbers(crowd.size)
    member = {**here, "member_id": base + n.c.i, "sort_name": _padded(n)}
    another = base + 2 + n.c.i % (crowd.teams - 1)
    _fill(TeamMember, n, {**member, "team_id": base + 1})
    _fill(TeamMember, n, {**member, "team_id": another})
    _fill(GroupMember, n, {**member, "group_id": another})
    few = _numbers(THREE)
    three = {**here, "member_id": base + few.c.i, "sort_name": _padded(few)}
    _fill(TeamMember, few, {**three, "team_id": base + crowd.teams + 1})
    _fill(GroupMember, few, {**three, "group_id": base + crowd.teams + 1})
    p = _numbers(crowd.projects)
    project = {**here, "project_id": base + p.c.i, "sort_name": _padded(p), "team_id": base + 1 + p.c.i % crowd.teams}
    first = _numbers(1)
    shared = {**here, "project_id": base + 1, "sort_name": _padded(first)}
    _fill(TeamProject, p, project)
    _fill(TeamProject, first, {**shared, "team_id": base + 1})
    _fill(GroupProject, p, {**project, "group_id": project["team_id"]})
    last = {**here, "project_id": base + crowd.projects + 1, "sort_name": literal(f"{crowd.projects + 1:08}")}
    _fill(TeamProject, first, {**last, "team_id": base + crowd.teams + 1})


def _fill(model: Any, numbers: FromClause, columns: Mapping[str, Any]) -> None:
    db.session.execute(insert(model).from_select(list(columns), select(*columns.values()).select_from(numbers)))


def _numbers(most: int) -> FromClause:
    """Return the numbers from 1, as a table with the column `i`."""
    if db.engine.dialect.name == "postgresql":
        return func.generate_series(1, most).table_valued("i").render_derived()
    first = select(literal(1).label("i")).cte("numbers", recursive=True)
    return first.union_all(select(first.c.i + 1).where(first.c.i < most))


def _padded(numbers: FromClause) -> ColumnElement[str]:
    """Return a number as text that sorts as it counts."""
    padded = literal("0000000") + cast(numbers.c.i, String)
    return func.substr(padded, func.length(padded) - 7, 8, type_=String)
