"""The `vestibule` command as a person runs it: the real console script in a process of its own."""

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from webapp.cli import main

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
    """Runs `vestibule` with the settings of one test, in a process of its own each time.

    Loading the program takes longer than most commands: one process has loaded it, and is copied for each command.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def __call__(self, *arguments: object, found_in: Sequence[str] = (), **more: str) -> Ran:
        """Run it to its end, with `more` variables; packages are looked for in the folders of `found_in` first."""
        ran = _copied([str(argument) for argument in arguments], variables(self._environment, **more), found_in)
        assert "Traceback" not in ran.err, ran.err
        return ran


class Copied:
    """A command that runs in a copy of the loaded process, in a session of its own; named as Popen names things.

    Args:
        arguments: of `vestibule`.
        environment: all variables of its environment.
        out: the file that gets what it prints.
        err: the file that gets its complaints, if it is another one.
        found_in: the folders in which packages are looked for first.
    """

    def __init__(
        self,
        arguments: list[str],
        environment: Mapping[str, str],
        out: str,
        err: str = "",
        found_in: Sequence[str] = (),
    ) -> None:
        self._process = loaded().Process(target=_run, args=(arguments, environment, out, err or out, found_in))
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        """How it ended, if it has: its status, or the negative number of the signal."""
        return self._process.exitcode

    def wait(self, seconds: float | None = None) -> int:
        """Return how it ended.

        Raises:
            TimeoutError: it still runs after so many seconds.
        """
        self._process.join(seconds)
        if self.returncode is None:
            raise TimeoutError(f"process {self.pid} has not ended after {seconds} seconds")
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


def _copied(arguments: list[str], environment: Mapping[str, str], found_in: Sequence[str]) -> Ran:
    with NamedTemporaryFile("r") as out, NamedTemporaryFile("r") as err:
        process = Copied(arguments, environment, out.name, err.name, found_in)
        try:
            status = process.wait(PATIENCE_SECONDS)
        finally:
            process.kill()
        return Ran(status, out.read(), err.read())


@cache
def loaded() -> ForkServerContext:
    """Return what starts processes as copies of one that has loaded the program."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(["pytest", "webapp.cli", __name__])
    return found


def _run(arguments: list[str], environment: Mapping[str, str], out: str, err: str, found_in: Sequence[str]) -> None:
    """Be the console script."""
    os.setsid()
    sys.path[:0] = found_in
    os.environ.clear()
    os.environ.update(environment)
    writing = os.O_WRONLY | os.O_APPEND
    for descriptor, path, flags in ((0, os.devnull, os.O_RDONLY), (1, out, writing), (2, err, writing)):
        os.dup2(os.open(path, flags), descriptor)
    sys.stdin, sys.stdout, sys.stderr = (open(at, mode, closefd=False) for at, mode in ((0, "r"), (1, "w"), (2, "w")))  # noqa: SIM115  (they end with the process)
    sys.argv = [script(), *arguments]
    main()
