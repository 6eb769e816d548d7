"""What changes of single sign-on owe to many people, done in batches too small to keep anybody waiting."""

import threading
from collections.abc import Mapping
from functools import partial

from webapp.db import perform
from webapp.mail.apart import attempt
from webapp.services.sso import disabling, errands, letters, refills, rehearsals, reminders
from webapp.services.sso.errands import Owed, Step

STEPS: Mapping[str, Step] = {
    Owed.SESSIONS_END: disabling.end_sessions,
    Owed.LINKED_ARE_TOLD: letters.tell_linked,
    Owed.UNPROVEN_ARE_TOLD: disabling.tell_unproven,
    Owed.PUT_OFF_ARE_TOLD: disabling.tell_named,
    Owed.ONE_IS_TOLD: disabling.tell_named,
    Owed.OUTSIDERS_ARE_REMINDED: rehearsals.remind,
    Owed.GROUP_IS_REFILLED: refills.refill,
    Owed.MEMBERS_ARE_REMINDED: reminders.remind_next,
}


def go_on(stop: threading.Event) -> None:
    """Do one batch of each errand whose turn it is, unless it is time to stop; then what waits in the outbox leaves.

    So a letter to one person never waits behind those to a whole organization, and an errand that fails is tried again
    later, behind the others.
    """
    for number in perform(partial(errands.due, STEPS), write=False):
        if stop.is_set():
            return
        batch = partial(perform, partial(errands.go_on, number, STEPS), write=True)
        if not attempt(batch, "What is owed to many people could not be done; it is tried again later.", errand=number):
            perform(partial(errands.put_off, number), write=True)
