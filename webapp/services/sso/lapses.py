"""What claims gave somebody counts as long as their provider's word does; then the worker takes it back, in steps.

The word counts while the connection is in use, the identity is valid, and the provider has vouched for it not longer
ago than the policy allows. The next sign-in brings back what it gives then.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, bindparam, exists, select

from webapp.access.actor import Actor
from webapp.access.single_sign_on import is_connection_of, vouches_for
from webapp.db import Id, db
from webapp.models import IdentityProvider, Member, SsoMappingMember
from webapp.services import organizations
from webapp.services.sso import mappings

LOOKED_AT = 1_000
TAKEN_BACK = 200
"""How many memberships of groups one transaction ends, at most."""


@dataclass(frozen=True)
class Lapsed:
    """Members whose provider's word counts no more, by organization; where there may be more, after which member."""

    members: dict[int, list[int]]
    after: int | None


def _is_vouched_for() -> ColumnElement[bool]:
    vouched_for = vouches_for(IdentityProvider, Member).correlate(IdentityProvider, Member)
    return exists().where(is_connection_of(IdentityProvider, Member.organization_id), vouched_for)


_IS_VOUCHED_FOR = _is_vouched_for()
_HELD = (
    select(SsoMappingMember.member_id)
    .where(SsoMappingMember.member_id > bindparam("after", type_=Id))
    .group_by(SsoMappingMember.member_id)
    .order_by(SsoMappingMember.member_id)
    .limit(LOOKED_AT)
    .subquery()
)
_LOOKED_AT = (
    select(Member.id, Member.organization_id, _IS_VOUCHED_FOR)
    .join(_HELD, _HELD.c.member_id == Member.id)
    .order_by(Member.id)
)
_HELD_BY = (
    select(SsoMappingMember.mapping_id, SsoMappingMember.member_id)
    .join(Member, Member.id == SsoMappingMember.member_id)
    .order_by(SsoMappingMember.member_id, SsoMappingMember.mapping_id)
    .limit(TAKEN_BACK + 1)
)


def find(after: int) -> Lapsed:
    """Look at the next members in groups that claims fill, a thousand at most.

    Args:
        after: the id of the member to go on after.
    """
    rows = db.session.execute(_LOOKED_AT, {"after": after}).all()
    members = defaultdict[int, list[int]](list)
    for number, organization_id, is_vouched_for in rows:
        if not is_vouched_for:
            members[organization_id].append(number)
    return Lapsed(dict(members), rows[-1].id if len(rows) == LOOKED_AT else None)


def take_back(organization_id: int, numbers: Sequence[int]) -> bool:
    """Let members leave the next groups that claims fill; not those who have signed in meanwhile.

    Returns:
        Whether more is left to take back from them: the next transaction goes on there, whoever takes it.

    Raises:
        NotFound: the organization is gone.
    """
    organization = organizations.lock(organization_id)
    theirs = (Member.organization_id == organization.id, Member.id.in_(numbers), ~_IS_VOUCHED_FOR)
    held = db.session.execute(_HELD_BY.where(*theirs)).all()
    mappings.forget_some(Actor.system(), organization, [(row.mapping_id, row.member_id) for row in held[:TAKEN_BACK]])
    return len(held) > TAKEN_BACK
