"""Invitations: offering membership, and what becomes of an offer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.decide import is_role_within, may_still_offer, require, require_role_within
from webapp.access.roles import Scope
from webapp.db import changes_one_row, db
from webapp.errors import N_, Forbidden, InvitationNotOpen, NotFound, OtherAddress
from webapp.models import (
    EmailAddress,
    Invitation,
    InvitationStatus,
    InvitationToken,
    InvitationWord,
    Member,
    Organization,
    Role,
    User,
)
from webapp.services import accounts, audit, members, organizations, outbox
from webapp.services.accounts import NewAccount
from webapp.services.addresses import Address
from webapp.services.audit import Change, Event, Target
from webapp.services.outbox import Letter
from webapp.services.tokens import digest, new_token
from webapp.services.words import words_of

MIN_LIFETIME_DAYS, MAX_LIFETIME_DAYS = 1, 30


@dataclass(frozen=True)
class Offer:
    """What an invitation offers, and for how many days."""

    role: Role
    lifetime_days: int


def invite(actor: Actor, organization: Organization, address: Address, offer: Offer) -> Invitation:
    """Offer membership to one address; see `invite_all`."""
    return invite_all(actor, organization, [address], offer)[0]


def invite_all(actor: Actor, organization: Organization, wanted: Sequence[Address], offer: Offer) -> list[Invitation]:
    """Offer membership to addresses and queue the letters that say so.

    The caller has left out members and addresses with an open invitation (see `invitation_batches.invite_all`); the
    database refuses what slips by.

    Raises:
        NotFound, Forbidden, RoleTooHigh: the actor may not; nothing is stored.
    """
    require(actor, Scope.MEMBER_INVITE, organization)
    require_role_within(actor, offer.role)
    offered = [_invitation(actor, organization, address, offer) for address in wanted]
    db.session.add_all(offered)
    db.session.flush()
    _index_words(offered)
    _send(actor, organization, offered)
    changes = [Change(target_of(invitation), after=_described(invitation)) for invitation in offered]
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


def _described(invitation: Invitation) -> dict[str, Any]:
    return {
        "email": invitation.email,
        "role": invitation.role.label,
        "status": invitation.status.value,
        "expires_at": invitation.expires_at.isoformat(),
    }


def target_of(invitation: Invitation) -> Target:
    """Return an invitation as the audit log names it."""
    return Target("invitation", invitation.id, invitation.email)


def _send(actor: Actor, organization: Organization, offered: Sequence[Invitation]) -> None:
    tokens = [new_token() for _ in offered]
    rows = [
        InvitationToken(organization_id=organization.id, invitation_id=invitation.id, token_hash=digest(token))
        for invitation, token in zip(offered, tokens, strict=True)
    ]
    db.session.add_all(rows)
    letters = [
        Letter("invitation", invitation.email, _letter_data(actor, organization, invitation), token, organization.id)
        for invitation, token in zip(offered, tokens, strict=True)
    ]
    for invitation, message in zip(offered, outbox.enqueue_all(letters), strict=True):
        invitation.letter_id = message.id
    db.session.flush()


def _letter_data(actor: Actor, organization: Organization, invitation: Invitation) -> dict[str, str]:
    return {
        "organization": organization.name,
        "inviter": actor.name,
        "role": invitation.role.label,
        "email": invitation.email,
        "expires_at": invitation.expires_at.isoformat(),
    }


def _index_words(offered: Sequence[Invitation]) -> None:
    rows = [
        {"organization_id": invitation.organization_id, "invitation_id": invitation.id, "word": word}
        for invitation in offered
        for word in words_of(invitation.email)
    ]
    db.session.execute(insert(InvitationWord), rows)


def revoke(actor: Actor, organization: Organization, invitation: Invitation) -> None:
    """Take an offer back; its links stop working.

    Raises:
        Forbidden: the actor may not invite, or not with such a role.
        InvitationNotOpen: it was answered or revoked before.
    """
    require(actor, Scope.MEMBER_INVITE, organization)
    if not is_role_within(actor, invitation.role):
        raise Forbidden(
            N_("This invitation offers a role above your own, so you may not revoke it. Nothing was changed.")
        )
    _close(invitation, InvitationStatus.REVOKED, clock.now())
    audit.record(
        actor, Event.INVITATION_REVOKED, target_of(invitation), organization=organization, **_change(invitation)
    )


def close_expired(actor: Actor, organization: Organization, invitation: Invitation) -> None:
    """Close an expired offer to make room for a new one to the same address.

    Raises:
        Forbidden, NotFound: the actor may not invite.
        InvitationNotOpen: it was answered or revoked before.
    """
    require(actor, Scope.MEMBER_INVITE, organization)
    _close(invitation, InvitationStatus.REVOKED, clock.now())
    audit.record(
        actor, Event.INVITATION_EXPIRED, target_of(invitation), organization=organization, **_change(invitation)
    )


def decline(actor: Actor, invitation_id: int, organization_id: int) -> Invitation:
    """Turn an offer down.

    Raises:
        NotFound: the organization has no such invitation.
        InvitationNotOpen: it cannot be answered any more.
    """
    organization = organizations.lock(organization_id)
    invitation = _open_invitation(organization, invitation_id)
    _close(invitation, InvitationStatus.DECLINED, clock.now())
    audit.record(
        actor, Event.INVITATION_DECLINED, target_of(invitation), organization=organization, **_change(invitation)
    )
    return invitation


def accept(actor: Actor, invitation_id: int, organization_id: int, user_id: int) -> Member:
    """Make a signed-in user a member, as the invitation offers. Works once, also for several at the same moment.

    Raises:
        NotFound: the organization has no such invitation, or the user may not act.
        InvitationNotOpen: it cannot be accepted any more, or whoever sent it may no longer offer it.
        OtherAddress: the organization wants the invited address, and it is not the user's.
        AlreadyMember: the user is a member.
    """
    organization = organizations.lock(organization_id)
    invitation = _open_invitation(organization, invitation_id)
    _require_inviter_may_still(organization, invitation)
    user = accounts.by_id(user_id)
    if organization.address_match_required and not has_address(user.id, invitation.canonical):
        raise OtherAddress(email=invitation.email)
    return _join(actor, organization, invitation, user)


def accept_as_new(actor: Actor, invitation_id: int, organization_id: int, new: NewAccount) -> Member:
    """Make an account for the invited address, which following the mailed link has proven, and a member of it.

    Raises:
        NotFound: the organization has no such invitation.
        InvitationNotOpen: it cannot be accepted any more.
        AddressTaken: an account has this address; its owner signs in instead.
    """
    organization = organizations.lock(organization_id)
    invitation = _open_invitation(organization, invitation_id)
    _require_inviter_may_still(organization, invitation)
    user = accounts.create(actor, new)
    return _join(Actor.of(user, ip=actor.ip), organization, invitation, user)


def record_other_address(actor: Actor, invitation_id: int, organization_id: int) -> None:
    """Note that somebody with another address tried to accept.

    Raises:
        NotFound: the organization has no such invitation.
        InvitationNotOpen: it was answered meanwhile.
    """
    organization = organizations.lock(organization_id)
    invitation = _open_invitation(organization, invitation_id)
    audit.record(actor, Event.INVITATION_REFUSED, target_of(invitation), organization=organization)


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


def _join(actor: Actor, organization: Organization, invitation: Invitation, user: User) -> Member:
    _close(invitation, InvitationStatus.ACCEPTED, clock.now())
    email = accounts.primary_address(user.id).address
    member = members.add(actor, organization, user, email, invitation.role)
    change = _change(invitation)
    change["after"] |= {"user_id": user.id, "email": email}
    audit.record(actor, Event.INVITATION_ACCEPTED, target_of(invitation), organization=organization, **change)
    return member


def _open_invitation(organization: Organization, invitation_id: int) -> Invitation:
    of_organization = select(Invitation).where(Invitation.organization_id == organization.id)
    invitation = db.session.scalar(of_organization.where(Invitation.id == invitation_id))
    if invitation is None:
        raise NotFound
    if not invitation.is_open(clock.now()):
        raise InvitationNotOpen
    return invitation


def _require_inviter_may_still(organization: Organization, invitation: Invitation) -> None:
    if invitation.invited_by_id is None:
        return
    inviter = db.session.scalar(
        select(Member)
        .join(User, User.id == Member.user_id)
        .where(Member.organization_id == organization.id, User.id == invitation.invited_by_id, User.is_active)
    )
    if not may_still_offer(inviter, invitation.role, organization):
        raise InvitationNotOpen


def _close(invitation: Invitation, status: InvitationStatus, now: datetime) -> None:
    """Close an open invitation by one conditional update, whose row count is the verdict.

    Only a declined one stays on the Pending tab, and so among what a search finds.
    """
    still_open = update(Invitation).where(Invitation.id == invitation.id, Invitation.status == InvitationStatus.PENDING)
    if not changes_one_row(still_open.values(status=status, closed_at=now, letter_id=None)):
        raise InvitationNotOpen
    if status is not InvitationStatus.DECLINED:
        db.session.execute(delete(InvitationWord).where(InvitationWord.invitation_id == invitation.id))
    db.session.refresh(invitation)


def _change(invitation: Invitation) -> dict[str, dict[str, object]]:
    return {"before": {"status": "pending"}, "after": {"status": invitation.status.value}}
