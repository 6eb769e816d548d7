"""Switching single sign-on off, once somebody has read whom that concerns."""

from flask import Response, flash, url_for
from flask_babel import gettext as _

from webapp.access.roles import Scope
from webapp.blueprints.sso import bp
from webapp.http import session
from webapp.http.confirmations import ConfirmForm, Question, confirmation
from webapp.http.htmx import go
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.models import Organization
from webapp.queries.sso import coverage_of, stranded_by
from webapp.services.sso import connections
from webapp.services.sso import disabling as service

MOST_NAMED = 50


@bp.route("/orgs/<org>/sso/disable", methods=["GET", "POST"])
@access(Scope.SSO_ADMIN)
def disable(organization: Organization) -> Response:
    """Say who signs in by nothing else, then take the connection out of use."""
    provider = connections.require_active(organization)
    session.require_fresh()
    stranded = stranded_by(provider, MOST_NAMED + 1)
    form, question = ConfirmForm(), Question(f"disable {provider.id} {stranded!r}")
    if not question.is_confirmed(form):
        return confirmation(
            "sso/_disable.html",
            form,
            preview=question,
            host=connections.host_of(provider),
            coverage=coverage_of(provider),
            stranded=stranded[:MOST_NAMED],
            is_cut=len(stranded) > MOST_NAMED,
            section="settings",
        )
    service.disable(current_actor(), organization, provider)
    flash(_("Single sign-on is switched off."), "success")
    return go(url_for("sso.show", org=organization.slug))
