"""vestibule members"""

from collections.abc import Iterator
from functools import partial

import click

from webapp.cli.output import application, as_json, organization_of, show_json, show_table
from webapp.db import perform
from webapp.models import Role
from webapp.models.member import last_day
from webapp.queries.members import ListedStatus, MemberRow, WantedMembers, members_of
from webapp.queries.page import Page


@click.command()
@click.argument("org")
@click.option("--q", default="", metavar="WORDS", help="Whose name or address has words that begin like these.")
@click.option("--role", type=click.Choice([role.label for role in Role]))
@click.option("--status", type=click.Choice([standing.value for standing in ListedStatus]))
@as_json
def members(org: str, q: str, role: str | None, status: str | None, is_json: bool) -> None:
    """List the members of the organization ORG."""
    which = WantedMembers(q, Role[role.upper()] if role else None, ListedStatus(status) if status else None)
    with application():
        rows = list(_every(org, which))
    if is_json:
        show_json([_facts(row) for row in rows])
    else:
        show_table(("id", "name", "email", "role", "status", "last day"), [_cells(row) for row in rows])


def _every(slug: str, which: WantedMembers) -> Iterator[MemberRow]:
    """Yield all members page by page, each read in a transaction of its own."""

    def page(after: str) -> Page[MemberRow]:
        return members_of(organization_of(slug), which, after=after, viewer_id=None)

    after: str | None = ""
    while after is not None:
        found = perform(partial(page, after), write=False)
        yield from found.rows
        after = found.next


def _cells(row: MemberRow) -> tuple[object, ...]:
    day = last_day(row.expires_at).isoformat() if row.expires_at else ""
    return (row.id, row.name, row.email, row.role.label, row.standing.value, day)


def _facts(row: MemberRow) -> dict[str, object]:
    return {
        "id": row.id,
        "user_id": row.user_id,
        "name": row.name,
        "email": row.email,
        "role": row.role.label,
        "status": row.standing.value,
        "expires_at": row.expires_at and row.expires_at.isoformat(),
        "joined_at": row.joined_at.isoformat(),
        "last_active_at": row.last_active_at and row.last_active_at.isoformat(),
    }
