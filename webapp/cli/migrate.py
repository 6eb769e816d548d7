"""vestibule migrate"""

import click

from webapp import create_app, schema
from webapp.config import Settings
from webapp.http import logs


@click.command()
def migrate() -> None:
    """Bring the database up to date, making it where there is none."""
    logs.configure()
    settings = Settings.from_environment()
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    schema.upgrade(create_app(settings))
    click.echo("The database is up to date.")
