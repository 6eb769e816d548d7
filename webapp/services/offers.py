"""What an invitation offers beside a role: global access or not, teams and access groups."""

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
    teams = select(InvitationTeam.team_id).where(InvitationTeam.invitation_id == invitation.id)
    groups = select(InvitationGroup.group_id).where(InvitationGroup.invitation_id == invitation.id)
    team_ids, group_ids = sorted(db.session.scalars(teams)), sorted(db.session.scalars(groups))
    return Terms(invitation.role, invitation.has_global_access, team_ids, group_ids)


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


def _leave_out(offering: Select[int], name: str) -> None:
    of_them = (Invitation.id.in_(offering), Invitation.status.in_(WAITING))
    for invitation in db.session.scalars(select(Invitation).where(*of_them)).all():
        leave_out(invitation, [name])
    db.session.flush()
