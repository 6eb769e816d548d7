"""A server asked to stop ends by itself, and takes its mail worker with it."""

import os
import signal
from pathlib import Path

import pytest

from tests.support.server import running_server
from tests.support.settings import environment_for

PATIENCE_SECONDS = 60


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_server_asked_to_stop_ends_with_its_mail_worker(
    database_url: str, tmp_path: Path, number: signal.Signals
) -> None:
    with running_server(environment_for(database_url, tmp_path), tmp_path, "--with-worker") as server:
        server.process.send_signal(number)
        assert server.process.wait(PATIENCE_SECONDS) == 0
        assert "started again" not in server.log
        with pytest.raises(ProcessLookupError):
            os.killpg(server.process.pid, 0)
