"""Which claims fill which access groups. Every caller holds the organization's lock.

A group with a mapping holds exactly those of whom the provider has said what one of its mappings asks for, for as long
as its word counts (`lapses`).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, and_, bindparam, delete, func, insert, select, tuple_

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.decide import require, require_fresh
from webapp.access.roles import Scope
from webapp.access.single_sign_on import is_connection_of, is_recent
from webapp.db import Id, db
from webapp.errors import NotFound
from webapp.models import (
    SINGLE_SIGN_ON,
    AccessGroup,
    GroupMember,
    Identity,
    IdentityProvider,
    Member,
    Organization,
    SsoMapping,
    SsoMappingMember,
)
from webapp.services import access_groups, audit, group_members, offers
from webapp.services.access_groups import contents_of
from webapp.services.audit import Event
from webapp.services.memberships import MOST_CHANGED
from webapp.services.sso import connections, errands
from webapp.services.sso.errands import Owed
from webapp.services.sso.errors import AlreadyMapped, MappingEnds, NoGroupToMap, TooManyMappings

MOST_MAPPINGS = 500
GROUPS = "groups"
"""The one claim of which what the provider last said is kept."""

Texts = Mapping[str, Collection[str]]
"""What a provider says of somebody, by the name of the claim; of what is not there it did not speak."""


@dataclass(frozen=True)
class ClaimMapping:
    """Whoever's claim is this value, or holds it, shall be in this access group."""

    claim: str
    value: str
    group_id: int


def add(actor: Actor, organization: Organization, mapping: ClaimMapping) -> SsoMapping:
    """Add a mapping. Its access group is managed from now on.

    Whoever was put in it by hand leaves, unless the provider has said of them already what the mapping asks for; the
    worker sees to it where they are many (`is_large`). Nobody comes in before they sign in. Invitations that offered it
    say that they do not any more.

    Raises:
        NotFound, Forbidden: the actor may not, or no connection is in use.
        SignInAgain: they have not just signed in.
        NoGroupToMap: there is no such group, or something else fills it.
        AlreadyMapped: there is this very mapping.
        MappingEnds: there was, and the worker is letting people leave by it.
        TooManyMappings: there are 500.
    """
    require(actor, Scope.SSO_ADMIN, organization)
    require_fresh(actor)
    connections.require_active(organization)
    group = _group_to_map(organization, mapping)
    if not group.is_managed:
        offers.take_out_group(group)
    made = SsoMapping(organization_id=organization.id, group_id=group.id, claim=mapping.claim, value=mapping.value)
    db.session.add(made)
    db.session.flush()
    _record(actor, Event.SSO_MAPPED, organization, group, after={"claim": mapping.claim, "value": mapping.value})
    if is_large(group):
        access_groups.manage(actor, organization, group, SINGLE_SIGN_ON)
        errands.owe(organization, Owed.GROUP_IS_REFILLED, group_id=group.id)
    else:
        _hold(made, _vouched_for(organization, mapping, group))
        _refill(actor, organization, group)
    return made


def remove(actor: Actor, organization: Organization, mapping: SsoMapping) -> None:
    """Remove a mapping. Whoever is in the group by no other leaves; without any, people may change the group again.

    Where they are many (`is_large`), the mapping fills nothing from now on, and the worker lets them leave.

    Raises:
        NotFound, Forbidden: the actor may not, or it is ending already.
        SignInAgain: they have not just signed in.
    """
    require(actor, Scope.SSO_ADMIN, organization)
    require_fresh(actor)
    if mapping.organization_id != organization.id or mapping.is_ending:
        raise NotFound
    group = db.session.get_one(AccessGroup, mapping.group_id)
    before = {"claim": mapping.claim, "value": mapping.value}
    _record(actor, Event.SSO_UNMAPPED, organization, group, before=before)
    if is_large(group):
        mapping.is_ending = True
        errands.owe(organization, Owed.GROUP_IS_REFILLED, group_id=group.id, mapping_id=mapping.id)
    else:
        db.session.execute(delete(SsoMapping).where(SsoMapping.id == mapping.id))
        _refill(actor, organization, group)


def is_large(group: AccessGroup) -> bool:
    """Tell whether more people are in a group than one change may concern: the worker refills it in batches."""
    inside = select(GroupMember.member_id).where(GroupMember.group_id == group.id).offset(MOST_CHANGED).limit(1)
    return db.session.scalar(inside) is not None


def sync(
    organization: Organization, provider: IdentityProvider, member: Member, texts: Texts, *, is_first: bool = False
) -> None:
    """Let an active member be in just the groups that their provider's word gives them.

    What the provider does not speak of stays as it is; but at its first word of somebody, what an earlier provider
    said of them counts no more.

    Args:
        organization: whose mappings.
        provider: its connection in use, whose word it is.
        member: of whom.
        texts: what it says now.
        is_first: whether it said nothing of them before.
    """
    mappings = db.session.execute(_MAPPINGS, {"organization_id": organization.id, "member_id": member.id}).all()
    if not mappings:
        return
    provider.last_sync_at = clock.now()
    heard = {row.id: row.value in texts.get(row.claim, ()) for row in mappings if is_first or row.claim in texts}
    changed = {row.id: heard[row.id] for row in mappings if row.id in heard and heard[row.id] is not bool(row.held)}
    _note(organization, member, changed)
    given = {row.group_id for row in mappings if heard.get(row.id, row.held)}
    actor = Actor.connection(connections.host_of(provider))
    _let_be_in(actor, organization, member, given, {row.group_id for row in mappings if row.id in changed})


def forget(actor: Actor, organization: Organization, member: Member) -> None:
    """Let a member leave all groups that mappings fill, as nobody vouches for them any more."""
    held = select(SsoMappingMember.mapping_id).where(SsoMappingMember.member_id == member.id)
    groups = set(db.session.scalars(select(SsoMapping.group_id).where(SsoMapping.id.in_(held))))
    db.session.execute(delete(SsoMappingMember).where(SsoMappingMember.member_id == member.id))
    _let_be_in(actor, organization, member, set(), groups)


def kept_groups(organization: Organization, members: Collection[int] | Select[int]) -> Mapping[int, Collection[str]]:
    """Return what the connection in use last said of members' groups, not too long ago to count.

    Args:
        organization: whose members.
        members: their ids, or what selects them.
    """
    kept = (
        select(Member.id, Identity.claims)
        .join(Identity, Identity.user_id == Member.user_id)
        .join(IdentityProvider, IdentityProvider.id == Identity.provider_id)
        .where(Member.id.in_(members), is_connection_of(IdentityProvider, organization.id))
        .where(Identity.invalid_since.is_(None), is_recent(Identity.last_verified_at, IdentityProvider))
    )
    return {number: claims.get(GROUPS) or () for number, claims in db.session.execute(kept)}


def forget_some(actor: Actor, organization: Organization, held: Collection[tuple[int, int]]) -> None:
    """Let mappings hold for members no more, who leave the groups that no other of their mappings fills for them.

    Args:
        actor: who lets them.
        organization: whose mappings.
        held: the ids of mappings, each with that of a member.
    """
    if not held:
        return
    members = {member_id for _mapping_id, member_id in held}
    there = (
        select(SsoMapping.group_id, SsoMappingMember.member_id)
        .join(SsoMapping, SsoMapping.id == SsoMappingMember.mapping_id)
        .where(SsoMappingMember.member_id.in_(members))
    )
    pair = tuple_(SsoMappingMember.mapping_id, SsoMappingMember.member_id)
    concerned = {(row.group_id, row.member_id) for row in db.session.execute(there.where(pair.in_(held)))}
    db.session.execute(delete(SsoMappingMember).where(pair.in_(held)))
    concerned -= {(row.group_id, row.member_id) for row in db.session.execute(there)}
    inside = (
        select(AccessGroup, Member)
        .join(GroupMember, GroupMember.group_id == AccessGroup.id)
        .join(Member, Member.id == GroupMember.member_id)
        .where(tuple_(GroupMember.group_id, GroupMember.member_id).in_(concerned))
        .order_by(Member.id, AccessGroup.id)
    )
    group_members.take_out(actor, organization, [(group, member) for group, member in db.session.execute(inside)])


_MAPPINGS = (
    select(
        SsoMapping.id,
        SsoMapping.claim,
        SsoMapping.value,
        SsoMapping.group_id,
        SsoMappingMember.member_id.is_not(None).label("held"),
    )
    .outerjoin(
        SsoMappingMember,
        and_(
            SsoMappingMember.mapping_id == SsoMapping.id,
            SsoMappingMember.member_id == bindparam("member_id", type_=Id),
        ),
    )
    .where(SsoMapping.organization_id == bindparam("organization_id"), SsoMapping.is_ending.is_(False))
    .order_by(SsoMapping.id)
)


def _group_to_map(organization: Organization, mapping: ClaimMapping) -> AccessGroup:
    of_organization = select(AccessGroup).where(AccessGroup.organization_id == organization.id)
    group = db.session.scalar(of_organization.where(AccessGroup.id == mapping.group_id))
    if group is None or group.source not in (None, SINGLE_SIGN_ON):
        raise NoGroupToMap
    same = select(SsoMapping.is_ending).where(SsoMapping.group_id == group.id, SsoMapping.claim == mapping.claim)
    is_ending = db.session.scalar(same.where(SsoMapping.value == mapping.value))
    if is_ending is not None:
        raise MappingEnds if is_ending else AlreadyMapped
    existing = select(func.count()).select_from(SsoMapping).where(SsoMapping.organization_id == organization.id)
    if (db.session.scalar(existing) or 0) >= MOST_MAPPINGS:
        raise TooManyMappings(most=MOST_MAPPINGS)
    return group


def _vouched_for(organization: Organization, mapping: ClaimMapping, group: AccessGroup) -> list[int]:
    """Return whom of a group the provider has named."""
    if mapping.claim != GROUPS:
        return []
    inside = select(GroupMember.member_id).where(GroupMember.group_id == group.id)
    return [number for number, groups in kept_groups(organization, inside).items() if mapping.value in groups]


def _hold(mapping: SsoMapping, members: Iterable[int]) -> None:
    of_mapping = {"organization_id": mapping.organization_id, "mapping_id": mapping.id}
    rows = [{**of_mapping, "member_id": number} for number in members]
    if rows:
        db.session.execute(insert(SsoMappingMember), rows)


def _note(organization: Organization, member: Member, changed: Mapping[int, bool]) -> None:
    """Keep for which mappings it is now true, or not any more, that they hold for a member."""
    gone = [number for number, holds in changed.items() if not holds]
    of_member = SsoMappingMember.member_id == member.id
    if gone:
        db.session.execute(delete(SsoMappingMember).where(of_member, SsoMappingMember.mapping_id.in_(gone)))
    rows = [
        {"organization_id": organization.id, "mapping_id": number, "member_id": member.id}
        for number, holds in changed.items()
        if holds
    ]
    if rows:
        db.session.execute(insert(SsoMappingMember), rows)


def _let_be_in(
    actor: Actor, organization: Organization, member: Member, given: Collection[int], concerned: Collection[int]
) -> None:
    """Let a member be in those of the groups concerned that are given to them, and leave the others."""
    if not concerned:
        return
    theirs = and_(GroupMember.group_id == AccessGroup.id, GroupMember.member_id == member.id)
    groups = select(AccessGroup, GroupMember.member_id.is_not(None)).outerjoin(GroupMember, theirs)
    found = db.session.execute(groups.where(AccessGroup.id.in_(concerned)).order_by(AccessGroup.id)).all()
    come_in = [(group, member) for group, is_in in found if group.id in given and not is_in]
    group_members.put_in(actor, organization, come_in)
    group_members.take_out(
        actor, organization, [(group, member) for group, is_in in found if is_in and group.id not in given]
    )


def _refill(actor: Actor, organization: Organization, group: AccessGroup) -> None:
    """Let a group hold whom its mappings give, and be managed if it has any."""
    mappings = select(SsoMapping.id).where(SsoMapping.group_id == group.id)
    is_mapped = db.session.scalar(mappings.limit(1)) is not None
    in_force = mappings.where(SsoMapping.is_ending.is_(False))
    held = select(SsoMappingMember.member_id).where(SsoMappingMember.mapping_id.in_(in_force))
    wanted = replace(contents_of(group), members=frozenset(db.session.scalars(held)))
    access_groups.hand_over(actor, organization, group, wanted, SINGLE_SIGN_ON if is_mapped else None)


def _record(actor: Actor, event: Event, organization: Organization, group: AccessGroup, **said: dict[str, Any]) -> None:
    audit.record(actor, event, access_groups.target_of(group), organization=organization, **said)
