"""My organizations."""

from flask import Blueprint, Response, url_for

from webapp.http.guard import SIGNED_IN, access
from webapp.http.htmx import go, respond
from webapp.http.session import current_actor
from webapp.queries.organizations import organizations_of

bp = Blueprint("organizations", __name__)


@bp.get("/")
@access(SIGNED_IN)
def home() -> Response:
    """Go to the only organization somebody has, or to the list of them."""
    found = organizations_of(current_actor().user_id or 0)
    if len(found) == 1:
        return go(url_for("members.index", org=found[0].slug))
    return go(url_for("organizations.index"))


@bp.get("/orgs/")
@access(SIGNED_IN)
def index() -> Response:
    """List the organizations somebody belongs to."""
    found = organizations_of(current_actor().user_id or 0)
    return respond("organizations/index.html", {"panel": "organizations/_organizations.html"}, organizations=found)
