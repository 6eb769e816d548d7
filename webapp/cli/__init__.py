"""The `vestibule` command."""

import sys

import click

from webapp.cli.config import config
from webapp.cli.migrate import migrate
from webapp.cli.serve import serve
from webapp.cli.setup_link import setup_link
from webapp.cli.worker import worker
from webapp.config import BadSetting


@click.group()
@click.version_option(package_name="vestibule")
def vestibule() -> None:
    """Who belongs here, how do we know it is them, and what may they open."""


for command in (config, migrate, serve, setup_link, worker):
    vestibule.add_command(command)


def main() -> None:
    """Run the command; a bad setting is one sentence, not a traceback."""
    try:
        vestibule(prog_name="vestibule")
    except BadSetting as error:
        click.echo(str(error), err=True)
        sys.exit(78)
