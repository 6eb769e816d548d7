"""Linking one's account to the organization's provider, and taking the link away."""

from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext as _

from webapp.access.roles import Scope
from webapp.blueprints.sso import bp
from webapp.http import session, sso
from webapp.http.confirmations import ConfirmForm, Question, confirmation
from webapp.http.htmx import go, respond
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.models import FlowPurpose, Organization
from webapp.queries.groups import is_in_groups_by_claims
from webapp.services import accounts
from webapp.services.sso import connections, identities, personal_links
from webapp.services.sso.enforcement import is_required
from webapp.services.sso.errors import AddressUnproven, LastWayIn


@bp.get("/orgs/<org>/sso/link")
@access(Scope.ORG_READ, leads_in=True)
def link(organization: Organization) -> Response:
    """Say which account would be linked to which provider; a button leaves. A reminder's link is for one account."""
    provider = connections.require_active(organization)
    viewer = session.require_viewer()
    if stray := _stray(organization):
        return stray
    return respond(
        "sso/link.html",
        {"panel": "sso/_link.html"},
        host=connections.host_of(provider),
        identity=identities.of_user(provider, viewer.user_id),
        is_fresh=viewer.is_fresh,
        is_required=is_required(provider),
    )


@bp.post("/orgs/<org>/sso/link")
@access(Scope.ORG_READ, leads_in=True)
def begin_link(organization: Organization) -> Response:
    """Leave for the provider, to link whoever is signed in."""
    provider = connections.require_active(organization)
    if stray := _stray(organization):
        return stray
    session.require_fresh()
    if not session.require_viewer().is_address_verified:
        raise AddressUnproven
    if refusal := sso.count_departure():
        raise refusal
    return sso.depart(provider, FlowPurpose.LINK, request.args.get("next") or url_for("accounts.profile"))


def _stray(organization: Organization) -> Response | None:
    """Return the page for whoever follows the link of a reminder that is too old, or for somebody else's account."""
    bound_to = request.args.get("for")
    if bound_to is None:
        return None
    whose = personal_links.whose(organization, bound_to)
    if whose == session.require_viewer().user_id:
        return None
    said = {"is_known": whose is not None, "bound_to": bound_to}
    status = 200 if request.method == "GET" else 403
    return respond("sso/link.html", {"panel": "sso/_link_of_another.html"}, status=status, **said)


@bp.route("/orgs/<org>/sso/unlink", methods=["GET", "POST"])
@access(Scope.ORG_READ)
def unlink(organization: Organization) -> Response:
    """Take the link away, once that is confirmed; where somebody else needs it, the page says so instead.

    Where single sign-on is required, it takes having come through the provider: whoever has but the password of
    somebody linked could put an identity of their own in its place.
    """
    provider = connections.require_active(organization)
    host = connections.host_of(provider)
    if not identities.has_other_way_in(accounts.by_id(session.require_viewer().user_id)):
        raise LastWayIn
    session.require_fresh()
    form, question = ConfirmForm(), Question(f"unlink {provider.id}")
    if not question.is_confirmed(form):
        member = current_actor().member
        said: dict[str, Any] = {"host": host, "is_needed": identities.is_last_linked_owner(current_actor(), provider)}
        said["is_in_groups"] = member is not None and is_in_groups_by_claims(member)
        return confirmation("sso/_unlink.html", form, preview=question, section="account", **said)
    identities.unlink(current_actor(), organization, provider)
    flash(_("Your account is not linked any more."), "success")
    return go(url_for("accounts.profile"))
