"""Adding somebody with an account as a member at once, without an email round trip."""

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import aliased

from webapp.access.actor import Actor
from webapp.access.decide import require, require_may_grant
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import NobodyToAdd
from webapp.models import EmailAddress, InvitationStatus, Member, Organization, User
from webapp.services import (
    accounts,
    approvals,
    audit,
    giving,
    invitation_rows,
    member_letters,
    members,
    request_letters,
    requests,
)
from webapp.services.addresses import Address
from webapp.services.audit import Change, Event
from webapp.services.kept_ends import Coming
from webapp.services.memberships import Terms


def add(actor: Actor, organization: Organization, address: Address, terms: Terms) -> Member:
    """Make the user with a verified address a member, and tell them by mail.

    It is somebody whom the actor meets as an active member in another organization, or anybody where the actor is an
    instance administrator. The same statements run for an address nobody has and for one of somebody else.

    Raises:
        NotFound, Forbidden, RoleTooHigh, SignInAgain, TooManyGiven, NotOfOrganization, NotYoursToGive: the actor
            may not.
        AlreadyMember: the address is a member's.
        OwnerWithEnd: they would be an owner, and it would end.
        NobodyToAdd: there is no such user, or none the actor may know of.
        InvitationLimit: the organization or the address has had its letters for today.
    """
    require(actor, Scope.MEMBER_ADD, organization)
    require_may_grant(actor, terms.role)
    giving.require_may_give(actor, organization, terms)
    if there := requests.member_with(organization, address.canonical):
        raise members.already_member(there, address.typed, "email")
    user = _known(actor, address)
    if user is None:
        raise NobodyToAdd(email=address.typed)
    approvals.require_within_limits(actor, organization, address)
    email = accounts.primary_address(user.id).address
    _close_waiting(actor, organization, address, user, terms)
    member = members.add(actor, organization, user, email, terms, Coming(Event.MEMBER_ADDED, [actor]))
    if member.is_active:
        end = {"expires_at": member.expires_at.isoformat()} if member.expires_at else {}
        member_letters.tell(actor, organization, user, "added", role=terms.role.label, **end)
    return member


def _known(actor: Actor, address: Address) -> User | None:
    """Return the active user with a verified address, if the actor may know of them.

    Whoever runs an organization's provider may be anybody there, and learns nothing of whom they know elsewhere.
    """
    if actor.is_confined:
        return None
    mine, theirs, me = aliased(Member), aliased(Member), aliased(User)
    meet = exists().where(
        mine.user_id == actor.user_id,
        mine.is_active,
        theirs.organization_id == mine.organization_id,
        theirs.user_id == User.id,
        theirs.is_active,
    )
    administers = exists().where(me.id == actor.user_id, me.is_active, me.is_instance_administrator)
    return db.session.scalar(
        select(User)
        .join(EmailAddress, EmailAddress.user_id == User.id)
        .where(
            EmailAddress.canonical == address.canonical,
            EmailAddress.verified_at.is_not(None),
            User.is_active,
            or_(meet, administers),
        )
    )


def _close_waiting(actor: Actor, organization: Organization, address: Address, user: User, terms: Terms) -> None:
    """Close the invitation or request for the address: whoever was waiting becomes a member."""
    waiting = requests.waiting_for(organization, address.canonical)
    if waiting is None:
        return
    is_request = waiting.status is InvitationStatus.REQUESTED
    close = invitation_rows.close_request if is_request else invitation_rows.close
    change = close(waiting, InvitationStatus.ACCEPTED)
    joined = {"role": terms.role.label, "user_id": user.id, "email": address.typed}
    changes = [Change(change.target, change.before, {**(change.after or {}), **joined})]
    event = Event.REQUEST_APPROVED if is_request else Event.INVITATION_SUPERSEDED
    audit.record_all(actor, event, changes, organization=organization)
    if is_request:
        request_letters.tell_approved(actor, organization, waiting, waiting.invited_by_id)
