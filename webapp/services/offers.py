"""What an invitation offers beside a role: global access or not, teams and access groups."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, delete, insert, select

from webapp.db import db
from webapp.models import (
    AccessGroup,
    Invitation,
    InvitationGroup,
    InvitationStatus,
    InvitationTeam,
    Team,
)
from webapp.services.memberships import Terms

WAITING = (InvitationStatus.REQUESTED, InvitationStatus.PENDING, InvitationStatus.DECLINED)


def attach(invitations: Sequence[Invitation], terms: Terms) -> None:
    """Let invitations offer teams and access groups, which are of the organization of all of them."""
    for model, name, numbers in (
        (InvitationTeam, "team_id", terms.teams),
        (InvitationGroup, "group_id", terms.groups),
    ):
        rows = [
            {"organization_id": offer.organization_id, "invitation_id": offer.id, name: number}
            for offer in invitations
            for number in numbers
        ]
        if rows:
            db.session.execute(insert(model), rows)


def exchange(invitation: Invitation, terms: Terms) -> None:
    """Let an invitation offer these teams and access groups, and no others."""
    for model in (InvitationTeam, InvitationGroup):
        db.session.execute(delete(model).where(model.invitation_id == invitation.id))
    attach([invitation], terms)


def terms_of(invitation: Invitation) -> Terms:
    """Return what an invitation offers that still exists."""
    return terms_of_all([invitation])[invitation.id]


def terms_of_all(invitations: Sequence[Invitation]) -> dict[int, Terms]:
    """Return what invitations offer that still exists, by the id of each."""
    numbers = [invitation.id for invitation in invitations]
    teams = _ids_by_invitation(InvitationTeam, InvitationTeam.team_id, numbers)
    groups = _ids_by_invitation(InvitationGroup, InvitationGroup.group_id, numbers)
    return {
        one.id: Terms(one.role, one.has_global_access, teams.get(one.id, []), groups.get(one.id, []))
        for one in invitations
    }


def _ids_by_invitation(model: Any, thing: Any, numbers: Sequence[int]) -> dict[int, list[int]]:
    found = defaultdict[int, list[int]](list)
    offered = select(model.invitation_id, thing).where(model.invitation_id.in_(numbers)).order_by(thing)
    for invitation, number in db.session.execute(offered):
        found[invitation].append(number)
    return found


def described(terms: Terms) -> dict[str, Any]:
    """Return what the audit log keeps of an offer beside the role: only what is not as with every invitation."""
    usual, present = Terms(terms.role).described(), terms.described()
    return {name: value for name, value in present.items() if value != usual[name]}


def leave_out(invitation: Invitation, names: Sequence[str]) -> None:
    """Let an invitation say that it no longer offers what is called so."""
    if names:
        invitation.left_out = [*(invitation.left_out or []), *names]


def leave_out_team(team: Team) -> None:
    """Let the waiting invitations that offer a team say that it is gone; the team is about to be removed."""
    offering = select(InvitationTeam.invitation_id).where(InvitationTeam.team_id == team.id)
    _leave_out(offering, team.name)


def leave_out_group(group: AccessGroup) -> None:
    """Let the waiting invitations that offer an access group say that it is gone; it is about to be removed."""
    offering = select(InvitationGroup.invitation_id).where(InvitationGroup.group_id == group.id)
    _leave_out(offering, group.name)


def take_out_group(group: AccessGroup) -> None:
    """Let no invitation offer an access group any more, which people fill no more; those that wait say so."""
    leave_out_group(group)
    db.session.execute(delete(InvitationGroup).where(InvitationGroup.group_id == group.id))


def _leave_out(offering: Select[int], name: str) -> None:
    of_them = (Invitation.id.in_(offering), Invitation.status.in_(WAITING))
    for invitation in db.session.scalars(select(Invitation).where(*of_them)).all():
        leave_out(invitation, [name])
    db.session.flush()
