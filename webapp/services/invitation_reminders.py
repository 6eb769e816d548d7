"""Reminding people of invitations that expire soon: once each, and only while somebody stands behind the offer."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, select

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.decide import may_still_offer
from webapp.db import db
from webapp.models import Invitation, InvitationStatus, Organization
from webapp.services import audit, invitation_links, invitation_rows, inviters, organizations
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
    for invitation in due:
        invitation.reminded_at = clock.now()  # also where no letter leaves, so that each is looked at once
    changes = [Change(invitation_rows.target_of(invitation)) for invitation in _mail(organization, due)]
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


def _mail(organization: Organization, due: Sequence[Invitation]) -> list[Invitation]:
    """Queue the letters for those that lived for longer than this before and could be accepted; return these."""
    known = inviters.memberships_of(organization, {invitation.invited_by_id for invitation in due})
    by_inviter = defaultdict[int | None, list[Invitation]](list)
    for invitation in due:
        _, member = known.get(invitation.invited_by_id, (None, None))
        may = may_still_offer(invitation.invited_by_id, member, invitation.role, organization)
        if may and invitation.expires_at - invitation.created_at > BEFORE_EXPIRY:
            by_inviter[invitation.invited_by_id].append(invitation)
    for number, theirs in by_inviter.items():
        inviter, _ = known.get(number, (None, None))
        name, language = (inviter.name, inviter.language) if inviter else (organization.name, None)
        invitation_links.mail(organization, name, theirs, kind="invitation_reminder", language=language)
    return [invitation for theirs in by_inviter.values() for invitation in theirs]
