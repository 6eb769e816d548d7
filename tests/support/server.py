"""The real server, started as a person would start it."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.commands import Copied, script, variables

START_SECONDS = 60
STOP_SECONDS = 30
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Server:
    """A running server: where it answers, and the file with everything it printed."""

    url: str
    process: Copied | subprocess.Popen[bytes]
    log_file: Path

    @property
    def log(self) -> str:
        """Everything it has printed so far."""
        return self.log_file.read_text(errors="replace")


@contextmanager
def reserved_port() -> Iterator[int]:
    """Yield a port of the loopback address that nobody else is given within the block, and that nobody listens on.

    Whoever connects is refused, until somebody asks for this very port to listen there, as a server does.
    """
    with socket.socket() as place:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind(("127.0.0.1", 0))
        port = int(place.getsockname()[1])
        if sys.platform != "linux":
            place.close()  # nobody could listen where it is bound
        yield port


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on; `reserved_port` says so for longer."""
    with reserved_port() as port:
        return port


@contextmanager
def running_server(
    environment: Mapping[str, str], folder: Path, *arguments: str, is_copied: bool = True
) -> Iterator[Server]:
    """Run `vestibule serve` on a free loopback port until the block ends.

    Args:
        environment: the VESTIBULE_* variables; BASE_URL is added. Those of the test run itself do not reach the server.
        folder: where its log goes.
        arguments: more arguments of `serve`, such as "--with-worker".
        is_copied: whether it begins as a copy of a process that has loaded the program, which takes less long.

    Raises:
        AssertionError: it stopped or was not ready in time; the message holds its log.
    """
    with reserved_port() as port, _running_at(port, environment, folder, arguments, is_copied=is_copied) as server:
        yield server


@contextmanager
def _running_at(
    port: int, environment: Mapping[str, str], folder: Path, arguments: Sequence[str], *, is_copied: bool
) -> Iterator[Server]:
    url = f"http://127.0.0.1:{port}"
    given = ["serve", "--bind", f"127.0.0.1:{port}", *arguments]
    own = variables({"VESTIBULE_BASE_URL": url, **environment})
    log_file = folder / f"server-{port}.log"
    log_file.touch()
    start = Copied if is_copied else _start
    server = Server(url, start(given, own, str(log_file)), log_file)
    try:
        wait_until_ready(server)
        yield server
    finally:
        stop(server.process)


def _start(arguments: list[str], environment: Mapping[str, str], out: str) -> subprocess.Popen[bytes]:
    """Start the command as a person would, in a session of its own."""
    with Path(out).open("wb") as log:
        return subprocess.Popen(
            [script(), *arguments], env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )


def wait_until_ready(server: Server) -> None:
    """Return once /readyz answers 200.

    Raises:
        AssertionError: it stopped or was not ready in time.
    """
    deadline = time.monotonic() + START_SECONDS
    while not _is_ready(server.url):
        if _has_ended(server.process, POLL_SECONDS):
            raise AssertionError(f"the server stopped with status {server.process.returncode}:\n{server.log}")
        if time.monotonic() > deadline:
            raise AssertionError(f"the server was not ready within {START_SECONDS} s:\n{server.log}")


def stop(process: Copied | subprocess.Popen[bytes]) -> None:
    """Ask a process to end; kill it and its children when it does not."""
    process.terminate()
    if not _has_ended(process, STOP_SECONDS):
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=START_SECONDS) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _has_ended(process: Copied | subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except (TimeoutError, subprocess.TimeoutExpired):
        return False
    return True
