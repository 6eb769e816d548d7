"""Invitations: offering membership, and what becomes of an offer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.decide import is_role_within, may_still_offer, require, require_role_within
from webapp.access.roles import Scope
from webapp.db import changes_one_row, db
from webapp.errors import N_, Forbidden, InvitationNotOpen, NotFound, OtherAddress
from webapp.models import EmailAddress, Invitation, InvitationStatus, InvitationToken, Member, Organization, Role, User
from webapp.services import (
    accounts,
    attempts,
    audit,
    invitation_links,
    invitation_rows,
    members,
    offers,
    organizations,
    verification,
)
from webapp.services.accounts import NewAccount
from webapp.services.addresses import Address
from webapp.services.attempts import Limit
from webapp.services.audit import Change, Event
from webapp.services.invitation_links import Link

MIN_LIFETIME_DAYS, MAX_LIFETIME_DAYS = 1, 30
MOST_REFUSALS_NOTED = 20
REVOCABLE = (InvitationStatus.PENDING, InvitationStatus.DECLINED)
SENDABLE = (InvitationStatus.REQUESTED, InvitationStatus.PENDING, InvitationStatus.DECLINED)


@dataclass(frozen=True)
class Offer:
    """What an invitation offers, and for how many days."""

    role: Role
    lifetime_days: int


def invite_all(actor: Actor, organization: Organization, wanted: Sequence[Address], offer: Offer) -> list[Invitation]:
    """Offer membership to addresses and queue the letters that say so.

    The caller has left out members and addresses with an open invitation (see `invitation_batches.invite_all`); the
    database refuses what slips by.

    Raises:
        NotFound, Forbidden, RoleTooHigh: the actor may not; nothing is stored.
    """
    require(actor, Scope.MEMBER_INVITE, organization)
    require_role_within(actor, offer.role)
    invitation_rows.close_declined(actor, organization, [address.canonical for address in wanted])
    offered = [_invitation(actor, organization, address, offer) for address in wanted]
    db.session.add_all(offered)
    db.session.flush()
    invitation_rows.index_words(offered)
    invitation_links.mail(organization, actor.name, offered, language=actor.language)
    changes = [Change(invitation_rows.target_of(new), after=invitation_rows.described(new)) for new in offered]
    audit.record_all(actor, Event.INVITATION_SENT, changes, organization=organization)
    return offered


def _invitation(actor: Actor, organization: Organization, address: Address, offer: Offer) -> Invitation:
    now = clock.now()
    return Invitation(
        organization_id=organization.id,
        email=address.typed,
        canonical=address.canonical,
        role=offer.role,
        status=InvitationStatus.PENDING,
        invited_by_id=actor.user_id,
        created_at=now,
        expires_at=now + timedelta(days=offer.lifetime_days),
    )


def send_anew(actor: Actor, organization: Organization, invitation: Invitation, offer: Offer) -> Change:
    """Make an existing invitation the actor's own offer from now on, and queue a letter with a new link.

    It may have been asked for, open, expired or declined. Whatever links it had are dead. Returns the change, which the
    caller records as what it was: approved, sent again.

    Raises:
        NotFound, Forbidden, RoleTooHigh: the actor may not.
        InvitationNotOpen: it was accepted or revoked.
    """
    require(actor, Scope.MEMBER_INVITE, organization)
    require_role_within(actor, offer.role)
    before, now = invitation_rows.described(invitation), clock.now()
    sendable = update(Invitation).where(Invitation.id == invitation.id, Invitation.status.in_(SENDABLE))
    anew = sendable.values(
        status=InvitationStatus.PENDING,
        role=offer.role,
        invited_by_id=actor.user_id,
        created_at=now,
        expires_at=now + timedelta(days=offer.lifetime_days),
        reminded_at=None,
        closed_at=None,
    )
    if not changes_one_row(anew):
        raise InvitationNotOpen
    db.session.refresh(invitation)
    invitation_rows.forget_words([invitation.id])
    invitation_rows.index_words([invitation])
    invitation_links.kill_all(invitation)
    invitation_links.mail(organization, actor.name, [invitation], language=actor.language)
    return Change(invitation_rows.target_of(invitation), before, invitation_rows.described(invitation))


def revoke(actor: Actor, organization: Organization, invitation: Invitation) -> None:
    """Take an offer back; its links stop working. One that has expired or was declined leaves the Pending tab.

    Raises:
        Forbidden: the actor may not invite, or not with such a role.
        InvitationNotOpen: it was accepted or revoked before, or only asked for.
    """
    require(actor, Scope.MEMBER_INVITE, organization)
    if not is_role_within(actor, invitation.role):
        raise Forbidden(
            N_("This invitation offers a role above your own, so you may not revoke it. Nothing was changed.")
        )
    if invitation.status not in REVOCABLE:
        raise InvitationNotOpen
    [change] = invitation_rows.close_all([invitation], invitation.status, InvitationStatus.REVOKED)
    _record(actor, Event.INVITATION_REVOKED, organization, change)


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

    Raises:
        NotFound: the link does not work, or the user may not act.
        InvitationNotOpen: it cannot be accepted any more, or whoever sent it or copied the link may no longer offer it.
        OtherAddress: the organization wants the invited address, and it is not the user's.
        AlreadyMember: the user is a member.
    """
    organization, invitation, _token = _acceptable_invitation(link)
    user = accounts.by_id(user_id)
    if organization.address_match_required and not has_address(user.id, invitation.canonical):
        raise OtherAddress(email=invitation.email)
    return _join(actor, organization, invitation, user)


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
        verification.send(accounts.primary_address(user.id), user, actor.language)
    return _join(Actor.of(user, ip=actor.ip), organization, invitation, user)


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


def may_inviter_still(organization: Organization, invitation: Invitation, copied_by_id: int | None = None) -> bool:
    """Tell whether whoever sent an invitation may still offer what it offers, and whoever copied the link at hand."""
    offering = {user_id for user_id in (invitation.invited_by_id, copied_by_id) if user_id is not None}
    found = db.session.scalars(
        select(Member)
        .join(User, User.id == Member.user_id)
        .where(Member.organization_id == organization.id, User.id.in_(offering), User.is_active)
    ).all()
    return len(found) == len(offering) and all(
        may_still_offer(member, invitation.role, organization) for member in found
    )


def _join(actor: Actor, organization: Organization, invitation: Invitation, user: User) -> Member:
    change = invitation_rows.close(invitation, InvitationStatus.ACCEPTED)
    email = accounts.primary_address(user.id)
    unproven = {} if email.verified_at else {"is_address_proven": False}
    member = members.add(actor, organization, user, email.address, offers.terms_of(invitation))
    after = {**(change.after or {}), "user_id": user.id, "email": email.address, **unproven}
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
    if not may_inviter_still(organization, invitation, token.copied_by_id):
        raise InvitationNotOpen
    return organization, invitation, token


def _record(actor: Actor, event: Event, organization: Organization, change: Change) -> None:
    audit.record_all(actor, event, [change], organization=organization)
