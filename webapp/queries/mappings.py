"""Which claims fill which access groups, and which groups can be filled so."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from webapp.db import Id, db
from webapp.errors import NotFound
from webapp.models import SINGLE_SIGN_ON, AccessGroup, Organization, SsoMapping, Team
from webapp.queries.page import Statement
from webapp.queries.words import LAST_CHARACTER
from webapp.services.words import single_line, sort_key


class MappingRow(NamedTuple):
    """A mapping, with the access group that it fills."""

    id: int
    claim: str
    value: str
    group_id: int
    group: str
    team: str
    team_slug: str
    is_ending: bool


class GroupChoice(NamedTuple):
    """An access group that a claim may fill; teams have groups of the same name."""

    id: int
    name: str
    team: str


class Found(NamedTuple):
    """The first groups that a search finds, and whether there are more."""

    groups: Sequence[GroupChoice]
    is_cut: bool


MOST_FOUND = 20
BETWEEN = "·"
"""Stands between the names of a team and of its group, also in a search."""

_MAPPINGS = (
    select(
        SsoMapping.id,
        SsoMapping.claim,
        SsoMapping.value,
        AccessGroup.id,
        AccessGroup.name,
        Team.name,
        Team.slug,
        SsoMapping.is_ending,
    )
    .join(AccessGroup, AccessGroup.id == SsoMapping.group_id)
    .join(Team, Team.id == AccessGroup.team_id)
    .where(SsoMapping.organization_id == bindparam("organization_id", type_=Id))
    .order_by(SsoMapping.claim, SsoMapping.value, SsoMapping.id)
)
_CHOICES = (
    select(AccessGroup.id, AccessGroup.name, Team.name)
    .join(Team, Team.id == AccessGroup.team_id)
    .where(AccessGroup.organization_id == bindparam("organization_id", type_=Id))
    .where(or_(AccessGroup.source.is_(None), AccessGroup.source == SINGLE_SIGN_ON))
)
_ONE = _CHOICES.where(AccessGroup.id == bindparam("group_id", type_=Id))


def _begins(column: InstrumentedAttribute[str], name: str) -> ColumnElement[bool]:
    start, end = bindparam(name, type_=column.type), bindparam(f"{name}_end", type_=column.type)
    return and_(column >= start, column < end)


_BY_GROUP = _CHOICES.order_by(AccessGroup.name_key, AccessGroup.id).limit(MOST_FOUND + 1)
_OF_GROUP = _BY_GROUP.where(_begins(AccessGroup.name_key, "group"))
_BY_TEAM = _CHOICES.where(Team.organization_id == bindparam("organization_id", type_=Id))
_BY_TEAM = _BY_TEAM.order_by(Team.sort_name, Team.id, AccessGroup.name_key).limit(MOST_FOUND + 1)
_OF_TEAM = _BY_TEAM.where(_begins(Team.sort_name, "team"))
_OF_BOTH = _OF_TEAM.where(_begins(AccessGroup.name_key, "group"))


def mappings_of(organization: Organization) -> Sequence[MappingRow]:
    """Return the mappings of an organization, by claim and value; there are 500 at most."""
    return [MappingRow._make(row) for row in db.session.execute(_MAPPINGS, {"organization_id": organization.id})]


def groups_to_map(organization: Organization, q: str = "") -> Found:
    """Return access groups that a claim may fill, at most 20.

    Args:
        organization: whose.
        q: the beginning of a group's name or of its team's; of both with a middle dot between them, the team's first.
            The first groups by name where nothing is searched for.
    """
    if not q.strip():
        return _cut(_read(_BY_GROUP, organization))
    team, between, group = q.partition(BETWEEN)
    if between:
        return _cut(_read(_OF_BOTH, organization, team=_key(team), group=_key(group)))
    key = _key(q)
    return _cut([*_read(_OF_GROUP, organization, group=key), *_read(_OF_TEAM, organization, team=key)])


def _key(text: str) -> str:
    """Return what names that begin with a text are sorted by; no database keeps what cannot be printed."""
    return sort_key(single_line(text))


def group_to_map(organization: Organization, number: int) -> GroupChoice | None:
    """Return an access group that a claim may fill, if it is one."""
    row = db.session.execute(_ONE, {"organization_id": organization.id, "group_id": number}).one_or_none()
    return GroupChoice._make(row) if row else None


def _read(statement: Statement, organization: Organization, **begins: str) -> list[GroupChoice]:
    ends = {f"{name}_end": start + LAST_CHARACTER for name, start in begins.items()}
    found = db.session.execute(statement, {"organization_id": organization.id, **begins, **ends})
    return [GroupChoice._make(row) for row in found]


def _cut(found: Sequence[GroupChoice]) -> Found:
    groups = list(dict.fromkeys(found))
    return Found(groups[:MOST_FOUND], len(groups) > MOST_FOUND)


def group_of(organization: Organization, number: int) -> AccessGroup:
    """Return an access group of an organization.

    Raises:
        NotFound: it has none of this id.
    """
    of_organization = select(AccessGroup).where(AccessGroup.organization_id == organization.id)
    group = db.session.scalar(of_organization.where(AccessGroup.id == number))
    if group is None:
        raise NotFound
    return group
