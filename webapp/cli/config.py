"""vestibule config"""

import click

from webapp.config import Settings


@click.command()
def config() -> None:
    """Print the settings in force, secrets masked."""
    for name, value in Settings.from_environment().masked().items():
        click.echo(f"{name}={value}")
