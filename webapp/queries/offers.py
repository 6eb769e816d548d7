"""What invitations offer beside the role, as lists show it: how many teams and access groups, and the name of one."""

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, func, literal, select, union_all

from webapp.db import db
from webapp.models import AccessGroup, Invitation, InvitationGroup, InvitationTeam, Team

TEAMS, GROUPS = "teams", "groups"


class Some(NamedTuple):
    """How many there are, and what one of them is called."""

    number: int = 0
    name: str = ""


class Held(NamedTuple):
    """The teams and access groups that an invitation offers."""

    teams: Some = Some()
    groups: Some = Some()


def offered_by(invitations: Collection[int]) -> dict[int, Held]:
    """Return what invitations offer that is still there, by the id of each, in one statement."""
    found = dict.fromkeys(invitations, Held())
    for kind, invitation, *some in db.session.connection().execute(_OFFERED, {"invitations": list(found)}):
        found[invitation] = found[invitation]._replace(**{kind: Some(*some)})
    return found


def left_out_of(invitation: int) -> list[str]:
    """Return what an invitation says that it does not offer any more."""
    return list(db.session.scalar(select(Invitation.left_out).where(Invitation.id == invitation)) or ())


def _some(kind: str, offer: Any, thing: Any, key: Any) -> Select[Any]:
    number = offer.invitation_id
    found = select(literal(kind), number, func.count(), func.min(thing.name)).join(thing, thing.id == key)
    return found.where(number.in_(bindparam("invitations", expanding=True))).group_by(number)


_OFFERED = union_all(
    _some(TEAMS, InvitationTeam, Team, InvitationTeam.team_id),
    _some(GROUPS, InvitationGroup, AccessGroup, InvitationGroup.group_id),
)
