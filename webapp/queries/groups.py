"""The access groups somebody is in."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, select

from webapp.db import db
from webapp.models import AccessGroup, GroupMember, Member, Role, SsoMappingMember, Team

MOST_GROUPS = 50


class GroupRow(NamedTuple):
    """One line of the access groups of a member."""

    id: int
    name: str
    level: Role
    source: str | None
    team: Team


def groups_with(member: Member) -> Sequence[GroupRow]:
    """Return the access groups a member is in, by team and name: at most one more than MOST_GROUPS."""
    return [GroupRow._make(row) for row in db.session.execute(_GROUPS, {"member_id": member.id})]


def is_in_groups_of(team: Team, member: Member) -> bool:
    """Tell whether a member is in an access group of a team."""
    found = select(GroupMember.group_id).join(AccessGroup, AccessGroup.id == GroupMember.group_id)
    found = found.where(GroupMember.member_id == member.id, AccessGroup.team_id == team.id)
    return db.session.scalar(found.limit(1)) is not None


def is_in_groups_by_claims(member: Member) -> bool:
    """Tell whether what a provider says of a member lets them be in an access group."""
    held = select(SsoMappingMember.mapping_id).where(SsoMappingMember.member_id == member.id)
    return db.session.scalar(held.limit(1)) is not None


_GROUPS = (
    select(AccessGroup.id, AccessGroup.name, AccessGroup.level, AccessGroup.source, Team)
    .join(GroupMember, GroupMember.group_id == AccessGroup.id)
    .join(Team, Team.id == AccessGroup.team_id)
    .where(GroupMember.member_id == bindparam("member_id"))
    .order_by(Team.sort_name, Team.id, AccessGroup.name_key)
    .limit(MOST_GROUPS + 1)
)
