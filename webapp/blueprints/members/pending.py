"""The Pending tab: who has been asked to join, as a page and as a file."""

from collections.abc import Collection, Iterator, Sequence

from flask import Response, request

from webapp.access.actor import Actor
from webapp.access.decide import decide, grantable_roles
from webapp.access.roles import Scope
from webapp.blueprints.members import bp
from webapp.blueprints.members.lines import pending_lines
from webapp.http.choices import numbers_of
from webapp.http.csv import csv_file
from webapp.http.guard import read_on
from webapp.http.htmx import respond
from webapp.http.offers import in_short
from webapp.http.rules import access
from webapp.http.session import current_actor
from webapp.models import Organization, Role
from webapp.queries.counts import counts_of
from webapp.queries.invitations import STATES, InvitationRow, State, listed_among, pending_of, state_named
from webapp.queries.offers import offered_by
from webapp.services import invitations
from webapp.services.bulk import MOST_AT_ONCE

COLUMNS = ("address", "role", "status", "invited by", "invited at", "expires at")
ROWS_AT_ONCE = 1_000


@bp.get("/orgs/<org>/members/pending")
@access(Scope.MEMBER_READ)
def pending(organization: Organization) -> Response:
    """List the invitations nobody has accepted yet."""
    q, after, state = request.args.get("q", ""), request.args.get("after", ""), _asked_state()
    page = pending_of(organization, q=q, state=state, after=after)
    held = offered_by([row.id for row in page.rows])
    offers = {row.id: in_short(row.has_global_access, held[row.id]) for row in page.rows}
    actor = current_actor()
    grantable = {*grantable_roles(actor)} if decide(actor, Scope.MEMBER_INVITE, organization) else None
    closed = _closed_to(actor, organization, page.rows) if grantable else ()
    return respond(
        "members/pending.html",
        {"panel": "members/_pending.html", "results": "members/_pending_rows.html"},
        page=page,
        lines=pending_lines(page.rows, offers, grantable, closed, numbers_of("ids")),
        counts=counts_of(organization),
        roles=Role,
        states=STATES,
        most_at_once=MOST_AT_ONCE,
        asked={"q": q or None, "state": state},
        q=q,
        after=after or None,
    )


def _closed_to(actor: Actor, organization: Organization, rows: Sequence[InvitationRow]) -> Collection[int]:
    """Return the ids of the invitations that the actor may not even revoke; whoever may change members may each."""
    if decide(actor, Scope.MEMBER_WRITE, organization):
        return ()
    return invitations.refusals_to_revoke(actor, organization, listed_among(organization, [row.id for row in rows]))


@bp.get("/orgs/<org>/members/pending.csv")
@access(Scope.MEMBER_INVITE)
def pending_csv(organization: Organization) -> Response:
    """Return the rows of the list at hand, of all its pages, as a file."""
    return csv_file(
        f"{organization.slug}-pending.csv", COLUMNS, _cells(organization, request.args.get("q", ""), _asked_state())
    )


def _asked_state() -> State | None:
    return state_named(request.args.get("state", ""))


def _cells(organization: Organization, q: str, state: State | None) -> Iterator[tuple[str, ...]]:
    """Yield the rows, a thousand in one transaction: neither memory nor the database holds a long list."""
    after: str | None = ""
    while after is not None:
        page = read_on(pending_of, organization, q=q, state=state, after=after, rows=ROWS_AT_ONCE)
        yield from map(_cells_of, page.rows)
        after = page.next


def _cells_of(row: InvitationRow) -> tuple[str, ...]:
    moments = (row.created_at.isoformat(timespec="seconds"), row.expires_at.isoformat(timespec="seconds"))
    return (row.email, row.role.label, row.state, row.invited_by or "", *moments)
