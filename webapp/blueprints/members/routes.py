"""The Members tab."""

from collections.abc import Iterator

from flask import Response, request

from webapp.access.decide import decide
from webapp.access.roles import Scope
from webapp.blueprints.members import bp
from webapp.blueprints.members.filters import FILTERS, narrowed_to, wanted_of_request
from webapp.blueprints.members.lines import member_lines
from webapp.http.choices import numbers_of
from webapp.http.csv import csv_file
from webapp.http.guard import read_on
from webapp.http.htmx import respond
from webapp.http.reasons import reasons_of
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.models import MemberStatus, Organization, Role
from webapp.models.member import last_day
from webapp.queries.choices import teams_to_filter_by
from webapp.queries.counts import counts_of
from webapp.queries.members import MemberRow, WantedMembers, members_of
from webapp.queries.teams import TeamNames, names_by_member
from webapp.services.bulk import MOST_AT_ONCE, MemberAction

COLUMNS = ("name", "address", "role", "status", "reaches", "teams", "joined at", "last active at", "last day")
ROWS_AT_ONCE = 1_000


@bp.get("/orgs/<org>/members")
@access(Scope.MEMBER_READ)
def index(organization: Organization) -> Response:
    """List the members."""
    actor, after = current_actor(), request.args.get("after", "")
    asked = {name: request.args.get(name, "") for name in FILTERS}
    page = members_of(organization, wanted_of_request(organization), after=after, viewer_id=actor.user_id)
    teams = names_by_member([row.id for row in page.rows if not row.has_global_access])
    reasons = reasons_of(actor, page.rows) if decide(actor, Scope.MEMBER_WRITE, organization) else None
    filter_teams = teams_to_filter_by(organization)
    return respond(
        "members/index.html",
        {"panel": "members/_members.html", "results": "members/_member_rows.html"},
        page=page,
        lines=member_lines(page.rows, teams, reasons, numbers_of("ids")),
        may_change=reasons is not None,
        filter_teams=filter_teams,
        narrowed_to=narrowed_to(filter_teams),
        counts=counts_of(organization),
        asked={name: value or None for name, value in asked.items()},
        roles=Role,
        statuses=MemberStatus,
        actions=MemberAction,
        most_at_once=MOST_AT_ONCE,
        after=after or None,
        q=asked["q"],
    )


@bp.get("/orgs/<org>/members.csv")
@access(Scope.MEMBER_WRITE)
def index_csv(organization: Organization) -> Response:
    """Return the rows of the list at hand, of all its pages, as a file."""
    return csv_file(f"{organization.slug}-members.csv", COLUMNS, _lines(organization, wanted_of_request(organization)))


def _lines(organization: Organization, which: WantedMembers) -> Iterator[tuple[str, ...]]:
    """Yield the rows, a thousand in one transaction: neither memory nor the database holds a long list."""

    def read(after: str) -> tuple[list[tuple[str, ...]], str | None]:
        page = members_of(organization, which, after=after, viewer_id=None, rows=ROWS_AT_ONCE)
        teams = names_by_member([row.id for row in page.rows])
        return [_cells(row, teams.get(row.id)) for row in page.rows], page.next

    after: str | None = ""
    while after is not None:
        lines, after = read_on(read, after)
        yield from lines


def _cells(row: MemberRow, teams: TeamNames | None) -> tuple[str, ...]:
    moments = (at.isoformat(timespec="seconds") if at else "" for at in (row.joined_at, row.last_active_at))
    reaches = "global access" if row.has_global_access else "teams and access groups"
    day = last_day(row.expires_at).isoformat() if row.expires_at else ""
    names = "; ".join(teams.names) + ("; ..." if teams.total > len(teams.names) else "") if teams else ""
    return (row.name, row.email, row.role.label, row.standing.value, reaches, names, *moments, day)
