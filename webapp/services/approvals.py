"""Approving and rejecting requests."""

from sqlalchemy import update

from webapp import clock
from webapp.access.actor import Actor
from webapp.access.decide import require, require_may_grant
from webapp.access.roles import Scope
from webapp.db import changes_one_row, db
from webapp.errors import N_, InvitationLimit, RequestNotOpen
from webapp.models import Invitation, InvitationStatus, Organization, Role
from webapp.services import (
    addresses,
    audit,
    invitation_limits,
    invitation_renewals,
    invitation_rows,
    request_letters,
    requests,
)
from webapp.services.addresses import Address
from webapp.services.audit import Event
from webapp.services.invitations import Offer


def approve(actor: Actor, organization: Organization, request: Invitation, role: Role) -> bool:
    """Turn a request into an invitation by the actor, and tell the member who suggested it.

    Returns whether an invitation is on its way: somebody who became a member meanwhile needs none, and the request is
    closed.

    Raises:
        NotFound, Forbidden, RoleTooHigh, SignInAgain: the actor may not.
        RequestNotOpen: it was answered before, also by somebody just a moment earlier, or has expired.
        InvitationLimit: the organization or the address has had its invitations for today.
    """
    require(actor, Scope.REQUEST_APPROVE, organization)
    require_may_grant(actor, role)
    _hold(organization, request)
    suggested_by_id = request.invited_by_id
    if there := requests.member_with(organization, request.canonical):
        _close(actor, organization, request, Event.INVITATION_SUPERSEDED)
        request_letters.tell_approved(actor, organization, request, suggested_by_id, there)
        return False
    require_within_limits(actor, organization, addresses.parse(request.email))
    offer = Offer(role, organization.invitation_lifetime_days)
    change = invitation_renewals.send_anew(actor, organization, request, offer)
    audit.record_all(actor, Event.REQUEST_APPROVED, [change], organization=organization)
    request_letters.tell_approved(actor, organization, request, suggested_by_id)
    return True


def reject(actor: Actor, organization: Organization, request: Invitation) -> None:
    """Close a request and tell whoever made it.

    Raises:
        NotFound, Forbidden: the actor may not.
        RequestNotOpen: it was answered before, or has expired.
    """
    require(actor, Scope.REQUEST_APPROVE, organization)
    _hold(organization, request)
    _close(actor, organization, request, Event.REQUEST_REJECTED)
    request_letters.tell_rejected(actor, organization, request)


def require_within_limits(actor: Actor, organization: Organization, address: Address) -> None:
    """Count one more letter that invites or adds somebody today, and go on only if it is not one too many.

    Raises:
        InvitationLimit: it is, for the organization, for the actor or for the address.
    """
    if invitation_limits.over_daily_limit(organization, [address]):
        raise InvitationLimit(N_("This address has had its letters for today. Nothing was sent; try again tomorrow."))
    if invitation_limits.count_over(actor, organization, 1):
        raise InvitationLimit


def _hold(organization: Organization, request: Invitation) -> None:
    """Go on only if nobody has answered a request: one conditional update, whose row count is the verdict."""
    open_one = update(Invitation).where(
        Invitation.organization_id == organization.id,
        Invitation.id == request.id,
        Invitation.status == InvitationStatus.REQUESTED,
        Invitation.expires_at > clock.now(),
    )
    if not changes_one_row(open_one.values(status=InvitationStatus.REQUESTED)):
        raise RequestNotOpen
    db.session.refresh(request)


def _close(actor: Actor, organization: Organization, request: Invitation, event: Event) -> None:
    change = invitation_rows.close_request(request, InvitationStatus.REVOKED)
    audit.record_all(actor, event, [change], organization=organization)
