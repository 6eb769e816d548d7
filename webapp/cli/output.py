"""What commands share: the application they speak to, tables, JSON, progress, and refusals as sentences."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import click
from flask import Flask

from webapp import create_app
from webapp.config import Settings
from webapp.errors import DomainError
from webapp.models import Organization
from webapp.queries import organizations

as_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


@contextmanager
def application() -> Iterator[Flask]:
    """Enter the context of the application under the settings in force; a refusal becomes a sentence and exit 1."""
    app = create_app(Settings.from_environment())
    with app.app_context():
        try:
            yield app
        except DomainError as refusal:
            raise click.ClickException(str(refusal)) from refusal


def show_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def show_table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows below titles, in columns as wide as what is in them."""
    lines = [[printable(value) for value in row] for row in [titles, *rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    for line in lines:
        click.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def printable(value: object) -> str:
    """Return a value without characters that a terminal would obey instead of showing them."""
    text = "" if value is None else str(value)
    return "".join(character if character.isprintable() else "?" for character in text)


def progress(length: int, label: str) -> AbstractContextManager[Any]:
    """Return a progress bar on standard error, drawn on a terminal only."""
    return click.progressbar(length=length, label=label, file=sys.stderr, hidden=not sys.stderr.isatty())


def organization_of(slug: str) -> Organization:
    """Return an organization, within a transaction.

    Raises:
        ClickException: there is none.
    """
    organization = organizations.with_slug(slug)
    if organization is None:
        raise click.ClickException(f"There is no organization {slug}.")
    return organization
