"""The access rule: which members reach which projects, at which level, and why. It is written here and nowhere else.

A member reaches a project at a level when nothing blocks and some grant gives at least that level. Every grant is of
one shape: a container (the organization, a team, an access group) holds members on one side and projects on the other,
both ordered by name. So every reading is composed from two lists, GRANTS and BLOCKERS; a new grant or blocker is one
line there, and its words in sentences.py.
Where plug-ins are installed, a decision asks them before it looks at the grants; lists show what the grants give.
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Exists,
    Integer,
    Select,
    SQLColumnExpression,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    tuple_,
    type_coerce,
    union,
    union_all,
)
from sqlalchemy.orm import aliased

from webapp import clock
from webapp.access import plugins
from webapp.access.plugins import Opinion
from webapp.access.roles import LOWEST_LEVEL, Scope
from webapp.access.single_sign_on import lacks_identity
from webapp.db import NOW, Id, Key, db, found_so_far
from webapp.models import (
    AccessGroup,
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
from webapp.models.member import RoleColumn

Statement = Select[*tuple[Any, ...]]

# The member and the project a reading is about, under names of their own: a grant may read the same tables.
_member, _user, _project = aliased(Member), aliased(User), aliased(Project)


@dataclass(frozen=True)
class Side:
    """What containers hold, members or projects: a table with a row for each, and its columns."""

    table: Any
    container: str
    key: str
    condition: str | None = None

    def rows(self) -> "Rows":
        """Return the table under a new name."""
        return Rows(self, aliased(self.table))


class Rows:
    """The rows of one side of a grant, in one place of a statement."""

    def __init__(self, side: Side, table: Any) -> None:
        self.table = table
        self.container: Any = getattr(table, side.container)
        self.key: Any = getattr(table, side.key)
        self.sort_name: Any = table.sort_name
        self.condition: ColumnElement[bool] = getattr(table, side.condition) if side.condition else true()


@dataclass(frozen=True)
class Grant:
    """One way in which members reach projects: through a container, at their own role or at the container's level."""

    kind: str
    container: Any
    members: Side
    projects: Side
    has_own_level: bool = False

    @property
    def level(self) -> Any:
        """The level it gives to the member of a statement."""
        return self.container.level if self.has_own_level else _member.role


@dataclass(frozen=True)
class Blocker:
    """A fact that takes some scopes on a project away from a member, whatever the grants give."""

    kind: str
    condition: SQLColumnExpression[bool]
    scopes: frozenset[Scope] = frozenset(LOWEST_LEVEL)


GRANTS = (
    Grant(
        "global",
        Organization,
        Side(Member, "organization_id", "id", "has_global_access"),
        Side(Project, "organization_id", "id"),
    ),
    Grant("team", Team, Side(TeamMember, "team_id", "member_id"), Side(TeamProject, "team_id", "project_id")),
    Grant(
        "group",
        AccessGroup,
        Side(GroupMember, "group_id", "member_id"),
        Side(GroupProject, "group_id", "project_id"),
        has_own_level=True,
    ),
)
BLOCKERS = (
    Blocker("account_closed", not_(_user.is_active)),
    Blocker("suspended", _member.status == MemberStatus.SUSPENDED),
    Blocker("ended", _member.has_ended),
    Blocker("sso_required", lacks_identity(_member)),
    Blocker("archived", _project.archived_at.is_not(None), frozenset(LOWEST_LEVEL) - {Scope.PROJECT_READ}),
)
KINDS = tuple(grant.kind for grant in GRANTS)
_BLOCKERS_OF = {
    scope: tuple(at for at, blocker in enumerate(BLOCKERS) if scope in blocker.scopes) for scope in LOWEST_LEVEL
}


@dataclass(frozen=True)
class Path:
    """One grant as it applies: what kind, through which container, at which level."""

    kind: str
    container_id: int
    name: str
    level: Role


@dataclass(frozen=True)
class Decision:
    """Whether a scope on a project is allowed, with every grant, blocker and opinion of a plug-in that led to it.

    `level` is the highest of the grants, whatever blocks; nothing where there is none. Nobody but members has grants.
    """

    scope: Scope
    paths: tuple[Path, ...]
    blockers: tuple[str, ...]
    opinions: tuple[Opinion, ...] = ()
    is_member: bool = True

    @property
    def level(self) -> Role | None:
        """The highest level of the grants."""
        return max((path.level for path in self.paths), default=None)

    @property
    def sufficient(self) -> tuple[Path, ...]:
        """The grants that each give enough."""
        return tuple(path for path in self.paths if path.level >= LOWEST_LEVEL[self.scope])

    @property
    def is_allowed(self) -> bool:
        """The answer."""
        if self.blockers:
            return False
        verdict = plugins.verdict(self.opinions)
        return bool(self.sufficient) if verdict is None else verdict


def decide(user_id: int, project: Project, scope: Scope) -> bool:
    """Tell whether a user may do `scope` on a project. Unknown means no."""
    facts = _facts(user_id, project)
    if facts is None:
        return False
    if any(map(facts.is_blocked.__getitem__, _BLOCKERS_OF[scope])):
        return False
    verdict = plugins.verdict(plugins.opinions(facts.member_id, scope, project))
    if verdict is not None:
        return verdict
    return max(filter(None, facts.levels), default=0) >= LOWEST_LEVEL[scope]


def explain(user_id: int, project: Project, scope: Scope) -> Decision:
    """Return the decision about a user and a project, with what led to it. Somebody unknown has no grants."""
    facts = _facts(user_id, project)
    if facts is None:
        return Decision(scope, (), (), is_member=False)
    blockers = tuple(BLOCKERS[at].kind for at in _BLOCKERS_OF[scope] if facts.is_blocked[at])
    paths = db.session.connection().execute(_PATHS, {"project_id": project.id, "member_id": facts.member_id}).all()
    opinions = plugins.opinions(facts.member_id, scope, project)
    return Decision(scope, tuple(Path(*path) for path in paths), blockers, opinions)


class _Facts(NamedTuple):
    """What the database knows of a member and a project: for each blocker and for each grant, in their order."""

    member_id: int
    is_blocked: Sequence[bool]
    levels: Sequence[int | None]


def _facts(user_id: int, project: Project) -> _Facts | None:
    """Read the facts of a decision. Statement and row pass as the driver has them: decisions are asked for often."""
    connection = db.session.connection()
    sql, moment, arranged = _prepared(connection.dialect.name)
    values = arranged((user_id, project.id, project.organization_id, moment(clock.now())))
    cursor: Any = connection.exec_driver_sql(sql, values).cursor
    rows = cursor.fetchall()
    return _Facts(rows[0][0], rows[0][1 : 1 + len(BLOCKERS)], rows[0][1 + len(BLOCKERS) :]) if rows else None


@cache
def _prepared(
    _dialect: str,
) -> tuple[str, Callable[[datetime], Any], Callable[[tuple[Any, ...]], tuple[Any, ...] | dict[str, Any]]]:
    """Return the statement of a decision, and what makes a moment, and then the values of _ASKED, the driver's."""
    dialect = db.engine.dialect
    compiled = _DECISION.compile(dialect=dialect)
    fixed = {name: getattr(value, "value", value) for name, value in compiled.params.items() if name not in _ASKED}
    names, others = (*_ASKED, *fixed), tuple(fixed.values())
    moment = _as_sqlite_holds if dialect.name == "sqlite" else _as_it_is
    if not compiled.positiontup:
        return str(compiled), moment, lambda asked: dict(zip(names, asked + others, strict=True))
    in_order = itemgetter(*map(names.index, compiled.positiontup))
    return str(compiled), moment, lambda asked: in_order(asked + others)


def _as_sqlite_holds(moment: datetime) -> str:
    """Return a moment in UTC as `UtcDateTime` stores it, in a tenth of the time."""
    return moment.isoformat(" ", "microseconds")[:26]


def _as_it_is(moment: datetime) -> datetime:
    return moment


def shares_team(member: Member, resource: Team | Project) -> bool:
    """Tell whether a member belongs to a team, or to one that owns a project; asked once where nothing is written."""
    found, key = found_so_far(), _shared_key(member, resource)
    if key not in found:
        asked = {"member_id": member.id, "key": resource.id}
        found[key] = bool(db.session.connection().scalar(_SHARES[type(resource)], asked))
    return found[key]


def note_shared(member: Member, resource: Team | Project, is_shared: bool) -> None:
    """Keep what was read together with a team or a project, as `is_shared` says it, for `shares_team`."""
    found_so_far()[_shared_key(member, resource)] = is_shared


def _shared_key(member: Member, resource: Team | Project) -> tuple[int, type[Team | Project], int]:
    return member.id, type(resource), resource.id


def is_shared(model: type[Team | Project], key: Any) -> ColumnElement[bool]:
    """Return the condition that the member of the parameter `member_id` belongs to a team, or to one of a project.

    Args:
        model: which of them.
        key: its id.
    """
    belongs = exists().where(TeamMember.member_id == _MEMBER_ID)
    if model is Team:
        return belongs.where(TeamMember.team_id == key)
    return belongs.where(TeamProject.team_id == TeamMember.team_id, TeamProject.project_id == key)


def teams_shared(member: Member, teams: Collection[Team]) -> frozenset[int]:
    """Return the ids of those of some teams that a member belongs to."""
    asked = {"member_id": member.id, "teams": [team.id for team in teams]}
    return frozenset(db.session.connection().execute(_SHARED, asked).scalars())


def people_of(lateral: bool, *, later: bool, kinds: Sequence[str] = KINDS, is_narrowed: bool = False) -> CTE:
    """Select a page of the members who may read a project, with `sort_name` and `key`: each of them once.

    The page is cut within each container before anything is merged, so that three people of a million cost as much as
    all of them. Bind `project_id`, `rows`, `after_0` and `after_1` where `later`, and `level` where `is_narrowed`.

    Args:
        lateral: whether the database has lateral joins.
        later: whether the page begins after a key.
        kinds: which grants count.
        is_narrowed: whether only those who reach at least `level` are wanted, blockers of reading aside.
    """
    streams = []
    for grant in (grant for grant in GRANTS if grant.kind in kinds):
        held, holders = grant.projects.rows(), grant.members.rows()
        narrowing = [_is_readable()]
        if is_narrowed and not grant.has_own_level:
            narrowing.append(_member.role >= _LEVEL)
        inner = _cut(holders, held.container, later).join(_member, _member.id == holders.key)
        inner = inner.join(_user, _user.id == _member.user_id).where(*narrowing)
        stream = _in_each(inner, grant.members, held, lateral).where(held.key == _PROJECT_ID, held.condition)
        if is_narrowed and grant.has_own_level:
            at_level = exists().where(grant.container.id == held.container, grant.container.level >= _LEVEL)
            stream = stream.where(at_level)
        streams.append(stream)
    return _page(streams)


def projects_of(lateral: bool, *, later: bool) -> CTE:
    """Select a page of the projects some grant gives a member, with `sort_name` and `key`: each of them once.

    Bind `member_id`, `rows`, and `after_0` and `after_1` where `later`. Whether the member is blocked from all of them
    is asked with `explain`.
    """
    streams = []
    for grant in GRANTS:
        holders, held = grant.members.rows(), grant.projects.rows()
        inner = _cut(held, holders.container, later)
        stream = _in_each(inner, grant.projects, holders, lateral)
        streams.append(stream.where(holders.key == _MEMBER_ID, holders.condition))
    return _page(streams)


def reasons_on(page: CTE) -> CompoundSelect[*tuple[Any, ...]]:
    """Select the grants of the members on a page of `people_of`: `key`, `kind`, `container_id`, `name`, `level`."""
    return union_all(*(_path(grant, page.c.key, _PROJECT_ID, page) for grant in GRANTS))


def reasons_for(page: CTE) -> CompoundSelect[*tuple[Any, ...]]:
    """Select the grants that give the projects on a page of `projects_of`; columns as in `reasons_on`."""
    return union_all(*(_path(grant, _MEMBER_ID, page.c.key, page) for grant in GRANTS))


def reached_by(
    organization_id: int,
    members: Collection[int],
    projects: Collection[int] | None = None,
    *,
    one_by_one: bool = False,
    most: int,
) -> dict[tuple[int, int], int] | None:
    """Return what members may read, at which level: by member id and project id, 0 for every project.

    Nothing is returned where the grants come to more than `most` rows.

    Args:
        organization_id: where; nothing is said of any other.
        members: whose, by id.
        projects: which projects matter, by id; all where left out.
        one_by_one: whether a grant of every project is one of each of them, and levels are what a project's own
            blockers leave of them.
        most: how many rows are read.
    """
    connection = db.session.connection()
    statement = _reading(connection.dialect.name, projects is not None, one_by_one)
    listed = json.dumps if connection.dialect.name == "sqlite" else list
    asked = {"organization_id": organization_id, "members": listed([*members]), "most": most + 1}
    if projects is not None:
        asked["projects"] = listed([*projects])
    rows = connection.execute(statement, asked).all()
    if len(rows) > most:
        return None
    highest: dict[tuple[int, int], int] = {}
    for member, project, level in rows:
        if level > highest.get((member, project), 0):
            highest[member, project] = level
    return highest


@cache
def _reading(dialect: str, is_narrowed: bool, one_by_one: bool) -> CompoundSelect[*tuple[Any, ...]]:
    """Select a row for each grant of the members and the projects listed; thousands of them are one parameter."""
    streams = (_reached(grant, dialect, is_narrowed, one_by_one) for grant in GRANTS)
    return union_all(*streams).limit(bindparam("most", type_=Integer, literal_execute=True))


def _listed(dialect: str, name: str) -> Statement:
    """Select the numbers of a parameter: a text of JSON on SQLite, an array on PostgreSQL."""
    if dialect == "sqlite":
        return select(func.json_each(bindparam(name)).table_valued("value").c.value)
    return select(func.unnest(bindparam(name, type_=ARRAY(BigInteger))).column_valued())


def _reached(grant: Grant, dialect: str, is_narrowed: bool, one_by_one: bool) -> Statement:
    """Select what the grants of one kind give some members.

    A grant of every project, if there are any, is one row, where it is not one for each.
    """
    holders, held = grant.members.rows(), grant.projects.rows()
    is_everything = grant.container is Organization and not one_by_one
    project = literal(0) if is_everything else held.key
    level = _left_of(grant.level) if one_by_one else grant.level
    reached = select(_member.id, project, type_coerce(level, Integer))
    reached = reached.select_from(holders.table).join(_member, _member.id == holders.key)
    reached = reached.join(_user, _user.id == _member.user_id).join(
        grant.container, grant.container.id == holders.container
    )
    if is_everything:
        reached = reached.where(exists().where(held.container == holders.container))
    else:
        reached = reached.join(held.table, and_(held.container == holders.container, held.condition))
        if is_narrowed:
            reached = reached.where(held.key.in_(_listed(dialect, "projects")))
        if one_by_one:
            reached = reached.join(_project, _project.id == held.key)
    among = holders.key.in_(_listed(dialect, "members"))
    here = _member.organization_id == bindparam("organization_id", type_=Id)
    return reached.where(here, among, holders.condition, _is_readable())


def _left_of(level: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return what is left of a level on a project where something about it blocks the scopes of the higher ones."""
    for blocker in BLOCKERS:
        if Scope.PROJECT_READ not in blocker.scopes:
            lowest = min(LOWEST_LEVEL[scope] for scope in blocker.scopes)
            highest = literal(max(role for role in Role if role < lowest), RoleColumn())
            level = case((and_(blocker.condition, level > highest), highest), else_=level)
    return level


def is_reached(member: Any, project: Any) -> ColumnElement[bool]:
    """Return the condition that some grant gives a member a project; for lists of a few projects."""
    return or_(*(_tie(grant, member, project) for grant in GRANTS))


def may_read(member: Any, project: Any) -> ColumnElement[bool]:
    """Return the condition that a member may read a project; for lists of a few members."""
    is_free = exists().where(_member.id == member, _user.id == _member.user_id, _is_readable())
    return and_(is_free, is_reached(member, project))


def _tie(grant: Grant, member: Any, project: Any) -> Exists:
    holders, held = grant.members.rows(), grant.projects.rows()
    tied = (holders.container == held.container, holders.condition, held.condition)
    return exists().where(holders.key == member, held.key == project, *tied)


def _highest(grant: Grant) -> ColumnElement[Any]:
    """Return the highest level a grant gives the member of a decision on its project; null where none."""
    if not grant.has_own_level:
        return case((_tie(grant, _member.id, _project.id), _member.role))
    holders, held = grant.members.rows(), grant.projects.rows()
    tied = (holders.container == held.container, holders.condition, held.condition)
    highest = select(func.max(grant.container.level)).where(
        holders.key == _member.id, held.key == _project.id, grant.container.id == holders.container, *tied
    )
    return highest.correlate(_member, _project).scalar_subquery()


def _path(grant: Grant, member: Any, project: Any, page: CTE | None = None) -> Statement:
    """Select the grants of one kind between members and projects, of which one may come from a page.

    The sum lets the members lead: PostgreSQL would read all that a container of the project holds, however large.
    """
    holders, held = grant.members.rows(), grant.projects.rows()
    is_of_member = and_(holders.key == member, holders.condition)
    container = (grant.container.id.label("container_id"), grant.container.name.label("name"))
    shown = (literal(grant.kind).label("kind"), *container, grant.level.label("level"))
    if page is None:
        path: Statement = select(*shown).select_from(holders.table).where(is_of_member)
    else:
        path = select(page.c.key, *shown).select_from(page).join(holders.table, is_of_member)
    is_tied = and_(held.container == holders.container + 0, held.key == project, held.condition)
    path = path.join(held.table, is_tied).join(grant.container, grant.container.id == holders.container)
    return path.join(_member, _member.id == holders.key)


def _cut(far: Rows, container: Any, later: bool) -> Statement:
    """Select the first rows of a container, in the order of names."""
    cut: Statement = select(far.sort_name.label("sort_name"), far.key.label("key")).select_from(far.table)
    cut = cut.where(far.container == container, far.condition)
    if later:
        end = tuple_(bindparam("after_0", type_=Key), bindparam("after_1", type_=Id))
        cut = cut.where(tuple_(far.sort_name, far.key) > end)
    return cut.order_by(far.sort_name, far.key).limit(_ROWS)


def _in_each(cut: Statement, far: Side, near: Rows, lateral: bool) -> Statement:
    """Select what `cut` does, in each container on the near side: by a lateral join, or without them by keys.

    The sum hides the container's index, so that the keys lead: SQLite would read the whole container for them.
    """
    cut = cut.correlate(near.table)
    if lateral:
        first = cut.lateral()
        return select(first.c.sort_name, first.c.key).select_from(near.table).join(first, true())
    rows, keys = far.rows(), cut.with_only_columns(cut.selected_columns.key)
    found = select(rows.sort_name.label("sort_name"), rows.key.label("key")).select_from(near.table)
    found = found.join(rows.table, rows.container + 0 == near.container)
    return found.where(rows.key.in_(keys), rows.condition)


def _page(streams: Sequence[Statement]) -> CTE:
    merged = union(*streams).subquery()
    page = select(merged.c.sort_name, merged.c.key).order_by(merged.c.sort_name, merged.c.key)
    return page.limit(_ROWS).cte("page")


def _is_readable() -> ColumnElement[bool]:
    """Return the condition that nothing about a member blocks reading."""
    about_members = (b.condition for b in BLOCKERS if Scope.PROJECT_READ in b.scopes)
    return not_(or_(*about_members))


_ROWS = bindparam("rows", type_=Integer, literal_execute=True)
_LEVEL = bindparam("level", type_=RoleColumn)
_PROJECT_ID = bindparam("project_id", type_=Id)
_MEMBER_ID = bindparam("member_id", type_=Id)
_ASKED = ("user_id", "project_id", "organization_id", NOW.key)
_DECISION: Statement = (
    select(
        _member.id,
        *(blocker.condition.label(blocker.kind) for blocker in BLOCKERS),
        *(_highest(grant).label(f"{grant.kind}_level") for grant in GRANTS),
    )
    .select_from(_member)
    .join(_user, _user.id == _member.user_id)
    .join(_project, _project.organization_id == _member.organization_id)
    .where(
        _member.user_id == bindparam("user_id", type_=Id),
        _member.organization_id == bindparam("organization_id", type_=Id),
        _project.id == _PROJECT_ID,
    )
)
_PATHS = union_all(*(_path(grant, _MEMBER_ID, _PROJECT_ID) for grant in GRANTS))
_SHARES = {model: select(is_shared(model, bindparam("key", type_=Id))) for model in (Team, Project)}
_SHARED = select(TeamMember.team_id).where(
    TeamMember.member_id == _MEMBER_ID, TeamMember.team_id.in_(bindparam("teams", expanding=True))
)
