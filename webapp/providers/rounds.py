"""What providers are asked while nobody waits: whether connections work, and whether people are still vouched for.

Each connection is visited in a thread of its own for a limited time, so that one who is slow costs the others nothing.
No transaction is open while a provider is asked. Any number of workers may go round: each question is taken by one.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from webapp.db import perform
from webapp.providers.base import Surroundings
from webapp.providers.connected import outcome_of_probe, provider_of, said_by
from webapp.providers.errors import NotBelieved, ProviderError, SaidNo
from webapp.services.sso import health, reverification
from webapp.services.sso.reverification import Asked

EVERY_SECONDS = 60.0
VISITS_AT_ONCE = 8
VISIT_SECONDS = 30.0

log = logging.getLogger(__name__)


class Rounds:
    """Asks the providers of one application; see the module.

    Args:
        app: whose connections they are.
        surroundings: how providers are reached.
        stop: when it is set, whoever is being asked about is the last.
    """

    def __init__(self, app: Flask, surroundings: Surroundings, stop: threading.Event) -> None:
        self._app, self._surroundings, self._stop = app, surroundings, stop

    def run_forever(self) -> None:
        """Go round every minute until it is time to stop."""
        while not self._stop.is_set():
            self.run_once()
            self._stop.wait(EVERY_SECONDS)

    def run_once(self) -> None:
        """Visit every connection that is to be asked something."""
        due: list[int] = []
        self._in_peace(lambda: due.extend(perform(health.due, write=False)))
        with ThreadPoolExecutor(VISITS_AT_ONCE) as threads:
            list(threads.map(self._visit, due))

    def _visit(self, provider_id: int) -> None:
        self._in_peace(lambda: self._ask(provider_id))

    def _ask(self, provider_id: int) -> None:
        if self._works(provider_id):
            self._ask_about_people(provider_id)

    def _in_peace(self, step: Callable[[], object]) -> None:
        """Do something with a context of its own; whatever goes wrong is for the log, and no other visit fails."""
        try:
            with self._app.app_context():
                step()
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
            log.error("The database did not answer as it should; the worker tries again.", extra={"error": reason})
        except Exception:
            log.exception("An identity provider could not be asked.")

    def _works(self, provider_id: int) -> bool:
        """Probe a connection where that is due; tell whether anything speaks against asking it more."""
        if self._stop.is_set():
            return False
        connected = perform(partial(health.take, provider_id), write=True)
        if connected is None:
            return True
        outcome = outcome_of_probe(connected, self._surroundings)
        perform(partial(health.note, connected, outcome), write=True)
        return outcome.problem is None

    def _ask_about_people(self, provider_id: int) -> None:
        until = time.monotonic() + VISIT_SECONDS
        while not self._stop.is_set() and time.monotonic() < until:
            asked = perform(partial(reverification.take, provider_id), write=True)
            if asked is None or not self._ask_about(asked):
                return

    def _ask_about(self, asked: Asked) -> bool:
        """Ask about somebody; tell whether it makes sense to ask the same provider about others now."""
        try:
            answer = provider_of(asked.connected, self._surroundings).refresh(asked.refresh_token, asked.subject)
        except SaidNo as error:
            is_so = perform(partial(reverification.invalidate, asked), write=True)
            self._log(asked, error, "no" if is_so else "no longer asked")
            return True
        except ProviderError as error:
            perform(partial(reverification.postpone, asked, error.refresh_token), write=True)
            self._log(asked, error, "no answer")
            return isinstance(error, NotBelieved)
        perform(partial(reverification.confirm, asked, said_by(answer)), write=True)
        return True

    def _log(self, asked: Asked, error: ProviderError, became: str) -> None:
        of_whom = {"connection": asked.connected.id, "identity": asked.identity_id}
        log.warning("A provider did not vouch for somebody.", extra={**of_whom, "reason": error.reason, "then": became})
