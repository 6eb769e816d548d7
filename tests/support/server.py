"""The real server, started as a person would start it."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 20
STOP_SECONDS = 10
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Server:
    """A running server: where it answers, and the file with everything it printed."""

    url: str
    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def log(self) -> str:
        """Everything it has printed so far."""
        return self.log_file.read_text(errors="replace")


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running_server(environment: Mapping[str, str], folder: Path, *arguments: str) -> Iterator[Server]:
    """Run `vestibule serve` on a free loopback port until the block ends.

    Args:
        environment: the VESTIBULE_* variables; BASE_URL is added. Those of the test run itself do not reach the server.
        folder: where its log goes.
        arguments: more arguments of `serve`, such as "--with-worker".

    Raises:
        AssertionError: it stopped or was not ready in time; the message holds its log.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("VESTIBULE_")}
    command = [str(Path(sys.executable).with_name("vestibule")), "serve", "--bind", f"127.0.0.1:{port}", *arguments]
    log_file = folder / f"server-{port}.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command,
            env={**inherited, "VESTIBULE_BASE_URL": url, **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(url, process, log_file)
    try:
        wait_until_ready(server)
        yield server
    finally:
        stop(process)


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


def stop(process: subprocess.Popen[bytes]) -> None:
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


def _has_ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True
