"""The Members tab."""

from collections.abc import Iterator

from flask import Response, request

from webapp.access.decide import decide
from webapp.access.roles import Scope
from webapp.blueprints.members import bp
from webapp.blueprints.members.reasons import reasons_of
from webapp.errors import N_, NotFound
from webapp.http import uow
from webapp.http.csv import csv_file
from webapp.http.guard import access
from webapp.http.htmx import respond
from webapp.http.session import current_actor
from webapp.models import MemberStatus, Organization, Role
from webapp.queries.counts import counts_of
from webapp.queries.members import MemberRow, Wanted, members_of, wanted
from webapp.queries.teams import TeamNames, names_by_member, team_choices
from webapp.services import child_slugs
from webapp.services.child_slugs import TEAM

COLUMNS = ("name", "address", "role", "status", "reaches", "teams", "joined at", "last active at")
ROWS_AT_ONCE = 1_000
MOST_TEAMS_TO_FILTER_BY = 100
FILTERS = ("q", "role", "status", "sort", "team")


@bp.get("/orgs/<org>/members")
@access(Scope.MEMBER_READ)
def index(organization: Organization) -> Response:
    """List the members."""
    actor, after = current_actor(), request.args.get("after", "")
    asked = {name: request.args.get(name, "") for name in FILTERS}
    page = members_of(organization, _wanted(organization), after=after, viewer_id=actor.user_id)
    return respond(
        "members/index.html",
        {"panel": "members/_members.html", "results": "members/_member_rows.html"},
        page=page,
        teams=names_by_member([row.id for row in page.rows if not row.has_global_access]),
        team_choices=team_choices(organization)[:MOST_TEAMS_TO_FILTER_BY],
        reasons=reasons_of(actor, page.rows) if decide(actor, Scope.MEMBER_WRITE, organization) else None,
        counts=counts_of(organization),
        asked={name: value or None for name, value in asked.items()},
        roles=Role,
        statuses=MemberStatus,
        after=after or None,
        q=asked["q"],
    )


@bp.get("/orgs/<org>/members.csv")
@access(Scope.MEMBER_WRITE)
def index_csv(organization: Organization) -> Response:
    """Return the rows of the list at hand, of all its pages, as a file."""
    return csv_file(f"{organization.slug}-members.csv", COLUMNS, _lines(organization, _wanted(organization)))


def _wanted(organization: Organization) -> Wanted:
    """Return what the address asks for.

    Raises:
        NotFound: there is no such role, status, order or team.
    """
    q, role, status, sort, slug = (request.args.get(name, "") for name in FILTERS)
    team = child_slugs.find(TEAM, organization, slug) if slug else None
    if slug and team is None:
        raise NotFound(N_("There is no such list of members. Go back to all of them."))
    return wanted(q, role, status, sort, team.id if team else None)


def _lines(organization: Organization, which: Wanted) -> Iterator[tuple[str, ...]]:
    """Yield the rows, a thousand in one transaction: neither memory nor the database holds a long list."""

    def read(after: str) -> tuple[list[tuple[str, ...]], str | None]:
        page = members_of(organization, which, after=after, viewer_id=None, rows=ROWS_AT_ONCE)
        teams = names_by_member([row.id for row in page.rows])
        return [_cells(row, teams.get(row.id)) for row in page.rows], page.next

    after: str | None = ""
    while after is not None:
        lines, after = uow.read(read, after)
        yield from lines


def _cells(row: MemberRow, teams: TeamNames | None) -> tuple[str, ...]:
    moments = (at.isoformat(timespec="seconds") if at else "" for at in (row.joined_at, row.last_active_at))
    reaches = "every project" if row.has_global_access else "teams and access groups"
    names = "; ".join(teams.names) + ("; ..." if teams.total > len(teams.names) else "") if teams else ""
    return (row.name, row.email, row.role.label, row.status.value, reaches, names, *moments)
