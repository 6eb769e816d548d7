"""Rehearsals of requiring single sign-on, kept going by the worker in steps too small to keep anybody waiting."""

import threading
from functools import partial

from webapp.db import perform
from webapp.mail.apart import attempt
from webapp.services.sso import rehearsals


def go_on(stop: threading.Event) -> None:
    """Begin the reminders that are due, and end the rehearsals whose day has come; several workers do so once.

    Where that fails for one organization, the others go on.
    """
    for organization_id in perform(rehearsals.organizations_due, write=False):
        if stop.is_set():
            return
        step = partial(_go_on, organization_id)
        attempt(step, "A rehearsal could not go on; the worker tries again.", organization=organization_id)


def _go_on(organization_id: int) -> None:
    """Count how many would be kept out, while nobody is held up by it; then do what is due."""
    people = perform(partial(rehearsals.count_outside, organization_id), write=False)
    perform(partial(rehearsals.go_on, organization_id, people), write=True)
