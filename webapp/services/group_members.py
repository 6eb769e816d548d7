"""Who is in access groups, one by one: the rest of a group is neither read nor written, however many are in it."""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Table, bindparam, delete, insert, select

from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import AccessGroup, GroupMember, Member, Organization
from webapp.services import moves
from webapp.services.access_groups import target_of
from webapp.services.audit import Event

Place = tuple[AccessGroup, Member]
"""An access group, and a member who is in it or shall be."""


def is_in(group: AccessGroup, member: Member) -> bool:
    """Tell whether a member is in an access group."""
    theirs = select(GroupMember.member_id).where(GroupMember.group_id == group.id, GroupMember.member_id == member.id)
    return db.session.scalar(theirs) is not None


def is_anybody_else_in(group: AccessGroup, member: Member) -> bool:
    """Tell whether anybody but a member is in an access group."""
    others = select(GroupMember.member_id).where(GroupMember.group_id == group.id, GroupMember.member_id != member.id)
    return db.session.scalar(others.limit(1)) is not None


def put_in(actor: Actor, organization: Organization, new: Sequence[Place]) -> None:
    """Let members be in access groups they are not in yet; the caller has decided that they shall, and has the lock."""
    if not new:
        return
    rows = [
        {
            "organization_id": organization.id,
            "group_id": group.id,
            "member_id": member.id,
            "sort_name": member.sort_name,
        }
        for group, member in new
    ]
    db.session.execute(insert(GroupMember), rows)
    moves.record_all(
        actor, Event.GROUP_MEMBER_ADDED, organization, [(target_of(group), member) for group, member in new], came=True
    )


def take_out(actor: Actor, organization: Organization, gone: Sequence[Place]) -> None:
    """Let members leave access groups they are in; the caller has decided that they shall, and has the lock."""
    if not gone:
        return
    db.session.execute(_TAKE_OUT, [{"of_group": group.id, "of_member": member.id} for group, member in gone])
    moves.record_all(
        actor,
        Event.GROUP_MEMBER_REMOVED,
        organization,
        [(target_of(group), member) for group, member in gone],
        came=False,
    )


_GROUP_MEMBER = cast(Table, GroupMember.__table__)
_TAKE_OUT: Any = delete(_GROUP_MEMBER).where(
    _GROUP_MEMBER.c.group_id == bindparam("of_group"), _GROUP_MEMBER.c.member_id == bindparam("of_member")
)
