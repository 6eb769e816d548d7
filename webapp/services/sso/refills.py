"""Large access groups that claims fill, brought in step with their mappings by the worker; see `errands`.

First everybody in the group is looked at once, in the order of their ids: whoever no mapping holds leaves. Then a
mapping that ends is forgotten. Who signs in meanwhile comes and goes by the mappings in force.
"""

from collections.abc import Collection, Sequence
from itertools import product

from sqlalchemy import Select, delete, exists, insert, select

from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import (
    SINGLE_SIGN_ON,
    AccessGroup,
    GroupMember,
    Member,
    Organization,
    SsoErrand,
    SsoMapping,
    SsoMappingMember,
)
from webapp.services import access_groups, group_members
from webapp.services.sso.errands import BATCH
from webapp.services.sso.mappings import GROUPS, kept_groups


def refill(organization: Organization, errand: SsoErrand) -> bool:
    """Let the next people in a group stay only if a mapping holds them, or end one; tell whether there is more."""
    group = db.session.get(AccessGroup, errand.data["group_id"])
    if group is None or group.source != SINGLE_SIGN_ON:
        return False
    if batch := _next_inside(group, errand.after):
        _hold_those_named(organization, group, [member.id for member in batch])
        held = _held(group, [member.id for member in batch])
        gone = [(group, member) for member in batch if member.id not in held]
        group_members.take_out(Actor.system(), organization, gone)
        errand.after = batch[-1].id
        return True
    ending = db.session.get(SsoMapping, errand.data.get("mapping_id", 0))
    if ending is None:
        return False
    if _forget_some(ending) == BATCH:
        return True
    _end(organization, group, ending)
    return False


def _next_inside(group: AccessGroup, after: int) -> Sequence[Member]:
    inside = select(GroupMember.member_id).where(GroupMember.group_id == group.id, GroupMember.member_id > after)
    page = inside.order_by(GroupMember.member_id).limit(BATCH).subquery()
    return db.session.scalars(select(Member).join(page, page.c.member_id == Member.id).order_by(Member.id)).all()


def _hold_those_named(organization: Organization, group: AccessGroup, members: Collection[int]) -> None:
    """Hold by the mappings in force those of whom the provider said so at their last sign-in; it keeps groups only."""
    wanted = _in_force(group).add_columns(SsoMapping.value).where(SsoMapping.claim == GROUPS)
    pairs = product(db.session.execute(wanted).all(), kept_groups(organization, members).items())
    named = {(mapping.id, member) for mapping, (member, groups) in pairs if mapping.value in groups}
    there = select(SsoMappingMember.mapping_id, SsoMappingMember.member_id).where(
        SsoMappingMember.member_id.in_(members)
    )
    new = sorted(named - {(mapping, member) for mapping, member in db.session.execute(there)})
    if new:
        of = {"organization_id": organization.id}
        rows = [{**of, "mapping_id": mapping, "member_id": member} for mapping, member in new]
        db.session.execute(insert(SsoMappingMember), rows)


def _held(group: AccessGroup, members: Collection[int]) -> set[int]:
    held = select(SsoMappingMember.member_id).where(SsoMappingMember.mapping_id.in_(_in_force(group)))
    return set(db.session.scalars(held.where(SsoMappingMember.member_id.in_(members))))


def _in_force(group: AccessGroup) -> Select[int]:
    return select(SsoMapping.id).where(SsoMapping.group_id == group.id, SsoMapping.is_ending.is_(False))


def _forget_some(ending: SsoMapping) -> int:
    """Forget some of those for whom a mapping held; return how many."""
    held = select(SsoMappingMember.member_id).where(SsoMappingMember.mapping_id == ending.id).limit(BATCH)
    members = db.session.scalars(held).all()
    of_mapping = SsoMappingMember.mapping_id == ending.id
    db.session.execute(delete(SsoMappingMember).where(of_mapping, SsoMappingMember.member_id.in_(members)))
    return len(members)


def _end(organization: Organization, group: AccessGroup, ending: SsoMapping) -> None:
    """Remove a mapping that holds nobody any more; without any other people may change the group again."""
    db.session.delete(ending)
    db.session.flush()
    if not db.session.scalar(select(exists().where(SsoMapping.group_id == group.id))):
        access_groups.manage(Actor.system(), organization, group, None)
