"""vestibule sync: let managed access groups hold exactly those who should be in them."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import click

from webapp.access import plugins
from webapp.access.facts import active_members
from webapp.access.plugins import ManagedGroup
from webapp.cli.output import application, as_json, organization_of, printable, show_json
from webapp.db import perform
from webapp.errors import DomainError
from webapp.queries import organizations
from webapp.services import managed
from webapp.services.managed import Problem, Synced, Trouble

ROWS_A_STEP = 1_000
SENTENCES = {
    Trouble.NO_TEAM: "there is no team {team}, so the access group {group} was left out",
    Trouble.NO_PROJECT: "team {team} owns no project {project}, so the access group {group} goes without",
    Trouble.NAME_TAKEN: "team {team} has another access group {group}, which stays as it is",
    Trouble.DISAGREEMENT: "answers differ about {group} of team {team}: the lowest level and the common projects count",
}


@click.command()
@click.option("--org", metavar="SLUG", help="Only this organization.")
@as_json
def sync(org: str | None, is_json: bool) -> None:
    """Ask plug-ins who belongs in which access group, and let the groups they manage hold exactly those.

    Exit status: 0 all is as they said, 1 a plug-in failed or something was left out.
    """
    with application():
        if not plugins.sources():
            click.echo("No plug-in is installed that fills access groups.", err=True)
        found = perform(partial(_organizations, org), write=False)
        outcomes = {slug: _synced(number, slug) for number, slug in found}
    if is_json:
        show_json({slug: _facts(outcome) for slug, outcome in outcomes.items()})
    else:
        for slug, outcome in outcomes.items():
            _show(slug, outcome)
    if any(outcome is None or outcome.problems for outcome in outcomes.values()):
        raise SystemExit(1)


def _organizations(org: str | None) -> list[tuple[int, str]]:
    if org:
        return [(organization_of(org).id, org)]
    return [*organizations.slugs_by_id().items()]


def _synced(organization_id: int, slug: str) -> Synced | None:
    """Bring one organization up to date; nothing where it was refused, so that the others still have their turn."""
    try:
        said = _ask_about_all(organization_id)
        return perform(partial(managed.sync, organization_id, said), write=True)
    except DomainError as refusal:
        click.echo(f"{slug}: {printable(refusal)}", err=True)
        return None


def _ask_about_all(organization_id: int) -> dict[int, Sequence[ManagedGroup]]:
    """Ask plug-ins about all active members, who are read step by step."""
    said: dict[int, Sequence[ManagedGroup]] = {}
    after = 0
    while members := perform(partial(active_members, organization_id, after=after, most=ROWS_A_STEP), write=False):
        said |= managed.ask(members)
        after = members[-1].member_id
    return said


def _show(slug: str, outcome: Synced | None) -> None:
    if outcome is None:
        return
    click.echo(f"{slug}: access groups made or changed: {outcome.changed}")
    for problem in outcome.problems:
        sentence = SENTENCES[problem.trouble].format(**asdict(problem))
        click.echo(printable(f"{slug}: {problem.source}: {sentence}"), err=True)


def _facts(outcome: Synced | None) -> dict[str, Any]:
    if outcome is None:
        return {"ok": False}
    return {"ok": not outcome.problems, "changed": outcome.changed, "problems": [*map(_told, outcome.problems)]}


def _told(problem: Problem) -> dict[str, Any]:
    return asdict(problem) | {"trouble": problem.trouble.value}
