"""vestibule seed"""

from collections.abc import Callable
from dataclasses import astuple, dataclass
from functools import partial

import click

from webapp.cli.output import application, progress
from webapp.db import perform
from webapp.services import seed as service
from webapp.services.seed import Seeded


@dataclass(frozen=True)
class Size:
    """How many of each a made-up organization has, besides its owner. Projects need a team, and groups a project."""

    members: int = 0
    teams: int = 0
    projects: int = 0
    groups: int = 0
    invitations: int = 0

    @property
    def rows(self) -> int:
        """How many there are of all of them."""
        return sum(astuple(self))


@click.command()
@click.option("--members", default=100, show_default=True, type=click.IntRange(0, 1_000_000), help="How many.")
@click.option(
    "--teams",
    default=0,
    show_default=True,
    type=click.IntRange(0, 10_000),
    help="With any, three of ten members reach only what one to three teams and their access groups give.",
)
@click.option(
    "--projects", default=0, show_default=True, type=click.IntRange(0, 100_000), help="Each of one team or two."
)
@click.option(
    "--groups",
    default=0,
    show_default=True,
    type=click.IntRange(0, 10_000),
    help="Access groups of any level, each with up to five projects of a team; a quarter of the members is in one.",
)
@click.option("--invitations", default=0, show_default=True, type=click.IntRange(0, 100_000), help="Open ones.")
@click.option("--name", default="Seedling", show_default=True, help="What the organization is called.")
def seed(members: int, teams: int, projects: int, groups: int, invitations: int, name: str) -> None:
    """Make a made-up organization of any size, for trying and for benchmarks. No letter leaves.

    Who is where is given out at random, and the same each time.
    """
    if projects and not teams:
        raise click.UsageError("A project belongs to a team: give --teams too.")
    if groups and not projects:
        raise click.UsageError("An access group holds projects of a team: give --teams and --projects too.")
    size = Size(members, teams, projects, groups, invitations)
    with application() as app, progress(size.rows, f"Making {name}") as bar:
        seeded = fill(name, size, bar.update)
    base_url = app.extensions["vestibule"].base_url
    click.echo(f"Organization  {base_url}/orgs/{seeded.slug}/members")
    click.echo(f"Owner         {seeded.owner_email}")
    click.echo(f"Password      choose one within the hour: {base_url}/reset-password/{seeded.reset_token}")


def fill(name: str, size: Size, advance: Callable[[int], object]) -> Seeded:
    """Make an organization step by step, each step in a transaction of its own.

    Args:
        name: of the organization.
        size: how many of each.
        advance: told after each step how many were made.
    """
    seeded = perform(partial(service.begin, name), write=True)
    for add, length, rows in (
        (service.add_teams, size.teams, service.ROWS_A_STEP),
        (service.add_projects, size.projects, service.ROWS_A_STEP),
        (service.add_groups, size.groups, service.ROWS_A_STEP),
        (service.add_members, size.members, service.ROWS_A_STEP),
        (service.invite, size.invitations, service.INVITATIONS_A_STEP),
    ):
        for start in range(0, length, rows):
            numbers = range(start, min(start + rows, length))
            perform(partial(add, seeded, numbers), write=True)
            advance(len(numbers))
    return seeded
