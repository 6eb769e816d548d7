"""vestibule sso: single sign-on from the server itself, for when nobody comes in through it."""

import re
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import click

from webapp.access.actor import Actor
from webapp.cli.output import application, organization_of
from webapp.db import perform
from webapp.services import organizations
from webapp.services.sso import enforcement

LONGEST = timedelta(days=1)
UNITS = {"m": "minutes", "h": "hours"}


class Duration(click.ParamType[timedelta]):
    """A time like 30m or 2h, of at most a day."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the time that was typed."""
        if isinstance(value, timedelta):
            return value
        typed = re.fullmatch(r"([1-9][0-9]{0,3})([mh])", value)
        lasts = timedelta(**{UNITS[typed[2]]: int(typed[1])}) if typed else None
        if lasts is None or lasts > LONGEST:
            self.fail("Type a number and m or h, such as 30m or 2h; a day at most.", param, ctx)
        return lasts


@click.group()
def sso() -> None:
    """Single sign-on."""


@sso.command()
@click.argument("org")
@click.option("--for", "lasts", type=Duration(), default="30m", show_default=True, help="How long, such as 30m or 2h.")
def bypass(org: str, lasts: timedelta) -> None:
    """Let members of ORG in without its identity provider for a while, though it is required; it ends by itself.

    Its owners are told by mail, and the audit log keeps it.
    """
    with application():
        until = perform(partial(_bypass, org, lasts), write=True)
    click.echo(f"Members of {org} come in with their passwords until {until:%Y-%m-%d %H:%M} UTC.")


def _bypass(slug: str, lasts: timedelta) -> datetime:
    organizations.lock_by_slug(slug)
    return enforcement.bypass(Actor.system(), organization_of(slug), lasts)
