"""R24: whatever is killed in the middle of a change, the change is there with its audit entry, or neither is."""

import os
import signal
import subprocess
import threading
from http.client import HTTPException
from pathlib import Path

import pytest

from tests.support.acme import Acme
from tests.support.commands import Command
from tests.support.ledger import Ledger
from tests.support.server import Server, running_server
from tests.support.sizes import short_and_long
from tests.support.visitor import Visitor, visitor_at

VISITORS = 8
INVITATIONS_BETWEEN_KILLS = 6


class Crowd:
    """Visitors who invite one address after another until they are told to stop; a dead process is no reason to."""

    def __init__(self, acme: Acme, server: Server) -> None:
        self.answered: list[str] = []
        self._path = acme.address("members/new")
        self._more = threading.Condition()
        self._is_over = threading.Event()
        visitors = [visitor_at(server.url, self._path, acme.world, acme.owner) for _ in range(VISITORS)]
        self._threads = [threading.Thread(target=self._invite, args=(n, v)) for n, v in enumerate(visitors)]

    def run(self, server: Server, kills: int) -> None:
        """Let them invite, and kill one process of the server after another."""
        for thread in self._threads:
            thread.start()
        try:
            for kill in range(kills):
                self._wait_for_more()
                processes = processes_of(server)
                os.kill(processes[kill % len(processes)], signal.SIGKILL)
            self._wait_for_more()
        finally:
            self._is_over.set()
            for thread in self._threads:
                thread.join()

    def _wait_for_more(self) -> None:
        with self._more:
            wanted = len(self.answered) + INVITATIONS_BETWEEN_KILLS
            assert self._more.wait_for(lambda: len(self.answered) >= wanted, timeout=60)

    def _invite(self, who: int, visitor: Visitor) -> None:
        number = 0
        while not self._is_over.is_set():
            number += 1
            email = f"guest{number}@visitor{who}.example.org"
            try:
                answer = visitor.send(self._path, emails=email, role="member", lifetime_days=7)
            except (OSError, HTTPException):
                continue
            if answer.status == 303:
                with self._more:
                    self.answered.append(email)
                    self._more.notify()


def processes_of(server: Server) -> list[int]:
    """Return the ids of the processes that answer requests."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(pid) for pid, parent in map(str.split, listed.splitlines()) if int(parent) == server.process.pid]


@pytest.mark.parametrize("kills", short_and_long(5, 12))
def test_R24_killed_processes_leave_as_many_entries_as_changes_in_one_unbroken_chain(
    acme: Acme, vestibule: Command, environment: dict[str, str], database_url: str, tmp_path: Path, kills: int
) -> None:
    with running_server(environment, tmp_path, "--workers", "4") as server:
        crowd = Crowd(acme, server)
        crowd.run(server, kills)
    ledger = Ledger(database_url)
    stored = {row["email"] for row in ledger.rows("invitation")}
    assert {row["target_name"] for row in ledger.rows("audit_entry", event="invitation.sent")} == stored
    assert ledger.count("audit_entry", event="invitation.sent") == len(stored) == ledger.count("invitation")
    assert ledger.count("outbox_message", kind="invitation") == len(stored)
    assert set(crowd.answered) <= stored
    assert vestibule("audit", "verify").status == 0
