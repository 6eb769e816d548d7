"""Who is in access groups, one by one: the rest of a group is neither read nor written, however many are in it."""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Table, bindparam, delete, insert, select

from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import AccessGroup, GroupMember, Member, Organization, User
from webapp.services import audit
from webapp.services.access_groups import target_of
from webapp.services.audit import Event, Move

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
    _record_all(actor, Event.GROUP_MEMBER_ADDED, organization, new)


def take_out(actor: Actor, organization: Organization, gone: Sequence[Place]) -> None:
    """Let members leave access groups they are in; the caller has decided that they shall, and has the lock."""
    if not gone:
        return
    db.session.execute(_TAKE_OUT, [{"of_group": group.id, "of_member": member.id} for group, member in gone])
    _record_all(actor, Event.GROUP_MEMBER_REMOVED, organization, gone)


def _record_all(actor: Actor, event: Event, organization: Organization, moved: Sequence[Place]) -> None:
    """Record one entry for each member and group; the member is named as before or after, by the event."""
    users = select(User.id, User.name).where(User.id.in_({member.user_id for _, member in moved}))
    names: dict[int, str] = {number: name for number, name in db.session.execute(users)}
    changes = []
    for group, member in moved:
        target, said = target_of(group), {"member_id": member.id, "member": names[member.user_id]}
        if event is Event.GROUP_MEMBER_ADDED:
            changes.append(Move(target, after=said, came=[member.id]))
        else:
            changes.append(Move(target, before=said, went=[member.id]))
    audit.record_all(actor, event, changes, organization=organization)


_GROUP_MEMBER = cast(Table, GroupMember.__table__)
_TAKE_OUT: Any = delete(_GROUP_MEMBER).where(
    _GROUP_MEMBER.c.group_id == bindparam("of_group"), _GROUP_MEMBER.c.member_id == bindparam("of_member")
)
