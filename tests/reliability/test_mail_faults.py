"""Everything a mail server can do to a thousand letters: each leaves once it may, or has failed with the reason."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask

from tests.mail.letters import queue_invitations, worker_of
from tests.support.certificates import make_certificate
from tests.support.ledger import Ledger
from tests.support.settings import environment_for
from tests.support.sizes import Figures, short_and_long
from tests.support.smtp import CUT, NO_SUCH_MAILBOX, STALL, SmtpSink
from webapp.mail.queue import BATCH_ROWS

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
AN_HOUR = timedelta(hours=1)
CLOSING, NO_SPACE = "421 4.3.2 Closing", "452 4.2.2 Mailbox full"
FAULTS = ("", CLOSING, NO_SPACE, NO_SUCH_MAILBOX, CUT)
TAKEN_ALL_THE_SAME = (CUT, STALL)
ROUNDS = 2


@pytest.fixture
def environment(database_url: str, tmp_path: Path, smtp_sink: SmtpSink) -> dict[str, str]:
    return environment_for(
        database_url,
        tmp_path,
        mail_server=smtp_sink.host,
        mail_port=smtp_sink.port,
        mail_security="none",
        mail_timeout_seconds=3,
    )


def faults_for(number: int, stalled: int) -> dict[str, str]:
    """Return what happens to the mail of each address; each that stalls keeps the worker waiting for a while."""
    faults = {f"guest{guest}@example.org": FAULTS[guest % len(FAULTS)] for guest in range(number - stalled)}
    return faults | {f"stalled{guest}@example.org": STALL for guest in range(stalled)}


def try_without_trust(app: Flask, folder: Path) -> list[str]:
    """Let the worker meet a server whose certificate nobody vouches for; return the errors of what did not leave."""
    with SmtpSink("starttls", make_certificate(folder)) as stranger:
        worker_of(app, mail_port=stranger.port, mail_security="starttls").run_once()
        assert stranger.letters == []
    return [str(row["last_error"]) for row in Ledger(app.extensions["vestibule"].database_url).rows("outbox_message")]


@pytest.mark.parametrize(("number", "stalled"), short_and_long((21, 1), (1000, 20)))
def test_R03_no_letter_is_lost_to_faults_of_the_mail_server(
    app: Flask,
    smtp_sink: SmtpSink,
    tmp_path: Path,
    number: int,
    stalled: int,
    figures: Figures,
) -> None:
    faults, ledger = faults_for(number, stalled), Ledger(app.extensions["vestibule"].database_url)
    count = Counter(faults.values())
    with time_machine.travel(NOON, tick=False) as clock:
        queue_invitations(app, list(faults))
        errors = try_without_trust(app, tmp_path)
        assert sum("could not prove who it is" in error for error in errors) >= min(number, BATCH_ROWS)
        smtp_sink.answers.update({email: fault for email, fault in faults.items() if fault})
        for _ in range(ROUNDS):
            clock.shift(AN_HOUR)
            waiting = worker_of(app).run_once()
            assert waiting == number - count[""] - count[NO_SUCH_MAILBOX]
        smtp_sink.answers.clear()
        clock.shift(AN_HOUR)
        assert worker_of(app).run_once() == 0
    smtp_sink.release()
    rows = {row["to_address"]: row for row in ledger.rows("outbox_message")}
    assert {rows[email]["state"] for email, fault in faults.items() if fault == NO_SUCH_MAILBOX} == {"failed"}
    assert {rows[email]["state"] for email, fault in faults.items() if fault != NO_SUCH_MAILBOX} == {"sent"}
    assert all("550 5.1.1" in row["last_error"] for row in rows.values() if row["state"] == "failed")
    copies = Counter((letter.recipients[0], str(letter.message["Message-ID"])) for letter in smtp_sink.letters)
    expected = {email: 1 + ROUNDS * (fault in TAKEN_ALL_THE_SAME) for email, fault in faults.items()}
    assert {email: times for (email, _id), times in copies.items()} == {
        email: times for email, times in expected.items() if faults[email] != NO_SUCH_MAILBOX
    }
    assert len({message_id for _email, message_id in copies}) == number - count[NO_SUCH_MAILBOX]
    figures(
        letters=number,
        sent=number - count[NO_SUCH_MAILBOX],
        bounced=count[NO_SUCH_MAILBOX],
        lost=0,
        copies=copies.total(),
        without_trust=len(errors),
        **{(fault.partition(" ")[0] or "no_fault"): number for fault, number in count.items()},
    )
