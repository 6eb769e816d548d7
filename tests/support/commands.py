"""The `vestibule` command as a person runs it: the real console script in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)

    @property
    def table(self) -> list[list[str]]:
        """The cells of the table it printed, without the titles."""
        return [line.split("  ") for line in self.out.splitlines()[1:]]


def script(name: str = "vestibule") -> str:
    """Return the path of a console script of this environment."""
    return str(Path(sys.executable).with_name(name))


def variables(environment: Mapping[str, str], **more: str) -> dict[str, str]:
    """Return the environment of a process: none of the test run's settings, but these."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("VESTIBULE_")}
    return {**inherited, **environment, **more}


class Command:
    """Runs `vestibule` with the settings of one test."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def __call__(self, *arguments: object, **more: str) -> Ran:
        """Run it to its end; `more` are further variables of its environment."""
        done = subprocess.run(
            [script(), *map(str, arguments)],
            env=variables(self._environment, **more),
            capture_output=True,
            check=False,
            text=True,
            timeout=PATIENCE_SECONDS,
            stdin=subprocess.DEVNULL,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)
