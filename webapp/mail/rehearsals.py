"""Rehearsals of requiring single sign-on, kept going by the worker in steps too small to keep anybody waiting."""

import threading
from functools import partial

from webapp.db import perform
from webapp.services.sso import rehearsals


def go_on(stop: threading.Event) -> None:
    """Begin the reminders that are due, and end the rehearsals whose day has come; several workers do so once.

    How many would be kept out is counted before, while nobody is held up by it.
    """
    for organization_id in perform(rehearsals.organizations_due, write=False):
        if stop.is_set():
            return
        people = perform(partial(rehearsals.count_outside, organization_id), write=False)
        perform(partial(rehearsals.go_on, organization_id, people), write=True)
