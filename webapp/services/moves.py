"""How the audit log keeps that members came into teams and access groups, or left them, one by one."""

from collections.abc import Sequence

from sqlalchemy import select

from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import Member, Organization, User
from webapp.services import audit
from webapp.services.audit import Event, Move, Target


def record_all(
    actor: Actor, event: Event, organization: Organization, moved: Sequence[tuple[Target, Member]], *, came: bool
) -> None:
    """Record one entry for each member and what they moved into or out of.

    Args:
        actor: who moved them.
        event: as what.
        organization: whose members.
        moved: into or out of what, and who.
        came: whether they came; the entry names them as after the change then, else as before it.
    """
    users = select(User.id, User.name).where(User.id.in_({member.user_id for _, member in moved}))
    names: dict[int, str] = {number: name for number, name in db.session.execute(users)}
    changes = []
    for target, member in moved:
        said = {"member_id": member.id, "member": names[member.user_id]}
        if came:
            changes.append(Move(target, after=said, came=[member.id]))
        else:
            changes.append(Move(target, before=said, went=[member.id]))
    audit.record_all(actor, event, changes, organization=organization)
