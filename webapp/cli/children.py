"""What `vestibule serve` runs beside the server, such as the mail worker, and how these processes end."""

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Self

STOP_SECONDS = 10
RESTART_SECONDS = 2

log = logging.getLogger(__name__)


class Child:
    """A command of ours as a child process, started again whenever it ends while the server runs.

    Its standard input is a pipe from here: should this process be killed, the child reads its end and goes too.

    Args:
        name: what it is, for the logs.
        arguments: those of `vestibule`, for a command that ends with its standard input.
        inherited: open files that it is to have as well.
    """

    def __init__(self, name: str, arguments: Sequence[str], inherited: Sequence[int] = ()) -> None:
        self._name, self._inherited = name, inherited
        self._command = [sys.executable, "-m", "webapp.cli", *arguments]
        self._is_over = threading.Event()
        self._watch = threading.Thread(target=self._keep_running, daemon=True)
        self._changing = threading.Lock()
        self._process = self._start()
        self._parent = os.getpid()

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if os.getpid() != self._parent:
            return  # the processes that gunicorn forks end through here too
        with self._changing:
            self._is_over.set()
            self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _keep_running(self) -> None:
        while True:
            self._process.wait()
            if self._is_over.wait(RESTART_SECONDS):
                return
            with self._changing:
                if self._is_over.is_set():
                    return
                log.error("The %s ended; it is started again.", self._name)
                self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        """Start it in a group of its own, so that Ctrl-C reaches the server, which ends it in order."""
        return subprocess.Popen(self._command, stdin=subprocess.PIPE, process_group=0, pass_fds=self._inherited)


def asked_to_stop(*, until_eof: bool) -> threading.Event:
    """Return an event that SIGTERM and SIGINT set, so that what is at hand is finished first.

    Args:
        until_eof: set it also at the end of standard input.
    """
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: object) -> None:
        # Not set() itself: the handler may have interrupted the very wait whose lock set() needs.
        threading.Thread(target=stop.set).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    if until_eof:
        threading.Thread(target=_stop_at_end_of_input, args=(stop,), daemon=True).start()
    return stop


def _stop_at_end_of_input(stop: threading.Event) -> None:
    """Set the event once nobody holds the other end of standard input any more."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    stop.set()
