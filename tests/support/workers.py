"""Real mail workers, each a process of its own."""

import subprocess
import sys
from pathlib import Path

from tests.support.commands import variables


class Processes:
    """Real worker processes; those still running at the end are killed.

    Args:
        environment: the VESTIBULE_* variables.
        log_file: where what they print goes; to the test's own output when left out.
    """

    def __init__(self, environment: dict[str, str], log_file: Path | None = None) -> None:
        self._environment = variables(environment)
        self._log = log_file.open("ab") if log_file else None
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        """Start another one."""
        command = [sys.executable, "-m", "webapp.cli", "worker"]
        process = subprocess.Popen(command, env=self._environment, stdout=self._log, stderr=self._log)
        self.started.append(process)
        return process

    def end(self) -> None:
        """Kill those still running."""
        for process in self.started:
            process.kill()
            process.wait()
        if self._log:
            self._log.close()
