"""No mail without commit: requests that fail after they have queued their letters."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.faults import When, insertion_fails
from tests.support.ledger import Ledger
from tests.support.server import running_server
from tests.support.settings import environment_for
from tests.support.sizes import Figures, short_and_long
from tests.support.smtp import SmtpSink
from tests.support.visitor import Visitor, visitor_at
from tests.support.workers import Processes
from tests.support.worlds import World

FORM = "/orgs/harbour-works/members/new"
# The letters are queued before the audit log is written, and long before the commit.
MOMENTS: tuple[When, ...] = ("statement", "commit")


def invite(visitor: Visitor, email: str) -> int:
    return visitor.send(FORM, emails=email, role="member", lifetime_days="7").status


@contextmanager
def mail_worker(environment: dict[str, str]) -> Iterator[None]:
    """Run a mail worker within the block."""
    processes = Processes(environment)
    processes.start()
    try:
        yield
    finally:
        processes.end()


@pytest.mark.parametrize("number", short_and_long(8, 500))
def test_R02_no_letter_leaves_without_its_commit(
    database_url: str, world: World, smtp_sink: SmtpSink, tmp_path: Path, number: int, figures: Figures
) -> None:
    owner, ledger = world.person("Ada Winter", "ada@example.com"), Ledger(database_url)
    world.organization("Harbour Works", owner)
    mail = {"mail_server": smtp_sink.host, "mail_port": smtp_sink.port, "mail_security": "none"}
    environment, statuses = environment_for(database_url, tmp_path, **mail), Counter[int]()
    with running_server(environment, tmp_path, "--workers", "1") as server, mail_worker(environment):
        visitor = visitor_at(server.url, FORM, world, owner)
        for moment in MOMENTS:
            with insertion_fails(database_url, "audit_entry", moment):
                statuses.update(invite(visitor, f"{moment}{guest}@example.org") for guest in range(number // 2))
        assert ledger.count("outbox_message") == ledger.count("invitation") == ledger.count("invitation_word") == 0
        assert invite(visitor, "mia@example.org") == 303
        [letter] = smtp_sink.wait_for(1)
    assert letter.recipients == ("mia@example.org",)
    assert sum(statuses[status] for status in (409, 500)) == statuses.total() == number
    assert len(smtp_sink.letters) == 1
    answers = {f"answered_{status}": count for status, count in statuses.items()}
    figures(failed=number, letters_of_failed=0, letters_after=1, **answers)
