"""Reminding people of invitations that expire soon: once each, and only while somebody stands behind the offer."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, select

from webapp import clock
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import Invitation, InvitationStatus, Organization, User
from webapp.services import audit, invitation_links, invitation_rows, invitations, organizations
from webapp.services.audit import Change, Event

BEFORE_EXPIRY = timedelta(days=2)
BATCH_ROWS = 100


def organizations_to_remind() -> Sequence[int]:
    """Return the ids of organizations that want reminders and have invitations about to expire."""
    return db.session.scalars(
        select(Invitation.organization_id)
        .join(Organization, Organization.id == Invitation.organization_id)
        .where(Organization.invitation_reminders, *_is_due())
        .distinct()
        .order_by(Invitation.organization_id)
    ).all()


def remind(organization_id: int, after: int) -> int | None:
    """Queue the reminders of one batch of invitations, each with another link; the links before stay alive.

    Args:
        organization_id: whose invitations.
        after: the id of the last invitation of the batch before, 0 at first.

    Returns:
        The id of the last invitation of the batch, or nothing when there are no more.
    """
    organization = organizations.lock(organization_id)
    if not organization.invitation_reminders:
        return None
    of_organization = select(Invitation).where(Invitation.organization_id == organization_id, Invitation.id > after)
    due = db.session.scalars(of_organization.where(*_is_due()).order_by(Invitation.id).limit(BATCH_ROWS)).all()
    changes = [_remind(organization, invitation) for invitation in due if _is_worth_it(organization, invitation)]
    if changes:
        audit.record_all(Actor.system(), Event.INVITATION_REMINDED, changes, organization=organization)
    return due[-1].id if len(due) == BATCH_ROWS else None


def _is_due() -> list[ColumnElement[bool]]:
    now = clock.now()
    return [
        Invitation.status == InvitationStatus.PENDING,
        Invitation.reminded_at.is_(None),
        Invitation.expires_at > now,
        Invitation.expires_at <= now + BEFORE_EXPIRY,
    ]


def _is_worth_it(organization: Organization, invitation: Invitation) -> bool:
    """Tell whether an invitation lived for longer than this before, and could be accepted."""
    is_long = invitation.expires_at - invitation.created_at > BEFORE_EXPIRY
    return is_long and invitations.may_inviter_still(organization, invitation)


def _remind(organization: Organization, invitation: Invitation) -> Change:
    invitation.reminded_at = clock.now()
    inviter = db.session.get(User, invitation.invited_by_id) if invitation.invited_by_id else None
    invitation_links.mail(
        organization,
        inviter.name if inviter else organization.name,
        [invitation],
        kind="invitation_reminder",
        language=inviter.language if inviter else None,
    )
    return Change(invitation_rows.target_of(invitation))
