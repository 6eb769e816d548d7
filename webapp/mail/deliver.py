"""The worker: sends what the outbox holds, and keeps house.

The outbox and the mail server cannot change together, so a letter may arrive twice when a worker dies between the
server's acknowledgement and our note of it; never not at all. Both copies have the same Message-ID and link.
"""

import logging
import threading
from datetime import timedelta

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from webapp import clock
from webapp.config import Settings
from webapp.errors import N_
from webapp.mail import errands, housekeeping, queue, rehearsals, reminders
from webapp.mail.compose import Composer
from webapp.mail.faults import UNEXPECTED, Fault, LetterDelayed, LetterNotComposable, LetterRefused, ServerUnreachable
from webapp.mail.transport import Transport
from webapp.models import LetterState, OutboxMessage

NO_SERVER = Fault(N_("No mail server is configured yet."))
HOUSEKEEPING_EVERY = timedelta(minutes=1)
# A delivery waits at most so often for the mail server, from the connection to the last acknowledgement.
WAITS_PER_DELIVERY = 15

log = logging.getLogger(__name__)


class Worker:
    """Delivers the letters of one application; any number of workers may share a database.

    Args:
        app: whose outbox it is.
        transport: how letters leave; None while no mail server is configured.
    """

    def __init__(self, app: Flask, transport: Transport | None) -> None:
        settings: Settings = app.extensions["vestibule"]
        self._app = app
        self._transport = transport
        self._composer = Composer(app, settings)
        self._lease_for = timedelta(seconds=30 + WAITS_PER_DELIVERY * settings.mail_timeout_seconds)
        self._housekeeping_due = clock.now()

    def run_once(self) -> int:
        """Deliver everything that is due; return how many letters still have to leave, now or later."""
        with self._app.app_context():
            self._deliver_due(threading.Event())
            return queue.left()

    def run_forever(self, stop: threading.Event, poll_seconds: float = 1.0) -> None:
        """Deliver until `stop` is set; then finish the letter at hand and return."""
        if self._transport is None:
            log.warning(str(NO_SERVER))
        with self._app.app_context():
            while not stop.is_set():
                self._turn(stop)
                stop.wait(poll_seconds)

    def _turn(self, stop: threading.Event) -> None:
        try:
            self._deliver_due(stop)
            errands.go_on(stop)
            if clock.now() >= self._housekeeping_due:
                self._housekeeping_due = clock.now() + HOUSEKEEPING_EVERY
                housekeeping.clear_all()
                reminders.queue_due()
                rehearsals.go_on(stop)
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
            log.error("The database did not answer as it should; the worker tries again.", extra={"error": reason})

    def _deliver_due(self, stop: threading.Event) -> None:
        if self._transport is None:
            queue.explain(NO_SERVER)
            return
        try:
            while not stop.is_set() and (letter := queue.take(self._lease_for)):
                self._deliver(letter, self._transport)
        except ServerUnreachable as error:
            queue.explain(error.fault)
        finally:
            self._transport.close()

    def _deliver(self, letter: OutboxMessage, transport: Transport) -> None:
        """Try to send one letter and note what became of it.

        Raises:
            ServerUnreachable: it is noted, and the next letter would fare no better.
        """
        try:
            transport.send(self._composer.compose(letter))
        except (LetterNotComposable, LetterRefused) as error:
            self._note(letter, LetterState.FAILED, error.fault)
        except LetterDelayed as error:
            self._note(letter, LetterState.QUEUED, error.fault)
            if isinstance(error, ServerUnreachable):
                raise
        except Exception:
            log.exception("A letter could not be handed over.", extra={"message_id": letter.message_id})
            self._note(letter, LetterState.QUEUED, UNEXPECTED)
        else:
            self._note(letter, LetterState.SENT)

    def _note(self, letter: OutboxMessage, state: LetterState, fault: Fault | None = None) -> None:
        if state is LetterState.QUEUED:
            state = queue.postpone(letter, fault or UNEXPECTED)
        elif not queue.finish(letter, state, *([fault] if fault else [])):
            log.warning("The lease ran out while the letter was sent.", extra={"message_id": letter.message_id})
        details = {"message_id": letter.message_id, "kind": letter.kind, "state": state.value}
        error = str(fault) if fault else None
        log.info("Letter %s", state.value, extra={**details, "attempt": letter.attempts, "error": error})
