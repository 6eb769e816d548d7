"""vestibule seed"""

from collections.abc import Callable
from functools import partial

import click

from webapp.cli.output import application, progress
from webapp.db import perform
from webapp.services import seed as service
from webapp.services.seed import Seeded


@click.command()
@click.option("--members", default=100, show_default=True, type=click.IntRange(0, 1_000_000), help="How many.")
@click.option("--invitations", default=0, show_default=True, type=click.IntRange(0, 100_000), help="Open ones.")
@click.option("--name", default="Seedling", show_default=True, help="What the organization is called.")
def seed(members: int, invitations: int, name: str) -> None:
    """Make a made-up organization of any size, for trying and for benchmarks. No letter leaves."""
    with application() as app, progress(members + invitations, f"Making {name}") as bar:
        seeded = fill(name, members, invitations, bar.update)
    base_url = app.extensions["vestibule"].base_url
    click.echo(f"Organization  {base_url}/orgs/{seeded.slug}/members")
    click.echo(f"Owner         {seeded.owner_email}")
    click.echo(f"Password      choose one within the hour: {base_url}/reset-password/{seeded.reset_token}")


def fill(name: str, members: int, invitations: int, advance: Callable[[int], object]) -> Seeded:
    """Make an organization step by step, each step in a transaction of its own.

    Args:
        name: of the organization.
        members, invitations: how many.
        advance: told after each step how many were made.
    """
    seeded = perform(partial(service.begin, name), write=True)
    for add, length, size in (
        (service.add_members, members, service.ROWS_A_STEP),
        (service.invite, invitations, service.INVITATIONS_A_STEP),
    ):
        for start in range(0, length, size):
            numbers = range(start, min(start + size, length))
            perform(partial(add, seeded, numbers), write=True)
            advance(len(numbers))
    return seeded
