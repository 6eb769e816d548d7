"""Who would have been refused while requiring single sign-on is rehearsed."""

from flask import Response, request

from webapp.access.roles import Scope
from webapp.blueprints.sso import bp
from webapp.errors import NotFound
from webapp.http.htmx import respond
from webapp.http.rules import access
from webapp.models import Organization
from webapp.queries.rehearsal import refused_of
from webapp.queries.standing import shown_by_rehearsal
from webapp.services.sso import connections


@bp.get("/orgs/<org>/sso/rehearsal")
@access(Scope.SSO_ADMIN)
def rehearsal(organization: Organization) -> Response:
    """List who came since the rehearsal began and would have been refused."""
    provider = connections.require_active(organization)
    found = shown_by_rehearsal(provider)
    if found is None:
        raise NotFound
    after = request.args.get("after", "")
    return respond(
        "sso/rehearsal.html",
        {"panel": "sso/_rehearsal_page.html", "results": "sso/_rehearsal_rows.html"},
        page=refused_of(provider, after=after),
        rehearsal=found,
        host=connections.host_of(provider),
    )
