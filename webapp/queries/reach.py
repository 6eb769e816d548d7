"""Who may open a project, and which projects a member may open: a page at a time, each row with its reasons."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby
from typing import Any, TypeVar

from sqlalchemy import CTE, Integer, Row, Select, and_, bindparam, select, tuple_

from webapp.access import grants
from webapp.access.grants import Path
from webapp.db import Id, Key, db
from webapp.models import EmailAddress, Member, MemberWord, Project, Role, User
from webapp.queries.page import PAGE_ROWS, Keys, Page, decode, encode
from webapp.queries.words import matching, parameters_of, searched_words

Statement = Select[*tuple[Any, ...]]
Rows = Sequence[Row[*tuple[Any, ...]]]
T = TypeVar("T")


@dataclass(frozen=True)
class ProjectReader:
    """Somebody who may open a project."""

    id: int
    user_id: int
    name: str
    email: str
    role: Role
    paths: tuple[Path, ...]

    @property
    def level(self) -> Role:
        """The level they reach."""
        return max(path.level for path in self.paths)


@dataclass(frozen=True)
class ReachedProject:
    """A project that somebody may open."""

    id: int
    name: str
    slug: str
    archived_at: datetime | None
    paths: tuple[Path, ...]

    @property
    def level(self) -> Role:
        """The level at which they reach it."""
        return max(path.level for path in self.paths)


@dataclass(frozen=True)
class WantedPeople:
    """Which people of a project a list shows: those some grant of a kind gives access, to at least a level."""

    kinds: tuple[str, ...] = grants.KINDS
    level: Role | None = None


def people_of(
    project: Project,
    which: WantedPeople = WantedPeople(),
    *,
    after: str = "",
    rows: int = PAGE_ROWS,
) -> Page[ProjectReader]:
    """Return a page of everybody who may read a project, by name.

    Raises:
        NotFound: the cursor is not one of ours.
    """
    statements = _people(db.engine.dialect.name, which.kinds, which.level is not None)
    parameters = {"project_id": project.id} | ({} if which.level is None else {"level": which.level})
    return _read(statements, parameters, [Member.sort_name, Member.id], after, rows, ProjectReader)


def people_found(project: Project, q: str, *, after: str = "", rows: int = PAGE_ROWS) -> Page[ProjectReader]:
    """Return a page of those who may read a project and whose name or address a search finds, by what it found.

    Raises:
        NotFound: the cursor is not one of ours.
    """
    words = searched_words(q, MemberWord, project.organization_id)
    if not words:
        return people_of(project, after=after, rows=rows)
    parameters = {**parameters_of(words, project.organization_id), "project_id": project.id}
    return _read(_found(len(words)), parameters, [MemberWord.word, MemberWord.member_id], after, rows, ProjectReader)


def projects_of(member: Member, *, after: str = "", rows: int = PAGE_ROWS) -> Page[ReachedProject]:
    """Return a page of the projects that the grants of a member give, by name, whether or not something blocks them.

    Raises:
        NotFound: the cursor is not one of ours.
    """
    statements = _projects(db.engine.dialect.name)
    return _read(statements, {"member_id": member.id}, [Project.sort_name, Project.id], after, rows, ReachedProject)


@cache
def _people(dialect: str, kinds: tuple[str, ...], is_narrowed: bool) -> tuple[Statement, Statement]:
    def statement(*, later: bool) -> Statement:
        return _shown(grants.people_of(dialect == "postgresql", later=later, kinds=kinds, is_narrowed=is_narrowed))

    return statement(later=False), statement(later=True)


@cache
def _found(words: int) -> tuple[Statement, Statement]:
    def statement(*, later: bool) -> Statement:
        named = matching(MemberWord, MemberWord.member_id, words).add_columns(
            MemberWord.word.label("sort_name"), MemberWord.member_id.label("key")
        )
        named = named.where(grants.may_read(MemberWord.member_id, bindparam("project_id", type_=Id)))
        if later:
            end = tuple_(bindparam("after_0", type_=Key), bindparam("after_1", type_=Id))
            named = named.where(tuple_(MemberWord.word, MemberWord.member_id) > end)
        ordered = named.order_by(MemberWord.word, MemberWord.member_id)
        return _shown(ordered.limit(bindparam("rows", type_=Integer, literal_execute=True)).cte("page"))

    return statement(later=False), statement(later=True)


def _shown(page: CTE) -> Statement:
    shown = (Member.id, Member.user_id, User.name, EmailAddress.address, Member.role)
    found = _with_reasons(shown, page, grants.reasons_on(page)).join(Member, Member.id == page.c.key)
    is_primary = and_(EmailAddress.user_id == User.id, EmailAddress.is_primary)
    return found.join(User, User.id == Member.user_id).outerjoin(EmailAddress, is_primary)


@cache
def _projects(dialect: str) -> tuple[Statement, Statement]:
    def statement(*, later: bool) -> Statement:
        page = grants.projects_of(dialect == "postgresql", later=later)
        shown = (Project.id, Project.name, Project.slug, Project.archived_at)
        return _with_reasons(shown, page, grants.reasons_for(page)).join(Project, Project.id == page.c.key)

    return statement(later=False), statement(later=True)


def _with_reasons(shown: Sequence[Any], page: CTE, reasons: Any) -> Statement:
    why = reasons.subquery()
    columns = (why.c.kind, why.c.container_id, why.c.name, why.c.level, page.c.sort_name, page.c.key)
    found = select(*shown, *(column.label(f"why_{number}") for number, column in enumerate(columns)))
    found = found.select_from(page).join(why, why.c.key == page.c.key)
    return found.order_by(page.c.sort_name, page.c.key, why.c.level.desc(), why.c.kind, why.c.container_id)


def _read(
    statements: tuple[Statement, Statement],
    parameters: Mapping[str, Any],
    keys: Keys,
    after: str,
    rows: int,
    made: Callable[..., T],
) -> Page[T]:
    first, later = statements
    values = {**parameters, "rows": rows + 1}
    if after:
        values |= {f"after_{number}": value for number, value in enumerate(decode(after, keys))}
    found = db.session.connection().execute(later if after else first, values).all()
    groups = [list(group) for _key, group in groupby(found, key=lambda row: row[-1])]
    cursor = encode(groups[rows - 1][0][-2:]) if len(groups) > rows else None
    return Page([_made(made, group) for group in groups[:rows]], cursor, not after)


def _made(made: Callable[..., T], group: list[Row[*tuple[Any, ...]]]) -> T:
    """Make one row of a list of the rows that differ in their reason only."""
    return made(*group[0][:-6], tuple(Path(*row[-6:-2]) for row in group))
