"""The audit log."""

from flask import Blueprint, Response, request

from webapp.access.roles import Scope
from webapp.blueprints.audit.sentences import described
from webapp.http.guard import access
from webapp.http.htmx import respond
from webapp.models import Organization
from webapp.queries.audit import entries_of

bp = Blueprint("audit", __name__)


@bp.get("/orgs/<org>/audit")
@access(Scope.AUDIT_READ)
def index(organization: Organization) -> Response:
    """List what happened, the newest first."""
    return respond(
        "audit/index.html",
        {"panel": "audit/_entries.html"},
        page=described(entries_of(organization, after=request.args.get("after", ""))),
    )
