"""What is asked while nobody waits: whether connections work, whether people are still vouched for, and about domains.

Each connection is visited in a thread of its own for a limited time, so that one who is slow costs the others nothing.
No transaction is open while a provider is asked. Any number of workers may go round: each question is taken by one.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TypeVar

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from webapp.db import perform
from webapp.providers.base import Surroundings
from webapp.providers.connected import outcome_of_probe, provider_of, said_by
from webapp.providers.errors import NotBelieved, ProviderError, SaidNo
from webapp.providers.name_servers import NameServersSilent, texts_at
from webapp.providers.patience import Patience
from webapp.services.sso import domain_looks, health, lapses, reverification
from webapp.services.sso.lapses import Lapsed
from webapp.services.sso.reverification import Asked

EVERY_SECONDS = 60.0
VISITS_AT_ONCE = 8
VISIT_SECONDS = 30.0
LAPSES_EVERY_SECONDS = 3600.0
NOT_ASKED = "An identity provider could not be asked."
NOT_LOOKED_AT = "A domain could not be looked at."
NOT_TAKEN_BACK = "What claims gave could not be taken back where no provider vouches any more."

T = TypeVar("T")

log = logging.getLogger(__name__)


def own_patience() -> Patience:
    """Return that of those who go round, whom nobody waits for: there is a place for each of them."""
    return Patience(4 * VISITS_AT_ONCE)


class Rounds:
    """Asks the providers of one application; see the module.

    Args:
        app: whose connections they are.
        surroundings: how providers are reached.
        stop: when it is set, whoever is being asked about is the last.
    """

    def __init__(self, app: Flask, surroundings: Surroundings, stop: threading.Event) -> None:
        self._app, self._stop = app, stop
        self._surroundings = replace(surroundings, patience=own_patience())
        self._lapses_due = time.monotonic()

    def run_forever(self) -> None:
        """Go round every minute until it is time to stop."""
        while not self._stop.is_set():
            self.run_once()
            self._stop.wait(EVERY_SECONDS)

    def run_once(self) -> None:
        """Visit every connection to ask, then the name servers of domains; take back what no word stands for now."""
        self._visit_each(health.due, self._ask, NOT_ASKED)
        self._visit_each(domain_looks.due, self._look_at, NOT_LOOKED_AT)
        if time.monotonic() >= self._lapses_due:
            self._lapses_due = time.monotonic() + LAPSES_EVERY_SECONDS
            self._in_peace(self._take_back, NOT_TAKEN_BACK)

    def _take_back(self) -> None:
        after: int | None = 0
        while after is not None:
            lapsed = perform(partial(lapses.find, after), write=False)
            self._take_back_in_turn(lapsed)
            after = None if self._stop.is_set() else lapsed.after

    def _take_back_in_turn(self, lapsed: Lapsed) -> None:
        """Take back from some in one organization, then in the next, until it is done or time to stop.

        Where that fails the organization waits for the next round, and the others do not.
        """
        waiting = deque(lapsed.members.items())
        while waiting and not self._stop.is_set():
            organization_id, members = waiting.popleft()
            step = partial(perform, partial(lapses.take_back, organization_id, members), write=True)
            if self._in_peace(step, NOT_TAKEN_BACK):
                waiting.append((organization_id, members))

    def _visit_each(self, due: Callable[[], Sequence[int]], visit: Callable[[int], None], failure: str) -> None:
        found: list[int] = []
        self._in_peace(lambda: found.extend(perform(due, write=False)), failure)
        with ThreadPoolExecutor(VISITS_AT_ONCE) as threads:
            list(threads.map(lambda number: self._in_peace(lambda: visit(number), failure), found))

    def _look_at(self, domain_id: int) -> None:
        """Look whether a domain's record is still published; name servers that do not say so change nothing."""
        record = None if self._stop.is_set() else perform(partial(domain_looks.claim, domain_id), write=True)
        if record is None:
            return
        try:
            texts = texts_at(record.name, self._surroundings.name_server)
        except NameServersSilent:
            return
        perform(partial(domain_looks.note, domain_id, record, texts), write=True)

    def _ask(self, provider_id: int) -> None:
        if self._works(provider_id):
            self._ask_about_people(provider_id)

    def _in_peace(self, step: Callable[[], T], failure: str) -> T | None:
        """Do something with a context of its own; whatever goes wrong is for the log, and nothing else fails."""
        try:
            with self._app.app_context():
                return step()
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
            log.error("The database did not answer as it should; the worker tries again.", extra={"error": reason})
        except Exception:
            log.exception(failure)
        return None

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
            provider = provider_of(asked.connected, self._surroundings)
            answer = provider.refresh(asked.refresh_token, asked.subject)
        except SaidNo as error:
            is_so = perform(partial(reverification.invalidate, asked), write=True)
            self._log(asked, error, "no" if is_so else "no longer asked")
            return True
        except ProviderError as error:
            perform(partial(reverification.postpone, asked, error.refresh_token), write=True)
            self._log(asked, error, "no answer")
            return isinstance(error, NotBelieved)
        perform(partial(reverification.confirm, asked, said_by(provider, answer)), write=True)
        return True

    def _log(self, asked: Asked, error: ProviderError, became: str) -> None:
        of_whom = {"connection": asked.connected.id, "identity": asked.identity_id}
        log.warning("A provider did not vouch for somebody.", extra={**of_whom, "reason": error.reason, "then": became})
