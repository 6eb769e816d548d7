"""Sending invitations again, and copying a link of one."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select, text

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.decide import is_role_within, refusal_for_owners, require, require_fresh_for_owners
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import (
    N_,
    DomainError,
    Forbidden,
    HasJoined,
    InvitationNotOpen,
    InvitedAnew,
    LetterLimit,
    OfferNotYours,
    OfferTooHigh,
)
from webapp.models import Invitation, InvitationStatus, Organization
from webapp.models.invitation import OPEN
from webapp.services import (
    attempts,
    audit,
    giving,
    invitation_limits,
    invitation_links,
    invitation_rows,
    invitations,
    inviters,
    offers,
)
from webapp.services.addresses import Address
from webapp.services.audit import Change, Event
from webapp.services.invitations import Offer

RESENDABLE = (InvitationStatus.PENDING, InvitationStatus.DECLINED)
SENDABLE = (InvitationStatus.REQUESTED, *RESENDABLE)

Refusals = dict[int, DomainError]


def send_anew(actor: Actor, organization: Organization, invitation: Invitation, offer: Offer) -> Change:
    """Make an existing invitation the actor's own offer from now on, and queue a letter with a new link.

    It may have been asked for, open, expired or declined. Whatever links it had are dead. Returns the change, which the
    caller records as what it was.

    Raises:
        NotFound, Forbidden, RoleTooHigh, SignInAgain, TooManyGiven, NotOfOrganization, NotYoursToGive: the actor
            may not.
        InvitationNotOpen: it was accepted or revoked.
    """
    invitations.require_may_offer(actor, organization, offer)
    before = invitations.described(invitation, offers.terms_of(invitation))
    _open_anew(actor, [invitation], offer.lifetime_days)
    invitation.role, invitation.has_global_access = offer.role, offer.has_global_access
    offers.exchange(invitation, offer.terms)
    _mail_anew(actor, organization, [invitation])
    return Change(invitation_rows.target_of(invitation), before, invitations.described(invitation, offer.terms))


def resend(actor: Actor, organization: Organization, invitation: Invitation) -> None:
    """Send an open, expired or declined invitation again; see `resend_all`."""
    resend_all(actor, organization, [invitation])


def resend_all(actor: Actor, organization: Organization, chosen: Sequence[Invitation]) -> None:
    """Send invitations again, as the actor's own offers for as long as the organization says; their old links are dead.

    Raises:
        NotFound, Forbidden: the actor may not invite.
        DomainError: one of them cannot be sent again; see `refusals_to_resend`.
        LetterLimit: they are more than the organization may send today.
    """
    require(actor, Scope.MEMBER_INVITE, organization)
    for refusal in refusals_to_resend(actor, organization, chosen).values():
        raise refusal
    terms = offers.terms_of_all(chosen)
    before = [invitations.described(invitation, terms[invitation.id]) for invitation in chosen]
    _open_anew(actor, chosen, organization.invitation_lifetime_days)
    _mail_anew(actor, organization, chosen)
    changes = [
        Change(invitation_rows.target_of(one), was, invitations.described(one, terms[one.id]))
        for one, was in zip(chosen, before, strict=True)
    ]
    audit.record_all(actor, Event.INVITATION_RESENT, changes, organization=organization)


def refusals_to_resend(actor: Actor, organization: Organization, chosen: Sequence[Invitation]) -> Refusals:
    """Return why the actor may not send some invitations again, by the id of each; count letters to all others today.

    It is OfferTooHigh or OfferNotYours for what the actor may not offer, SignInAgain for what they may once they
    have signed in again, InvitationNotOpen for what was accepted,
    revoked or only asked for, HasJoined or InvitedAnew where it is no longer needed, LetterLimit where the address has
    had its letters.

    Raises:
        LetterLimit: the others are more than the organization may send today.
    """
    refused: Refusals = {}
    for check in (_too_high, _closed, _for_owners, _not_theirs_to_give, _no_longer_needed, _over_limit_of_address):
        refused |= check(actor, organization, [invitation for invitation in chosen if invitation.id not in refused])
    _require_within_limit(actor, organization, len(chosen) - len(refused))
    return refused


def copy_link(actor: Actor, organization: Organization, invitation: Invitation) -> str:
    """Return the token of another link of an open invitation, to be shown once. The mailed link stays alive.

    It works while the actor may invite, so it needs an actor who can lose that right.

    Raises:
        NotFound, Forbidden: the actor may not invite, or not with such a role, or not all it offers, or is the system.
        InvitationNotOpen: the link would open nothing.
        SignInAgain: it offers to be an owner, and the actor has not just signed in.
        OftenEnough: they copied so many links today as one may.
    """
    require(actor, Scope.MEMBER_INVITE, organization)
    if actor.user_id is None:
        raise Forbidden
    if not is_role_within(actor, invitation.role):
        raise OfferTooHigh(
            N_("This invitation offers a role above your own, so you may not copy its link. Nothing was changed.")
        )
    if not invitation.is_open(clock.now()):
        raise InvitationNotOpen(N_("This invitation has ended, so a link would open nothing. Send it again instead."))
    if not inviters.may_still(organization, invitation):
        raise InvitationNotOpen(
            N_("Whoever invited may not invite any more, so a link would open nothing. Send it again instead.")
        )
    if giving.refused_to(actor, organization, offers.terms_of(invitation)).names:
        raise OfferNotYours(
            N_("This invitation offers more than you may give, so you may not copy its link. Nothing was changed.")
        )
    require_fresh_for_owners(actor, invitation.role)
    attempts.require_few_a_day("links", actor, organization)
    token = invitation_links.copy(invitation, actor.user_id)
    audit.record(actor, Event.INVITATION_LINK_COPIED, invitation_rows.target_of(invitation), organization=organization)
    return token


def _open_anew(actor: Actor, chosen: Sequence[Invitation], lifetime_days: int) -> None:
    now = clock.now()
    invitation_rows.change_all(
        chosen,
        SENDABLE,
        status=InvitationStatus.PENDING,
        invited_by_id=actor.user_id,
        created_at=now,
        expires_at=now + timedelta(days=lifetime_days),
        reminded_at=None,
        closed_at=None,
    )


def _mail_anew(actor: Actor, organization: Organization, chosen: Sequence[Invitation]) -> None:
    invitation_rows.forget_words([invitation.id for invitation in chosen])
    invitation_rows.index_words(chosen)
    invitation_links.kill_all(organization, chosen)
    invitation_links.mail(organization, actor.name, chosen, language=actor.language)


def _too_high(actor: Actor, _organization: Organization, chosen: Sequence[Invitation]) -> Refusals:
    above = N_("This invitation offers a role above your own, so you may not send it again. Nothing was sent.")
    return {one.id: OfferTooHigh(above) for one in chosen if not is_role_within(actor, one.role)}


def _closed(_actor: Actor, _organization: Organization, chosen: Sequence[Invitation]) -> Refusals:
    return {one.id: InvitationNotOpen() for one in chosen if one.status not in RESENDABLE}


def _for_owners(actor: Actor, _organization: Organization, chosen: Sequence[Invitation]) -> Refusals:
    reasons = {one.id: refusal_for_owners(actor, one.role) for one in chosen}
    return {number: reason for number, reason in reasons.items() if reason}


def _not_theirs_to_give(actor: Actor, _organization: Organization, chosen: Sequence[Invitation]) -> Refusals:
    more = N_("This invitation offers more than you may give, so you may not send it again. Nothing was sent.")
    each = giving.refused_of_offers(actor, chosen)
    return {one.id: OfferNotYours(more) for one, refused in zip(chosen, each, strict=True) if refused.names}


def _no_longer_needed(_actor: Actor, organization: Organization, chosen: Sequence[Invitation]) -> Refusals:
    canonicals = [invitation.canonical for invitation in chosen]
    joined = set(invitation_rows.addresses_of_members(organization, canonicals))
    waiting = select(Invitation.canonical, Invitation.id).where(
        Invitation.organization_id == organization.id, text(OPEN), Invitation.canonical.in_(canonicals)
    )
    the_open_one = {canonical: number for canonical, number in db.session.execute(waiting)}
    refused: Refusals = {}
    for one in chosen:
        if one.canonical in joined:
            refused[one.id] = HasJoined(email=one.email)
        elif the_open_one.setdefault(one.canonical, one.id) != one.id:
            refused[one.id] = InvitedAnew(email=one.email)
    return refused


def _over_limit_of_address(_actor: Actor, organization: Organization, chosen: Sequence[Invitation]) -> Refusals:
    wanted = {Address(invitation.email, invitation.canonical): invitation for invitation in chosen}
    over = [wanted[address] for address in invitation_limits.over_daily_limit(organization, list(wanted))]
    return {one.id: LetterLimit(email=one.email) for one in over}


def _require_within_limit(actor: Actor, organization: Organization, number: int) -> None:
    over = invitation_limits.count_over(actor, organization, number)
    if over and number > over:
        raise LetterLimit(
            N_(
                "These are %(given)s invitations, and of today's you and your organization have %(left)s left. Nothing "
                "was sent; choose fewer, or continue tomorrow."
            ),
            left=number - over,
            given=number,
        )
    if over:
        raise LetterLimit(
            N_("You or your organization sent all invitations of today. Nothing was sent; please continue tomorrow.")
        )
