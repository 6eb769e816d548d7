"""Rows of invitations: what every verb on them shares."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, Select, delete, insert, select, text, update

from webapp import clock
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import InvitationNotOpen
from webapp.models import EmailAddress, Invitation, InvitationStatus, InvitationWord, Member, Organization
from webapp.models.invitation import OPEN
from webapp.services import audit
from webapp.services.audit import Change, Event, Target
from webapp.services.words import words_of


def target_of(invitation: Invitation) -> Target:
    """Return an invitation as the audit log names it."""
    return Target("invitation", invitation.id, invitation.email)


def described(invitation: Invitation) -> dict[str, Any]:
    """Return what the audit log keeps of an invitation."""
    return {
        "email": invitation.email,
        "role": invitation.role.label,
        "status": invitation.status.value,
        "expires_at": invitation.expires_at.isoformat(),
    }


def index_words(invitations: Sequence[Invitation]) -> None:
    """Keep the words by which invitations are found."""
    rows = [
        {"organization_id": invitation.organization_id, "invitation_id": invitation.id, "word": word}
        for invitation in invitations
        for word in words_of(invitation.email)
    ]
    if rows:
        db.session.execute(insert(InvitationWord), rows)


def forget_words(numbers: Sequence[int]) -> None:
    """Let no search find the invitations with these ids any more."""
    db.session.execute(delete(InvitationWord).where(InvitationWord.invitation_id.in_(numbers)))


def close(invitation: Invitation, status: InvitationStatus) -> Change:
    """Close an open invitation by one conditional update, whose row count is the verdict; return what changed.

    Only a declined one stays on the Pending tab, and so among what a search finds.

    Raises:
        InvitationNotOpen: it was answered or revoked before.
    """
    return close_all([invitation], InvitationStatus.PENDING, status)[0]


def close_request(request: Invitation, status: InvitationStatus) -> Change:
    """Close a request in the same way.

    Raises:
        InvitationNotOpen: it was answered before.
    """
    return close_all([request], InvitationStatus.REQUESTED, status)[0]


def close_declined(actor: Actor, organization: Organization, canonicals: Sequence[str] | Select[str]) -> None:
    """Close the declined invitations to addresses that are invited anew or have joined: nobody waits for them.

    Args:
        actor: who made them superfluous.
        organization: whose invitations; the caller holds its lock.
        canonicals: the canonical forms of the addresses, or what selects them.
    """
    declined = db.session.scalars(
        select(Invitation).where(
            Invitation.organization_id == organization.id,
            Invitation.status == InvitationStatus.DECLINED,
            Invitation.canonical.in_(canonicals),
        )
    ).all()
    if declined:
        changes = close_all(declined, InvitationStatus.DECLINED, InvitationStatus.REVOKED)
        audit.record_all(actor, Event.INVITATION_SUPERSEDED, changes, organization=organization)


def close_offers(actor: Actor, organization: Organization, canonicals: Sequence[str]) -> None:
    """Close the open and the declined invitations to the addresses of somebody who is a member: they need none.

    None of them may be kept for the day on which the membership is taken away. Arguments as for `close_declined`.
    """
    open_ones = select(Invitation).where(
        Invitation.organization_id == organization.id,
        Invitation.canonical.in_(canonicals),
        text(OPEN),
        Invitation.status == InvitationStatus.PENDING,
    )
    if found := db.session.scalars(open_ones).all():
        changes = close_all(found, InvitationStatus.PENDING, InvitationStatus.REVOKED)
        audit.record_all(actor, Event.INVITATION_SUPERSEDED, changes, organization=organization)
    close_declined(actor, organization, canonicals)


def close_all(invitations: Sequence[Invitation], before: InvitationStatus, after: InvitationStatus) -> list[Change]:
    """Close invitations that all stand alike, in as many statements as one takes; return what changed of each.

    Raises:
        InvitationNotOpen: one of them did not stand so any more; the caller's transaction must not go on.
    """
    change_all(invitations, [before], status=after, closed_at=clock.now(), letter_id=None)
    if after is not InvitationStatus.DECLINED:
        forget_words([invitation.id for invitation in invitations])
    changed = {"before": {"status": before.value}, "after": {"status": after.value}}
    return [Change(target_of(invitation), **changed) for invitation in invitations]


def change_all(invitations: Sequence[Invitation], before: Collection[InvitationStatus], **values: object) -> None:
    """Give invitations these values by one conditional update, whose row count is the verdict.

    Args:
        invitations: which.
        before: where each of them must stand.
        values: what their columns are to hold.

    Raises:
        InvitationNotOpen: one of them did not stand so any more; the caller's transaction must not go on.
    """
    numbers = [invitation.id for invitation in invitations]
    still = update(Invitation).where(Invitation.id.in_(numbers), Invitation.status.in_(before))
    changed = still.values(**values).execution_options(synchronize_session="evaluate")
    if cast(CursorResult[Any], db.session.execute(changed)).rowcount != len(numbers):
        raise InvitationNotOpen


def addresses_of_members(organization: Organization, canonicals: Iterable[str]) -> Sequence[str]:
    """Return those canonical addresses that members have proven to be theirs."""
    return db.session.scalars(
        select(EmailAddress.canonical)
        .join(Member, Member.user_id == EmailAddress.user_id)
        .where(
            Member.organization_id == organization.id,
            EmailAddress.canonical.in_(canonicals),
            EmailAddress.verified_at.is_not(None),
        )
    ).all()
