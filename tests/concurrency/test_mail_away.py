"""While the mail server hesitates or is away, pages answer at once, invitations stand, and letters leave later."""

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.support.ledger import Ledger
from tests.support.server import Server
from tests.support.settings import environment_for
from tests.support.smtp import STALL, SmtpSink
from tests.support.visitor import visitor_at
from tests.support.workers import Processes
from tests.support.worlds import Person, World

FORM = "/orgs/harbour-works/members/new"
PATIENCE_SECONDS = 120

Beside = Callable[[int], AbstractContextManager[None]]


@pytest.fixture
def owner(world: World) -> Person:
    """The owner of the organization `harbour-works`."""
    person = world.person("Ada Winter", "ada@example.com")
    world.organization("Harbour Works", person)
    return person


@pytest.fixture
def mail_worker(database_url: str, server: Server, tmp_path: Path) -> Beside:
    """Runs a mail worker beside the server, for a mail server at a port that may take five minutes for each answer."""

    @contextmanager
    def running(port: int) -> Iterator[None]:
        mail = {"mail_server": SmtpSink.host, "mail_port": port, "mail_security": "none", "mail_timeout_seconds": 300}
        processes = Processes(environment_for(database_url, tmp_path, base_url=server.url, **mail))
        process = processes.start()
        try:
            yield
            process.terminate()
            assert process.wait(PATIENCE_SECONDS) == 0
        finally:
            processes.end()

    return running


def invite(url: str, world: World, owner: Person, email: str) -> None:
    """Invite an address on the page; it answers, and the invitation stands."""
    answer = visitor_at(url, FORM, world, owner).send(FORM, emails=email, role="member", lifetime_days="7")
    assert answer.status == 303
    assert "is on its way" in visitor_at(url, answer.location, world, owner).get(answer.location).text


def letters(ledger: Ledger) -> dict[str, str]:
    """Return the state of each letter by its address."""
    return {row["to_address"]: row["state"] for row in ledger.rows("outbox_message")}


def test_pages_answer_while_the_mail_server_stalls_and_letters_leave_once_it_goes_on(
    world: World, owner: Person, server: Server, ledger: Ledger, smtp_sink: SmtpSink, mail_worker: Beside
) -> None:
    smtp_sink.answers["mia@example.org"] = STALL
    with mail_worker(smtp_sink.port):
        invite(server.url, world, owner, "mia@example.org")
        smtp_sink.wait_for(1, PATIENCE_SECONDS)
        invite(server.url, world, owner, "noa@example.org")
        assert letters(ledger) == {"mia@example.org": "sending", "noa@example.org": "queued"}
        assert ledger.count("invitation", status="pending") == 2
        smtp_sink.release()
        arrived = smtp_sink.wait_for(2, PATIENCE_SECONDS)
    assert [letter.recipients for letter in arrived] == [("mia@example.org",), ("noa@example.org",)]
    assert letters(ledger) == {"mia@example.org": "sent", "noa@example.org": "sent"}


def test_invitation_stands_while_the_mail_server_is_away_and_its_letter_leaves_once_it_is_back(
    world: World, owner: Person, server: Server, ledger: Ledger, mail_worker: Beside
) -> None:
    with socket.create_server((SmtpSink.host, 0)) as failing:
        failing.settimeout(PATIENCE_SECONDS)
        port = failing.getsockname()[1]
        with mail_worker(port):
            invite(server.url, world, owner, "mia@example.org")
            failing.accept()[0].close()
            failing.close()
            assert ledger.count("invitation", status="pending") == 1
            with SmtpSink(port=port) as back:
                [letter] = back.wait_for(1, PATIENCE_SECONDS)
                assert letter.recipients == ("mia@example.org",)
                link = letter.links[0].removeprefix(server.url)
                assert "Join Harbour Works" in visitor_at(server.url, link).get(link).text
