"""Changing many invitations at once: all that may be changed, or none. The caller holds the organization's lock."""

from collections.abc import Sequence
from enum import StrEnum

from webapp.access.actor import Actor
from webapp.db import taken_back
from webapp.errors import DomainError
from webapp.models import Invitation, Organization
from webapp.services import invitation_renewals, invitations


class InvitationAction(StrEnum):
    """What can be done with many invitations."""

    RESEND = "resend"
    REVOKE = "revoke"


def refusals(
    actor: Actor, organization: Organization, chosen: Sequence[Invitation], action: InvitationAction
) -> dict[int, DomainError]:
    """Return why some invitations are left out, by the id of each. It is for previews: nothing stays changed.

    Raises:
        LetterLimit: the others are more than the organization may send today.
        MustWrite: it must be tried, and the transaction at hand only reads.
    """
    if action is InvitationAction.REVOKE:
        return {**invitations.refusals_to_revoke(actor, organization, chosen)}
    with taken_back():
        return invitation_renewals.refusals_to_resend(actor, organization, chosen)


def apply(actor: Actor, organization: Organization, chosen: Sequence[Invitation], action: InvitationAction) -> None:
    """Send invitations again, or revoke them; whatever fails takes all of it back.

    Raises:
        DomainError: one of them cannot be sent or revoked, or they are too many for today.
    """
    deed = invitations.revoke_all if action is InvitationAction.REVOKE else invitation_renewals.resend_all
    deed(actor, organization, chosen)
