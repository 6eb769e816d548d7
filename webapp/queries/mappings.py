"""Which claims fill which access groups, and which groups can be filled so."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, or_, select

from webapp.db import Id, db
from webapp.errors import NotFound
from webapp.models import SINGLE_SIGN_ON, AccessGroup, Organization, SsoMapping, Team
from webapp.queries.choices import MOST_CHOICES


class MappingRow(NamedTuple):
    """A mapping, with the access group that it fills."""

    id: int
    claim: str
    value: str
    group_id: int
    group: str
    team: str
    team_slug: str


_MAPPINGS = (
    select(
        SsoMapping.id,
        SsoMapping.claim,
        SsoMapping.value,
        AccessGroup.id,
        AccessGroup.name,
        Team.name,
        Team.slug,
    )
    .join(AccessGroup, AccessGroup.id == SsoMapping.group_id)
    .join(Team, Team.id == AccessGroup.team_id)
    .where(SsoMapping.organization_id == bindparam("organization_id", type_=Id))
    .order_by(SsoMapping.claim, SsoMapping.value, SsoMapping.id)
)
_GROUPS = (
    select(AccessGroup.id, AccessGroup.name, Team.name)
    .join(Team, Team.id == AccessGroup.team_id)
    .where(AccessGroup.organization_id == bindparam("organization_id", type_=Id))
    .where(or_(AccessGroup.source.is_(None), AccessGroup.source == SINGLE_SIGN_ON))
    .order_by(Team.sort_name, Team.id, AccessGroup.name_key)
    .limit(MOST_CHOICES)
)


def mappings_of(organization: Organization) -> Sequence[MappingRow]:
    """Return the mappings of an organization, by claim and value; there are 500 at most."""
    return [MappingRow._make(row) for row in db.session.execute(_MAPPINGS, {"organization_id": organization.id})]


def groups_to_map(organization: Organization) -> list[tuple[int, str]]:
    """Return the access groups that a claim may fill, with id and name, by team; at most MOST_CHOICES."""
    found = db.session.execute(_GROUPS, {"organization_id": organization.id})
    return [(number, f"{team} · {name}") for number, name, team in found]


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
