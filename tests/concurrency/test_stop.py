"""A server asked to stop ends by itself, and takes its mail worker with it."""

import signal
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.server import running_server
from tests.support.settings import environment_for

PATIENCE_SECONDS = 60


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize(
    ("database_url", "number"),
    [
        ("sqlite", signal.SIGTERM),
        ("postgresql", signal.SIGINT),
        pytest.param("sqlite", signal.SIGINT, marks=pytest.mark.soak),
        pytest.param("postgresql", signal.SIGTERM, marks=pytest.mark.soak),
    ],
    indirect=["database_url"],
)
def test_server_asked_to_stop_ends_with_its_mail_worker(
    database_url: str, tmp_path: Path, number: signal.Signals
) -> None:
    environment = environment_for(database_url, tmp_path)
    with running_server(environment, tmp_path, "--with-worker", is_copied=False) as server:
        server.process.send_signal(number)
        assert server.process.wait(PATIENCE_SECONDS) == 0
        assert "started again" not in server.log
        assert living(server.process.pid) == []


def living(session: int) -> list[str]:
    """Return the processes of a session that run, as the kernel describes them; the dead may wait to be collected.

    Collecting those whose parent is gone is the business of the machine's first process, and some never do.
    """
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            stat = file.read_text()
            state, _parent, _group, of_session = stat.rpartition(")")[2].split()[:4]
            found += [stat] if int(of_session) == session and state != "Z" else []
    return found
