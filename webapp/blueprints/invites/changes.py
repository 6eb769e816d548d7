"""What becomes of one invitation: sending it again, copying a link of it, revoking it."""

from flask import Response, flash, url_for
from flask_babel import gettext as _

from webapp import clock
from webapp.access.roles import Scope
from webapp.blueprints.invites import bp
from webapp.http.htmx import go, respond
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.http.settings import settings
from webapp.models import Invitation, Organization
from webapp.queries.counts import counts_of
from webapp.services import invitation_renewals, invitations


@bp.post("/orgs/<org>/invitations/<int:invitation>/resend")
@access(Scope.MEMBER_INVITE)
def resend(organization: Organization, invitation: Invitation) -> Response:
    """Send an invitation again, with a new link."""
    invitation_renewals.resend(current_actor(), organization, invitation)
    flash(_("A new invitation to %(email)s is on its way. Earlier links are dead.", email=invitation.email), "success")
    return go(url_for("members.pending", org=organization.slug))


@bp.post("/orgs/<org>/invitations/<int:invitation>/link")
@access(Scope.MEMBER_INVITE)
def copy_link(organization: Organization, invitation: Invitation) -> Response:
    """Show another link of an invitation, once.

    The answer is the page itself and not a redirect to it: a link that could be shown again would have to be kept.
    """
    token = invitation_renewals.copy_link(current_actor(), organization, invitation)
    response = respond(
        "invites/link.html",
        {"panel": "invites/_link.html"},
        invitation=invitation,
        link=f"{settings().base_url}{url_for('invites.show', token=token)}",
        counts=counts_of(organization),
    )
    response.headers["HX-Push-Url"] = "false"
    return response


@bp.post("/orgs/<org>/invitations/<int:invitation>/revoke")
@access(Scope.MEMBER_INVITE)
def revoke(organization: Organization, invitation: Invitation) -> Response:
    """Take an invitation back, or one that has ended off the list."""
    was_open = invitation.is_open(clock.now())
    invitations.revoke(current_actor(), organization, invitation)
    if was_open:
        flash(_("The invitation to %(email)s no longer works.", email=invitation.email), "success")
    else:
        flash(_("The invitation to %(email)s is off the list.", email=invitation.email), "success")
    return go(url_for("members.pending", org=organization.slug))
