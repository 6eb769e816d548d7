"""The audit log: the page and its files."""

from flask import Blueprint, Response, request

from webapp.access.roles import Scope
from webapp.blueprints.audit import files
from webapp.blueprints.audit.filters import Asked, asked
from webapp.blueprints.audit.names import families
from webapp.blueprints.audit.sentences import described
from webapp.http.csv import csv_file
from webapp.http.guard import can
from webapp.http.htmx import respond
from webapp.http.json_lines import json_lines_file
from webapp.http.reasons import reasons_of_removed
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.models import Organization
from webapp.queries.audit import addresses_of_actors, entries_of, people_in, removals_among
from webapp.queries.page import Page

bp = Blueprint("audit", __name__)


@bp.get("/orgs/<org>/audit")
@access(Scope.AUDIT_READ)
def index(organization: Organization) -> Response:
    """List what happened, the newest first."""
    wanted = asked(request.args)
    if wanted.errors:
        return _refused(wanted)
    page = entries_of(organization, wanted.filters, after=request.args.get("after", ""))
    removals = removals_among(organization, page.rows) if can(Scope.MEMBER_WRITE) else []
    reasons = reasons_of_removed(current_actor(), removals)
    return respond(
        "audit/index.html",
        {"panel": "audit/_entries.html"},
        page=described(page, people_in(organization, page.rows), addresses_of_actors(organization, page.rows)),
        undoable={removal.entry_id: removal for removal in removals if removal.id not in reasons},
        asked=wanted,
        families=families(),
    )


@bp.get("/orgs/<org>/audit.csv")
@access(Scope.AUDIT_READ)
def csv(organization: Organization) -> Response:
    """Export what the filters let through for a spreadsheet."""
    wanted = asked(request.args)
    if wanted.errors:
        return _refused(wanted)
    rows = files.cells(organization.id, wanted.filters)
    return csv_file(f"{organization.slug}-audit.csv", files.COLUMNS, rows)


@bp.get("/orgs/<org>/audit.jsonl")
@access(Scope.AUDIT_READ)
def json_lines(organization: Organization) -> Response:
    """Export what the filters let through, with the hashes that prove it."""
    wanted = asked(request.args)
    if wanted.errors:
        return _refused(wanted)
    return json_lines_file(f"{organization.slug}-audit.jsonl", files.facts(organization.id, wanted.filters))


def _refused(wanted: Asked) -> Response:
    """Answer the page without entries: the filters are kept as they were typed, with what is wrong beside them."""
    return respond(
        "audit/index.html",
        {"panel": "audit/_entries.html"},
        status=422,
        page=Page([], None, True),
        undoable={},
        asked=wanted,
        families=families(),
    )
