"""Invitations: offering membership, and what becomes of an offer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from sqlalchemy import select

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.decide import decide, is_role_within, require, require_may_grant
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import N_, InvitationNotOpen, NotFound, OfferNotYours, OfferTooHigh, OtherAddress
from webapp.models import EmailAddress, Invitation, InvitationStatus, InvitationToken, Member, Organization, Role, User
from webapp.services import (
    accounts,
    attempts,
    audit,
    giving,
    invitation_links,
    invitation_rows,
    inviters,
    members,
    offers,
    organizations,
    verification,
)
from webapp.services.accounts import NewAccount
from webapp.services.addresses import Address
from webapp.services.attempts import MOST_REFUSALS_NOTED, Limit
from webapp.services.audit import Change, Event
from webapp.services.invitation_links import Link
from webapp.services.kept_ends import Coming
from webapp.services.memberships import Terms

MIN_LIFETIME_DAYS, MAX_LIFETIME_DAYS = 1, 30
REVOCABLE = (InvitationStatus.PENDING, InvitationStatus.DECLINED)


@dataclass(frozen=True)
class Offer:
    """What an invitation offers, and for how many days; see `Terms`."""

    role: Role
    lifetime_days: int
    has_global_access: bool = True
    teams: Sequence[int] = ()
    groups: Sequence[int] = ()

    @classmethod
    def of(cls, terms: Terms, lifetime_days: int) -> Self:
        """Return the offer of a membership on some terms."""
        return cls(terms.role, lifetime_days, terms.has_global_access, terms.teams, terms.groups)

    @property
    def terms(self) -> Terms:
        """As what somebody becomes a member who accepts."""
        return Terms(self.role, self.has_global_access, self.teams, self.groups)


def invite_all(actor: Actor, organization: Organization, wanted: Sequence[Address], offer: Offer) -> list[Invitation]:
    """Offer membership to addresses and queue the letters that say so.

    The caller has left out members and addresses with an open invitation (see `invitation_batches.invite_all`); the
    database refuses what slips by.

    Raises:
        NotFound, Forbidden, RoleTooHigh, SignInAgain, TooManyGiven, NotOfOrganization, NotYoursToGive: the actor
            may not; nothing is stored.
    """
    require_may_offer(actor, organization, offer)
    invitation_rows.close_declined(actor, organization, [address.canonical for address in wanted])
    offered = [_invitation(actor, organization, address, offer) for address in wanted]
    db.session.add_all(offered)
    db.session.flush()
    offers.attach(offered, offer.terms)
    invitation_rows.index_words(offered)
    invitation_links.mail(organization, actor.name, offered, language=actor.language)
    changes = [Change(invitation_rows.target_of(new), after=described(new, offer.terms)) for new in offered]
    audit.record_all(actor, Event.INVITATION_SENT, changes, organization=organization)
    return offered


def require_may_offer(actor: Actor, organization: Organization, offer: Offer) -> None:
    """Go on only if the actor may invite, and could give all that is offered.

    Raises:
        NotFound, Forbidden: the actor may not invite.
        RoleTooHigh, SignInAgain, TooManyGiven, NotOfOrganization, NotYoursToGive: not so; see
            `require_may_grant` and `giving.require_may_give`.
    """
    require(actor, Scope.MEMBER_INVITE, organization)
    require_may_grant(actor, offer.role)
    giving.require_may_give(actor, organization, offer.terms)


def described(invitation: Invitation, terms: Terms) -> dict[str, Any]:
    """Return what the audit log keeps of an invitation and of what it offers."""
    return {**invitation_rows.described(invitation), **offers.described(terms)}


def _invitation(actor: Actor, organization: Organization, address: Address, offer: Offer) -> Invitation:
    now = clock.now()
    return Invitation(
        organization_id=organization.id,
        email=address.typed,
        canonical=address.canonical,
        role=offer.role,
        has_global_access=offer.has_global_access,
        status=InvitationStatus.PENDING,
        invited_by_id=actor.user_id,
        created_at=now,
        expires_at=now + timedelta(days=offer.lifetime_days),
    )


def revoke(actor: Actor, organization: Organization, invitation: Invitation) -> None:
    """Take an offer back; see `revoke_all`."""
    revoke_all(actor, organization, [invitation])


def revoke_all(actor: Actor, organization: Organization, chosen: Sequence[Invitation]) -> None:
    """Take offers back; their links stop working. Those that have expired or were declined leave the Pending tab.

    Raises:
        NotFound, Forbidden: the actor may not invite.
        DomainError: one of them cannot be revoked; see `refusals_to_revoke`.
    """
    require(actor, Scope.MEMBER_INVITE, organization)
    for refusal in refusals_to_revoke(actor, organization, chosen).values():
        raise refusal
    for status in REVOCABLE:
        if alike := [invitation for invitation in chosen if invitation.status is status]:
            changes = invitation_rows.close_all(alike, status, InvitationStatus.REVOKED)
            audit.record_all(actor, Event.INVITATION_REVOKED, changes, organization=organization)


def refusals_to_revoke(
    actor: Actor, organization: Organization, chosen: Sequence[Invitation]
) -> dict[int, OfferTooHigh | OfferNotYours | InvitationNotOpen]:
    """Return why the actor may not revoke some invitations, by the id of each.

    It is OfferTooHigh for a role above the actor's, OfferNotYours for what others sent and the actor could not, who may
    not change members either, InvitationNotOpen for what was accepted, revoked or only asked for.
    """
    above = N_("This invitation offers a role above your own, so you may not revoke it. Nothing was changed.")
    more = N_("This invitation offers more than you may give, so you may not revoke it. Nothing was changed.")
    closed = {one.id: InvitationNotOpen() for one in chosen if one.status not in REVOCABLE}
    not_theirs = {number: OfferNotYours(more) for number in _not_theirs_to_give(actor, organization, chosen)}
    too_high = {one.id: OfferTooHigh(above) for one in chosen if not is_role_within(actor, one.role)}
    return {**closed, **not_theirs, **too_high}


def _not_theirs_to_give(actor: Actor, organization: Organization, chosen: Sequence[Invitation]) -> list[int]:
    others = [one for one in chosen if one.invited_by_id is None or one.invited_by_id != actor.user_id]
    if not others or decide(actor, Scope.MEMBER_WRITE, organization):
        return []
    refused = giving.refused_of_offers(actor, others)
    return [one.id for one, what in zip(others, refused, strict=True) if what.names]


def close_expired(actor: Actor, organization: Organization, expired: Sequence[Invitation]) -> None:
    """Close expired offers to make room for new ones to the same addresses.

    Raises:
        Forbidden, NotFound: the actor may not invite.
        InvitationNotOpen: one was answered or revoked before.
    """
    require(actor, Scope.MEMBER_INVITE, organization)
    changes = invitation_rows.close_all(expired, InvitationStatus.PENDING, InvitationStatus.REVOKED)
    audit.record_all(actor, Event.INVITATION_EXPIRED, changes, organization=organization)


def decline(actor: Actor, link: Link) -> Invitation:
    """Turn an offer down.

    Raises:
        NotFound: the link does not work.
        InvitationNotOpen: it cannot be answered any more.
    """
    organization, invitation, _token = _open_invitation(link)
    change = invitation_rows.close(invitation, InvitationStatus.DECLINED)
    _record(actor, Event.INVITATION_DECLINED, organization, change)
    return invitation


def accept(actor: Actor, link: Link, user_id: int) -> Member:
    """Make a signed-in user a member, as the invitation offers. Works once, also for several at the same moment.

    What whoever offers it may not give any more is left out; the invitation says so from then on.

    Raises:
        NotFound: the link does not work, or the user may not act.
        InvitationNotOpen: it cannot be accepted any more, or whoever sent it or copied the link may no longer offer it.
        OtherAddress: the organization wants the invited address, and it is not the user's.
        AlreadyMember: the user is a member.
        OwnerWithEnd: they would be an owner, and it would end.
    """
    organization, invitation, token = _acceptable_invitation(link)
    user = accounts.by_id(user_id)
    if organization.address_match_required and not has_address(user.id, invitation.canonical):
        raise OtherAddress(email=invitation.email)
    return _join(actor, organization, invitation, token.copied_by_id, user)


def accept_as_new(actor: Actor, link: Link, new: NewAccount) -> Member:
    """Make an account for the invited address, and a member of it.

    Following a mailed link has proven the address. A copied one has not: a letter asks its owner to.

    Raises:
        NotFound: the link does not work.
        InvitationNotOpen: it cannot be accepted any more, or whoever sent it or copied the link may no longer offer it.
        AddressTaken: the link was mailed, and an account has this address; its owner signs in instead.
    """
    organization, invitation, token = _acceptable_invitation(link)
    user = accounts.create(actor, new, is_proven=not token.is_copied)
    if token.is_copied:
        verification.send_first(organization, accounts.primary_address(user.id), user, actor.language)
    return _join(Actor.of(user, ip=actor.ip), organization, invitation, token.copied_by_id, user)


def accept_by_claim(
    actor: Actor, organization: Organization, invitation: Invitation, user: User, copied_by_id: int | None = None
) -> Member:
    """Make a user a member for whom the organization's own provider says that the invited address is theirs.

    The caller holds the organization's lock, has found the invitation open, and asked for the provider's word.

    Raises:
        InvitationNotOpen: whoever sent it, or copied the link they came by, may no longer offer it.
    """
    if not inviters.may_still(organization, invitation, copied_by_id):
        raise InvitationNotOpen
    return _join(actor, organization, invitation, copied_by_id, user)


def record_other_address(actor: Actor, link: Link) -> None:
    """Note that somebody with another address tried to accept, at most 20 times in 15 minutes.

    Raises:
        NotFound: the link does not work.
        InvitationNotOpen: it was answered meanwhile.
    """
    limit = Limit(f"other-address:{link.organization_id}:{actor.user_id}", MOST_REFUSALS_NOTED)
    if attempts.count([limit]):
        return
    organization, invitation, _token = _open_invitation(link)
    _record(actor, Event.INVITATION_REFUSED, organization, Change(invitation_rows.target_of(invitation)))


def has_address(user_id: int, canonical: str) -> bool:
    """Tell whether a verified address is the user's."""
    return (
        db.session.scalar(
            select(EmailAddress.id).where(
                EmailAddress.user_id == user_id,
                EmailAddress.canonical == canonical,
                EmailAddress.verified_at.is_not(None),
            )
        )
        is not None
    )


def _join(
    actor: Actor, organization: Organization, invitation: Invitation, copied_by_id: int | None, user: User
) -> Member:
    change = invitation_rows.close(invitation, InvitationStatus.ACCEPTED)
    email = accounts.primary_address(user.id)
    unproven = {} if email.verified_at else {"is_address_proven": False}
    behind = inviters.actors_of(organization, invitation, copied_by_id)
    terms = inviters.given_by(organization, invitation, behind)
    left_out = {"left_out": invitation.left_out} if invitation.left_out else {}
    member = members.add(actor, organization, user, email.address, terms, Coming(givers=behind))
    after = {**(change.after or {}), "user_id": user.id, "email": email.address, **unproven, **left_out}
    _record(actor, Event.INVITATION_ACCEPTED, organization, Change(change.target, change.before, after))
    return member


def _open_invitation(link: Link) -> tuple[Organization, Invitation, InvitationToken]:
    """Return what a link opens, read under the organization's lock: it may have been replaced a moment ago."""
    organization = organizations.lock(link.organization_id)
    of_organization = select(Invitation).where(Invitation.organization_id == organization.id)
    invitation = db.session.scalar(of_organization.where(Invitation.id == link.invitation_id))
    if invitation is None:
        raise NotFound
    token = invitation_links.find(link)
    if not invitation.is_open(clock.now()):
        raise InvitationNotOpen
    return organization, invitation, token


def _acceptable_invitation(link: Link) -> tuple[Organization, Invitation, InvitationToken]:
    organization, invitation, token = _open_invitation(link)
    if not inviters.may_still(organization, invitation, token.copied_by_id):
        raise InvitationNotOpen
    return organization, invitation, token


def _record(actor: Actor, event: Event, organization: Organization, change: Change) -> None:
    audit.record_all(actor, event, [change], organization=organization)
