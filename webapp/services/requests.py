"""Requests: a visitor asks to join, or a member asks that somebody be invited. `approvals` answers them."""

from datetime import timedelta

from sqlalchemy import and_, select, text

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.decide import require
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import N_, AlreadyInvited, NotFound, RequestLimit
from webapp.models import EmailAddress, Invitation, InvitationStatus, Member, Organization, Role
from webapp.models.invitation import OPEN
from webapp.services import attempts, audit, invitation_rows, members, organizations, request_letters
from webapp.services.addresses import Address
from webapp.services.attempts import DAY, Limit
from webapp.services.audit import Change, Event

LIFETIME = timedelta(days=30)
TO_JOIN_A_DAY = 100
TO_JOIN_BY_NETWORK_A_DAY = 60
TO_INVITE_A_DAY = 200
TO_INVITE_BY_MEMBER_A_DAY = 20


def ask_to_join(actor: Actor, organization_id: int, address: Address) -> None:
    """Ask, for somebody who is no member, that they may join.

    Whoever asks learns nothing: for a member, for an address that is invited or has asked before, and when the
    organization has had its requests for today, the same statements run and are undone. There only what is stored
    counts, so that nobody uses up the day with one address; of a network everything counts, whatever became of it.

    Raises:
        NotFound: there is no such organization, or it takes no such requests.
        RequestLimit: this network has asked the organization often enough today.
    """
    organization = organizations.lock(organization_id)
    if not organization.join_requests_allowed:
        raise NotFound
    network = attempts.network_of(actor.ip)
    if attempts.count([Limit(f"request:join:{organization.id}:{network}", TO_JOIN_BY_NETWORK_A_DAY, DAY)]):
        raise RequestLimit(
            N_("Your network has asked this organization often today. Nothing was stored; please ask again tomorrow.")
        )
    is_needed = member_with(organization, address.canonical) is None
    waiting = waiting_for(organization, address.canonical)
    with db.session.begin_nested() as motions:
        is_over = attempts.count([Limit(f"request:join:{organization.id}", TO_JOIN_A_DAY, DAY)]) is not None
        _make(actor, organization, address, waiting)
        if is_over or not is_needed or (waiting is not None and is_live(waiting)):
            motions.rollback()


def ask_to_invite(actor: Actor, organization: Organization, address: Address) -> None:
    """Ask, for a member who may not invite, that somebody be invited.

    They do not learn who has asked to join, nor whom others suggested: then nothing is stored, and the answer the same.
    So it is when they suggest somebody again.

    Raises:
        NotFound: the actor is no active member.
        AlreadyMember, AlreadyInvited: there is nothing to ask for, and members know so.
        RequestLimit: the member or the organization has had its requests for today.
    """
    require(actor, Scope.MEMBER_READ, organization)
    if there := member_with(organization, address.canonical):
        raise members.already_member(there, address.typed, "email")
    waiting = waiting_for(organization, address.canonical)
    is_needed = waiting is None or not is_live(waiting)
    if waiting is not None and not is_needed and waiting.status is not InvitationStatus.REQUESTED:
        raise AlreadyInvited(N_("%(email)s is invited already."), field="email", email=address.typed)
    name = f"request:invite:{organization.id}"
    by_member = Limit(f"{name}:{actor.user_id}", TO_INVITE_BY_MEMBER_A_DAY, DAY)
    if attempts.count([by_member, Limit(name, TO_INVITE_A_DAY, DAY)]):
        raise RequestLimit
    if is_needed:
        _make(actor, organization, address, waiting, suggested_by=actor)


def is_live(invitation: Invitation) -> bool:
    """Tell whether an open invitation or request has not expired."""
    return clock.now() < invitation.expires_at


def member_with(organization: Organization, canonical: str) -> Member | None:
    """Return the member, active or not, whose address it is (`invitation_rows.is_theirs`), or none."""
    return db.session.scalar(
        select(Member)
        .join(EmailAddress, EmailAddress.user_id == Member.user_id)
        .where(
            Member.organization_id == organization.id,
            EmailAddress.canonical == canonical,
            invitation_rows.is_theirs(organization),
        )
        .order_by(EmailAddress.verified_at.is_(None), Member.id)
        .limit(1)
    )


def waiting_for(organization: Organization, canonical: str) -> Invitation | None:
    """Return the one invitation or request for an address that is neither answered nor closed; it may have expired."""
    return db.session.scalar(
        select(Invitation).where(
            Invitation.organization_id == organization.id, Invitation.canonical == canonical, text(OPEN)
        )
    )


def _make(
    actor: Actor,
    organization: Organization,
    address: Address,
    waiting: Invitation | None,
    suggested_by: Actor | None = None,
) -> None:
    _make_room(actor, organization, waiting)
    now = clock.now()
    request = Invitation(
        organization_id=organization.id,
        email=address.typed,
        canonical=address.canonical,
        role=Role.MEMBER,
        status=InvitationStatus.REQUESTED,
        invited_by_id=suggested_by.user_id if suggested_by else None,
        created_at=now,
        expires_at=now + LIFETIME,
    )
    db.session.add(request)
    db.session.flush()
    invitation_rows.index_words([request])
    request_letters.tell_approvers(actor, organization, request, suggested_by.name if suggested_by else "")
    change = Change(invitation_rows.target_of(request), after=invitation_rows.described(request))
    audit.record_all(actor, Event.REQUEST_MADE, [change], organization=organization)


def _make_room(actor: Actor, organization: Organization, waiting: Invitation | None) -> None:
    """Close the row in the way, if there is one: the statements are the same, but for the entry of an expired one."""
    found = [waiting] if waiting else []
    which = and_(Invitation.id == (waiting.id if waiting else 0), text(OPEN))
    closed = invitation_rows.close_where(which, found, InvitationStatus.REVOKED)
    if waiting is not None and not is_live(waiting):
        audit.record_all(actor, Event.INVITATION_EXPIRED, closed, organization=organization)
