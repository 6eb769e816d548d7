"""What the logs say."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from io import StringIO
from typing import Any

import pytest

from webapp.http import logs


@pytest.fixture
def written() -> Iterator[Callable[[], str]]:
    """Logs as a server does; returns what was written since the last time it was asked.

    The test run's own handlers are set aside first: configuring would close them.
    """
    root, stderr = logging.getLogger(), StringIO()
    level = root.level
    root.handlers.clear()
    with redirect_stderr(stderr):
        logs.configure()
    [handler] = root.handlers

    def read() -> str:
        found = stderr.getvalue()
        stderr.seek(0)
        stderr.truncate()
        return found

    yield read
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def lines(written: Callable[[], str]) -> Callable[[], list[dict[str, Any]]]:
    """Logs as a server does; returns the lines written since the last time it was asked."""
    return lambda: [json.loads(line) for line in written().splitlines()]
