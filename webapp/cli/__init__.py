"""The `vestibule` command."""

import os
import sys

import click
from sqlalchemy.exc import DBAPIError

from webapp.cli.access import access
from webapp.cli.audit import audit
from webapp.cli.backup import backup
from webapp.cli.check import check
from webapp.cli.config import config
from webapp.cli.demo_provider import demo_provider
from webapp.cli.invite import invite
from webapp.cli.members import members
from webapp.cli.migrate import migrate
from webapp.cli.seed import seed
from webapp.cli.serve import serve
from webapp.cli.setup_link import setup_link
from webapp.cli.sso import sso
from webapp.cli.sync import sync
from webapp.cli.worker import worker
from webapp.config import BadSetting

EXIT_UNAVAILABLE, EXIT_CONFIGURATION = 69, 78  # sysexits.h


@click.group()
@click.version_option(package_name="vestibule")
def vestibule() -> None:
    """Who belongs here, how do we know it is them, and what may they open."""


COMMANDS = (
    access,
    audit,
    backup,
    check,
    config,
    demo_provider,
    invite,
    members,
    migrate,
    seed,
    serve,
    setup_link,
    sso,
    sync,
    worker,
)
for command in COMMANDS:
    vestibule.add_command(command)


def main() -> None:
    """Run the command; a bad setting or an absent database is a sentence, not a traceback."""
    os.umask(0o077)  # the database, its journals and letters are nobody else's
    try:
        vestibule(prog_name="vestibule")
    except BadSetting as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_CONFIGURATION)
    except DBAPIError as error:
        click.echo(f"The database cannot be used: {error.orig}", err=True)
        click.echo("If it has never been set up, or comes from an older version, run: vestibule migrate", err=True)
        sys.exit(EXIT_UNAVAILABLE)
