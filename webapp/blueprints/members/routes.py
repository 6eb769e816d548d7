"""The Members tab."""

from flask import Response, request

from webapp.access.decide import decide
from webapp.access.roles import Scope
from webapp.blueprints.members import bp
from webapp.blueprints.members.reasons import reasons_of
from webapp.http.guard import access
from webapp.http.htmx import respond
from webapp.http.session import current_actor
from webapp.models import MemberStatus, Organization, Role
from webapp.queries.counts import counts_of
from webapp.queries.members import members_of, wanted


@bp.get("/orgs/<org>/members")
@access(Scope.MEMBER_READ)
def index(organization: Organization) -> Response:
    """List the members."""
    actor, after = current_actor(), request.args.get("after", "")
    asked = {name: request.args.get(name, "") for name in ("q", "role", "status", "sort")}
    page = members_of(organization, wanted(**asked), after=after, viewer_id=actor.user_id)
    return respond(
        "members/index.html",
        {"panel": "members/_members.html", "results": "members/_member_rows.html"},
        page=page,
        reasons=reasons_of(actor, page.rows) if decide(actor, Scope.MEMBER_WRITE, organization) else None,
        counts=counts_of(organization),
        asked={name: value or None for name, value in asked.items()},
        roles=Role,
        statuses=MemberStatus,
        after=after or None,
        q=asked["q"],
    )
