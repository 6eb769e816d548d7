"""The tabs Members and Pending."""

from flask import Blueprint, Response, request

from webapp.access.roles import Scope
from webapp.http.guard import access
from webapp.http.htmx import respond
from webapp.http.session import current_actor
from webapp.models import Organization
from webapp.queries.counts import counts_of
from webapp.queries.invitations import pending_of
from webapp.queries.members import members_of

bp = Blueprint("members", __name__)


@bp.get("/orgs/<org>/members")
@access(Scope.MEMBER_READ)
def index(organization: Organization) -> Response:
    """List the members."""
    q, after = request.args.get("q", ""), request.args.get("after", "")
    return respond(
        "members/index.html",
        {"panel": "members/_members.html", "results": "members/_member_rows.html"},
        page=members_of(organization, q=q, after=after, viewer_id=current_actor().user_id),
        counts=counts_of(organization),
        q=q,
    )


@bp.get("/orgs/<org>/members/pending")
@access(Scope.MEMBER_READ)
def pending(organization: Organization) -> Response:
    """List the invitations nobody has accepted yet."""
    q, after = request.args.get("q", ""), request.args.get("after", "")
    return respond(
        "members/pending.html",
        {"panel": "members/_pending.html", "results": "members/_pending_rows.html"},
        page=pending_of(organization, q=q, after=after),
        counts=counts_of(organization),
        q=q,
    )
