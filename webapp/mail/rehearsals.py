"""Rehearsals of requiring single sign-on, kept going by the worker in steps too small to keep anybody waiting."""

from functools import partial

from webapp.db import perform
from webapp.services.sso import rehearsals


def go_on() -> None:
    """Queue the reminders that are due, and end the rehearsals whose day has come; several workers do so once."""
    for organization_id in perform(rehearsals.organizations_due, write=False):
        while perform(partial(rehearsals.go_on, organization_id), write=True):
            pass
