"""Several workers, and workers that die: no letter is lost, and none is sent twice on purpose."""

import logging
import signal
import threading
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tests.mail.letters import queue_invitation, queue_invitations, stored, worker_of
from tests.support.smtp import STALL, SmtpSink
from tests.support.workers import Processes
from webapp.db import db, transaction
from webapp.mail import queue
from webapp.mail.faults import UNEXPECTED
from webapp.models import LetterState, OutboxMessage

LETTERS = 60
END_SECONDS = 60
A_MINUTE = timedelta(minutes=1)


@pytest.fixture
def processes(environment: dict[str, str]) -> Iterator[Processes]:
    started = Processes(environment)
    yield started
    started.end()


def ids_by_recipient(sink: SmtpSink) -> dict[str, list[str]]:
    found = defaultdict(list)
    for letter in sink.letters:
        found[letter.recipients[0]].append(str(letter.message["Message-ID"]))
    return found


def all_stored(app: Flask) -> list[OutboxMessage]:
    with app.app_context(), transaction(write=False):
        return list(db.session.scalars(select(OutboxMessage)))


def wait_for_what_is_under_way(app: Flask) -> None:
    """Return once no transaction holds a letter: PostgreSQL takes a moment to see that whoever began one is dead."""
    with app.app_context(), transaction(write=True):
        db.session.scalars(select(OutboxMessage.id).with_for_update()).all()


def test_workers_at_the_same_time_send_each_letter_once(app: Flask, smtp_sink: SmtpSink) -> None:
    queue_invitations(app, [f"person{number}@example.org" for number in range(LETTERS)])
    together = threading.Barrier(3)

    def work() -> None:
        together.wait()
        worker_of(app).run_once()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(ids) for ids in ids_by_recipient(smtp_sink).values()] == [1] * LETTERS
    assert {letter.attempts for letter in all_stored(app)} == {1}


def test_killed_workers_lose_no_letter(app: Flask, smtp_sink: SmtpSink, processes: Processes) -> None:
    queue_invitations(app, [f"person{number}@example.org" for number in range(LETTERS)])
    for process in [processes.start() for _ in range(4)]:
        smtp_sink.wait_for(min(len(smtp_sink.letters) + 7, LETTERS), seconds=END_SECONDS)
        process.kill()
        process.wait()
    wait_for_what_is_under_way(app)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1)):
        assert worker_of(app).run_once() == 0
    letters = all_stored(app)
    assert {letter.state for letter in letters} == {LetterState.SENT}
    sent = ids_by_recipient(smtp_sink)
    assert len(sent) == LETTERS
    for letter in letters:
        assert set(sent[letter.to_address]) == {f"<{letter.message_id}@[127.0.0.1]>"}
        assert letter.secret is None


def test_letter_of_a_worker_killed_while_sending_goes_again_once_its_lease_ran_out(
    app: Flask, smtp_sink: SmtpSink, processes: Processes
) -> None:
    smtp_sink.answers["mia@example.org"] = STALL
    letter_id = queue_invitation(app, "mia@example.org")
    process = processes.start()
    smtp_sink.wait_for(1, seconds=END_SECONDS)
    process.kill()
    process.wait()
    smtp_sink.answers.clear()
    assert stored(app, letter_id).state is LetterState.SENDING
    assert worker_of(app).run_once() == 1
    lease_until = stored(app, letter_id).lease_until
    assert lease_until
    with time_machine.travel(lease_until + A_MINUTE):
        assert worker_of(app).run_once() == 0
    first, second = smtp_sink.letters
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert stored(app, letter_id).state is LetterState.SENT


def test_worker_that_comes_back_after_its_lease_changes_nothing(app: Flask) -> None:
    letter_id = queue_invitation(app, "mia@example.org")
    with app.app_context():
        late = queue.take(A_MINUTE)
        assert late
        with time_machine.travel(datetime.now(UTC) + 2 * A_MINUTE):
            other = queue.take(A_MINUTE)
            assert other
            assert not queue.finish(late, LetterState.SENT)
            queue.postpone(late, UNEXPECTED)
            letter = stored(app, letter_id)
            assert (letter.state, letter.lease, letter.last_error) == (LetterState.SENDING, other.lease, None)
            assert letter.secret
            assert queue.finish(other, LetterState.SENT)
    assert stored(app, letter_id).state is LetterState.SENT


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_worker_asked_to_stop_finishes_the_letter_at_hand(
    app: Flask, smtp_sink: SmtpSink, processes: Processes, number: signal.Signals
) -> None:
    smtp_sink.answers["mia@example.org"] = STALL
    letter_id, other = queue_invitation(app, "mia@example.org"), queue_invitation(app, "noa@example.org")
    process = processes.start()
    smtp_sink.wait_for(1, seconds=END_SECONDS)
    process.send_signal(number)
    smtp_sink.release()
    assert process.wait(END_SECONDS) == 0
    assert (stored(app, letter_id).state, stored(app, letter_id).attempts) == (LetterState.SENT, 1)
    assert (stored(app, other).state, stored(app, other).attempts) == (LetterState.QUEUED, 0)


class Failures(logging.Handler):
    """Notices the first error in the log."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.set()


def rename_table(app: Flask, old: str, new: str) -> None:
    with app.app_context(), transaction(write=True):
        db.session.connection().exec_driver_sql(f"alter table {old} rename to {new}")


def test_worker_runs_on_when_the_database_fails_for_a_moment(app: Flask, smtp_sink: SmtpSink) -> None:
    rename_table(app, "outbox_message", "elsewhere")
    failures, stop = Failures(), threading.Event()
    logging.getLogger("webapp.mail.deliver").addHandler(failures)
    thread = threading.Thread(target=worker_of(app).run_forever, args=(stop, 0.01))
    thread.start()
    assert failures.seen.wait(END_SECONDS)
    rename_table(app, "elsewhere", "outbox_message")
    logging.getLogger("webapp.mail.deliver").removeHandler(failures)
    queue_invitation(app, "mia@example.org")
    smtp_sink.wait_for(1, seconds=END_SECONDS)
    stop.set()
    thread.join()
