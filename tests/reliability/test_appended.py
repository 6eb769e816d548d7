"""Eight processes change memberships of one organization, and are killed amid it: as many audit entries as changes."""

import random
import threading
from collections import Counter
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import pytest

from tests.reliability.appender import main
from tests.support.commands import Command, loaded, variables
from tests.support.ledger import Ledger
from tests.support.sizes import Figures, short_and_long, soak_factor
from tests.support.worlds import World
from webapp.models import Role

PROCESSES = 8
END_SECONDS = 60


class Appenders:
    """The processes, one for each membership, and what they have acknowledged."""

    def __init__(self, environment: dict[str, str], member_ids: list[int], times: int) -> None:
        self._environment = variables(environment)
        self._member_ids, self._times = member_ids, times
        self._more = threading.Condition()
        self.acknowledged: list[tuple[int, int]] = []
        self._running: dict[int, tuple[BaseProcess, threading.Thread]] = {}

    def start(self, member_id: int) -> None:
        """Start the process of a membership, or start it again."""
        heard, said = loaded().Pipe(duplex=False)
        process = loaded().Process(target=main, args=(self._environment, member_id, self._times, said))
        process.start()
        said.close()
        reader = threading.Thread(target=self._read, args=(member_id, heard))
        reader.start()
        self._running[member_id] = (process, reader)

    def kill(self, member_id: int) -> None:
        """Kill the process of a membership; all it has said has been heard."""
        process, reader = self._running.pop(member_id)
        process.kill()
        process.join()
        reader.join()

    def wait(self) -> None:
        """Return once all have done what they shall."""
        for process, reader in self._running.values():
            reader.join()
            process.join()
            assert process.exitcode == 0

    def wait_for(self, number: int) -> None:
        """Return once so many changes have been acknowledged in all."""
        with self._more:
            assert self._more.wait_for(lambda: len(self.acknowledged) >= number, END_SECONDS), "nothing goes on"

    def _read(self, member_id: int, heard: Connection) -> None:
        with heard, suppress(EOFError):
            while True:
                number = heard.recv()
                with self._more:
                    self.acknowledged.append((member_id, number))
                    self._more.notify_all()


@pytest.mark.parametrize(("times", "kills"), short_and_long((8, 3), (1000, 50 * soak_factor())))
def test_R24_killed_processes_leave_one_entry_for_each_change_and_one_chain(
    environment: dict[str, str],
    database_url: str,
    world: World,
    times: int,
    kills: int,
    figures: Figures,
) -> None:
    slug = world.organization("Harbour Works", world.person("Ada Winter", "ada@example.com"))
    people = [world.person(f"Guest {number}", f"guest{number}@example.org") for number in range(PROCESSES)]
    member_ids = [world.member(slug, person, Role.MEMBER) for person in people]
    appenders, source = Appenders(environment, member_ids, times), random.Random(times)  # noqa: S311
    for member_id in member_ids:
        appenders.start(member_id)
    pause = PROCESSES * times // (kills + 1)
    for kill in range(kills):
        # A little before the end of its pause, so that there is something left to do for whoever is killed.
        appenders.wait_for(kill * pause + source.randrange(1, pause))
        member_id = member_ids[source.randrange(PROCESSES)]
        appenders.kill(member_id)
        appenders.start(member_id)
    appenders.wait()
    ledger = Ledger(database_url)
    entries = Counter(row["target_id"] for row in ledger.rows("audit_entry", event="member.role_changed"))
    assert entries == dict.fromkeys(member_ids, times)
    assert len(set(appenders.acknowledged)) == len(appenders.acknowledged) <= entries.total()
    assert len(appenders.acknowledged) >= entries.total() - kills
    assert ledger.count("outbox_message", kind="role_changed") == entries.total()
    assert ledger.count("member", role=Role.MEMBER) == PROCESSES, "after an even number of changes"
    assert Command(environment)("audit", "verify").status == 0
    unheard = entries.total() - len(appenders.acknowledged)
    figures(processes=PROCESSES, appends=entries.total(), kills=kills, lost=0, unheard=unheard, forks=0)
