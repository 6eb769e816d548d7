"""vestibule config"""

import click

from webapp.cli.output import as_json, show_json
from webapp.config import Settings


@click.command()
@as_json
def config(is_json: bool) -> None:
    """Print the settings in force, secrets masked."""
    settings = Settings.from_environment().masked()
    if is_json:
        show_json(settings)
        return
    for name, value in settings.items():
        click.echo(f"{name}={value}")
