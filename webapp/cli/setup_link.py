"""vestibule setup-link"""

import click
from flask import Flask

from webapp import create_app
from webapp import db as database
from webapp.config import Settings
from webapp.services import first_run


@click.command("setup-link")
def setup_link() -> None:
    """Print the address that makes the first owner."""
    settings = Settings.from_environment()
    link = link_if_possible(create_app(settings), settings)
    if link is None:
        raise click.ClickException("Somebody has an account already, so the set-up link no longer works.")
    click.echo(link)


def link_if_possible(app: Flask, settings: Settings) -> str | None:
    """Return the set-up link, or nothing once somebody has an account."""
    with app.app_context():
        if not database.perform(first_run.is_possible, write=False):
            return None
    return f"{settings.base_url}/setup/{first_run.setup_token(settings.secret_key)}"
