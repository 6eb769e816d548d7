"""Invitations that open to what a provider says: the one that waits for an address, or the one somebody came by."""

from dataclasses import dataclass

from sqlalchemy import Select, select

from webapp import clock
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import InvitationNotOpen, NotFound
from webapp.models import Invitation, InvitationStatus, Member, Organization, User
from webapp.services import invitation_links, invitations
from webapp.services.addresses import Address
from webapp.services.invitation_links import Link
from webapp.services.sso.errors import InvitedIsAnother


@dataclass(frozen=True)
class Offer:
    """An open invitation, and who copied the link that somebody came by, where it was copied."""

    invitation: Invitation
    copied_by_id: int | None = None

    def accept(self, actor: Actor, organization: Organization, user: User) -> Member:
        """Make a user a member by it.

        Raises:
            InvitationNotOpen: who stands behind it may no longer offer it.
        """
        return invitations.accept_by_claim(actor, organization, self.invitation, user, self.copied_by_id)


def offer_for(organization: Organization, address: Address | None, link: Link | None) -> Offer | None:
    """Return what lets somebody in whose provider has verified an address; the caller holds the lock.

    Whoever came by an invitation is let in by that one or not at all. Like everybody who follows a link they may have
    another address than the invited one only if the organization allows that; without a verified one, nobody may.

    Args:
        organization: whose.
        address: the verified one; None where there is none.
        link: the invitation they came by; the one that waits for the address where they came by none.

    Raises:
        InvitationNotOpen: the one they came by was answered, revoked, sent again or has expired meanwhile.
        InvitedIsAnother: it is for another address.
    """
    if link is None:
        return _waiting(organization, address) if address else None
    offer = _opened(organization, link)
    is_same = address is not None and address.canonical == offer.invitation.canonical
    if address is None or (organization.address_match_required and not is_same):
        raise InvitedIsAnother(email=offer.invitation.email)
    return offer


def _opened(organization: Organization, link: Link) -> Offer:
    try:
        token = invitation_links.find(link)
    except NotFound as error:
        raise InvitationNotOpen from error
    invitation = db.session.scalar(_of(organization).where(Invitation.id == link.invitation_id))
    if invitation is None or not invitation.is_open(clock.now()):
        raise InvitationNotOpen
    return Offer(invitation, token.copied_by_id)


def _waiting(organization: Organization, address: Address) -> Offer | None:
    found = _of(organization).where(Invitation.canonical == address.canonical)
    invitation = db.session.scalar(found.where(Invitation.status == InvitationStatus.PENDING))
    return Offer(invitation) if invitation is not None and invitation.is_open(clock.now()) else None


def _of(organization: Organization) -> Select[Invitation]:
    return select(Invitation).where(Invitation.organization_id == organization.id)
