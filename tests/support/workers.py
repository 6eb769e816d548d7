"""Real mail workers, each a process of its own."""

import os
from pathlib import Path

from tests.support.commands import Copied, variables


class Processes:
    """Real worker processes; those still running at the end are killed.

    Args:
        environment: the VESTIBULE_* variables.
        log_file: where what they print goes; nowhere when left out.
    """

    def __init__(self, environment: dict[str, str], log_file: Path = Path(os.devnull)) -> None:
        self._environment = variables(environment)
        self._log_file = log_file
        self.started: list[Copied] = []

    def start(self) -> Copied:
        """Start another one."""
        self._log_file.touch()
        process = Copied(["worker"], self._environment, str(self._log_file))
        self.started.append(process)
        return process

    def end(self) -> None:
        """Kill those still running."""
        for process in self.started:
            process.kill()
            process.wait()
