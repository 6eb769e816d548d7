"""Sending an invitation again, and copying a link of it."""

from sqlalchemy import select, text

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.decide import is_role_within, require
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import N_, Forbidden, InvitationNotOpen, InvitationNotSent, LetterLimit
from webapp.models import EmailAddress, Invitation, InvitationStatus, Member, Organization
from webapp.models.invitation import OPEN
from webapp.services import (
    addresses,
    audit,
    giving,
    invitation_limits,
    invitation_links,
    invitation_rows,
    invitations,
    inviters,
    offers,
)
from webapp.services.audit import Event
from webapp.services.invitations import Offer

RESENDABLE = (InvitationStatus.PENDING, InvitationStatus.DECLINED)


def resend(actor: Actor, organization: Organization, invitation: Invitation) -> None:
    """Send an open, expired or declined invitation again, as the actor's own offer; its old links are dead.

    Raises:
        NotFound, Forbidden: the actor may not invite, or not with such a role, or not all it offers.
        InvitationNotOpen: it was accepted, revoked, or only asked for.
        InvitationNotSent: the person has joined or was invited anew meanwhile.
        LetterLimit: the address or the organization had its invitations for today.
    """
    require(actor, Scope.MEMBER_INVITE, organization)
    if not is_role_within(actor, invitation.role):
        raise Forbidden(
            N_("This invitation offers a role above your own, so you may not send it again. Nothing was sent.")
        )
    if invitation.status not in RESENDABLE:
        raise InvitationNotOpen
    terms = offers.terms_of(invitation)
    if giving.refused_to(actor, organization, terms).names:
        raise Forbidden(
            N_("This invitation offers more than you may give, so you may not send it again. Nothing was sent.")
        )
    _require_still_wanted(organization, invitation)
    _require_within_limits(organization, invitation)
    offer = Offer.of(terms, organization.invitation_lifetime_days)
    change = invitations.send_anew(actor, organization, invitation, offer)
    audit.record_all(actor, Event.INVITATION_RESENT, [change], organization=organization)


def copy_link(actor: Actor, organization: Organization, invitation: Invitation) -> str:
    """Return the token of another link of an open invitation, to be shown once. The mailed link stays alive.

    It works while the actor may invite, so it needs an actor who can lose that right.

    Raises:
        NotFound, Forbidden: the actor may not invite, or not with such a role, or not all it offers, or is the system.
        InvitationNotOpen: the link would open nothing.
    """
    require(actor, Scope.MEMBER_INVITE, organization)
    if actor.user_id is None:
        raise Forbidden
    if not is_role_within(actor, invitation.role):
        raise Forbidden(
            N_("This invitation offers a role above your own, so you may not copy its link. Nothing was changed.")
        )
    if not invitation.is_open(clock.now()):
        raise InvitationNotOpen(N_("This invitation has ended, so a link would open nothing. Send it again instead."))
    if not inviters.may_still(organization, invitation):
        raise InvitationNotOpen(
            N_("Whoever invited may not invite any more, so a link would open nothing. Send it again instead.")
        )
    if giving.refused_to(actor, organization, offers.terms_of(invitation)).names:
        raise Forbidden(
            N_("This invitation offers more than you may give, so you may not copy its link. Nothing was changed.")
        )
    token = invitation_links.copy(invitation, actor.user_id)
    audit.record(actor, Event.INVITATION_LINK_COPIED, invitation_rows.target_of(invitation), organization=organization)
    return token


def _require_still_wanted(organization: Organization, invitation: Invitation) -> None:
    has_joined = db.session.scalar(
        select(Member.id)
        .join(EmailAddress, EmailAddress.user_id == Member.user_id)
        .where(
            Member.organization_id == organization.id,
            EmailAddress.canonical == invitation.canonical,
            EmailAddress.verified_at.is_not(None),
        )
    )
    if has_joined:
        raise InvitationNotSent(N_("%(email)s has joined meanwhile. Nothing was sent."), email=invitation.email)
    newer = db.session.scalar(
        select(Invitation.id).where(
            Invitation.organization_id == organization.id,
            Invitation.canonical == invitation.canonical,
            Invitation.id != invitation.id,
            text(OPEN),
        )
    )
    if newer:
        raise InvitationNotSent(
            N_("There is another open invitation or request for %(email)s. Nothing was sent."), email=invitation.email
        )


def _require_within_limits(organization: Organization, invitation: Invitation) -> None:
    if invitation_limits.over_daily_limit(organization, [addresses.parse(invitation.email)]):
        raise LetterLimit(email=invitation.email)
    if invitation_limits.is_organization_over(organization, 1):
        raise LetterLimit(
            N_("Your organization has sent its invitations for today. Nothing was sent; please continue tomorrow.")
        )
