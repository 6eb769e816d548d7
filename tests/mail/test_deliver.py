"""What becomes of letters when the mail server takes them, refuses them, hesitates or is away."""

import logging
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from aiosmtpd.smtp import SMTP
from flask import Flask
from sqlalchemy import text

from tests.mail.letters import queue, queue_invitation, queue_invitations, settings_of, stored, worker_of
from tests.support.server import reserved_port
from tests.support.smtp import ACCEPT, CUT, NO_SUCH_MAILBOX, STALL, TRY_LATER, SmtpSink
from webapp.db import db, transaction
from webapp.mail.deliver import Worker
from webapp.mail.queue import MAX_ATTEMPTS
from webapp.mail.transport import SmtpTransport
from webapp.models import LetterState
from webapp.services.tokens import new_token

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
AN_HOUR = timedelta(hours=1)


def recipients(sink: SmtpSink) -> list[str]:
    return [address for letter in sink.letters for address in letter.recipients]


def everything_stored(app: Flask) -> str:
    with app.app_context(), transaction(write=False):
        return repr(db.session.execute(text("select * from outbox_message")).all())


def test_letter_is_delivered_with_text_and_html_and_keeps_no_secret(app: Flask, smtp_sink: SmtpSink) -> None:
    token = new_token()
    letter_id = queue_invitation(app, "mia@example.org", token)
    sealed = stored(app, letter_id).secret
    assert sealed
    assert token not in everything_stored(app)
    assert worker_of(app).run_once() == 0
    [letter] = smtp_sink.letters
    assert letter.sender == "vestibule@example.org"
    assert letter.recipients == ("mia@example.org",)
    assert letter.links == [f"http://127.0.0.1:8000/invitations/{token}"]
    assert [part.get_content_type() for part in letter.message.walk()][-2:] == ["text/plain", "text/html"]
    after = stored(app, letter_id)
    assert (after.state, after.attempts, after.last_error, after.lease) == (LetterState.SENT, 1, None, None)
    assert after.finished_at
    assert sealed not in everything_stored(app)
    assert worker_of(app).run_once() == 0
    assert len(smtp_sink.letters) == 1


def test_refused_recipient_fails_with_the_reason_and_keeps_no_secret(app: Flask, smtp_sink: SmtpSink) -> None:
    smtp_sink.answers["mia@example.org"] = NO_SUCH_MAILBOX
    letter_id, other = queue_invitation(app, "mia@example.org"), queue_invitation(app, "noa@example.org")
    assert worker_of(app).run_once() == 0
    letter = stored(app, letter_id)
    assert (letter.state, letter.secret) == (LetterState.FAILED, None)
    assert letter.last_error == "The mail server at 127.0.0.1 refused the address: 550 5.1.1 No such mailbox"
    assert stored(app, other).state is LetterState.SENT


def test_words_of_the_mail_server_are_shortened_and_quote_no_link(app: Flask, smtp_sink: SmtpSink) -> None:
    token = new_token()
    letter_id = queue_invitation(app, "mia@example.org", token)
    smtp_sink.answers["mia@example.org"] = f"554 spam {token} http://127.0.0.1/invitations/{token} " + "so it is " * 40
    worker_of(app).run_once()
    error = stored(app, letter_id).last_error
    assert error
    assert error.startswith("The mail server at 127.0.0.1 refused the address: 554 spam … … so it is")
    assert len(error) < 300
    assert token not in everything_stored(app)


def test_letter_put_off_by_the_server_goes_later(app: Flask, smtp_sink: SmtpSink) -> None:
    smtp_sink.answers["mia@example.org"] = TRY_LATER
    with time_machine.travel(NOON, tick=False) as clock:
        letter_id = queue_invitation(app, "mia@example.org")
        assert worker_of(app).run_once() == 1
        letter = stored(app, letter_id)
        assert letter.state is LetterState.QUEUED
        assert letter.last_error == "The mail server at 127.0.0.1 refused the address: 451 4.3.0 Try again later"
        assert letter.secret
        smtp_sink.answers["mia@example.org"] = ACCEPT
        clock.shift(4)
        assert worker_of(app).run_once() == 1
        clock.shift(1)
        assert worker_of(app).run_once() == 0
    assert recipients(smtp_sink) == ["mia@example.org"]
    assert (stored(app, letter_id).state, stored(app, letter_id).last_error) == (LetterState.SENT, None)


def test_pauses_grow_and_after_three_days_the_letter_has_failed(app: Flask, smtp_sink: SmtpSink) -> None:
    smtp_sink.answers["mia@example.org"] = TRY_LATER
    worker, pauses = worker_of(app), []
    with time_machine.travel(NOON, tick=False) as clock:
        letter_id = queue_invitation(app, "mia@example.org")
        while worker.run_once():
            before = datetime.now(UTC)
            clock.move_to(stored(app, letter_id).not_before)
            pauses.append(datetime.now(UTC) - before)
    letter = stored(app, letter_id)
    assert [pause.total_seconds() for pause in pauses[:7]] == [5, 30, 120, 600, 1800, 3600, 3600]
    assert timedelta(days=3) <= sum(pauses, timedelta()) < timedelta(days=3, hours=2)
    assert (letter.state, letter.attempts, letter.secret) == (LetterState.FAILED, MAX_ATTEMPTS, None)
    assert letter.last_error
    assert letter.last_error.startswith(f"Given up after {MAX_ATTEMPTS} attempts. The mail server at 127.0.0.1 ")


def test_stalled_letter_times_out_and_others_follow(app: Flask, smtp_sink: SmtpSink) -> None:
    smtp_sink.answers["mia@example.org"] = STALL
    stalled, other = queue_invitation(app, "mia@example.org"), queue_invitation(app, "noa@example.org")
    assert worker_of(app, mail_timeout_seconds=5).run_once() == 1
    assert stored(app, stalled).state is LetterState.QUEUED
    assert stored(app, stalled).last_error == "The mail server at 127.0.0.1 did not answer within 5 seconds."
    assert stored(app, other).state is LetterState.SENT


def test_letter_cut_off_after_its_data_goes_again_with_the_same_message_id(app: Flask, smtp_sink: SmtpSink) -> None:
    smtp_sink.answers["mia@example.org"] = CUT
    with time_machine.travel(NOON, tick=False) as clock:
        letter_id, other = queue_invitation(app, "mia@example.org"), queue_invitation(app, "noa@example.org")
        assert worker_of(app).run_once() == 1
        assert stored(app, other).state is LetterState.SENT
        error = stored(app, letter_id).last_error
        assert error == "The mail server at 127.0.0.1 closed the connection before it had confirmed the letter."
        smtp_sink.answers.clear()
        clock.shift(AN_HOUR)
        assert worker_of(app).run_once() == 0
    first, second = [letter for letter in smtp_sink.letters if letter.recipients == ("mia@example.org",)]
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert first.links == second.links


def test_while_the_server_is_down_letters_wait_and_say_so(app: Flask, smtp_sink: SmtpSink) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        tried, waiting = queue_invitation(app, "mia@example.org"), queue_invitation(app, "noa@example.org")
        with reserved_port() as port:
            assert worker_of(app, mail_port=port).run_once() == 2
        for letter in (stored(app, tried), stored(app, waiting)):
            assert letter.state is LetterState.QUEUED
            assert letter.last_error == "The mail server at 127.0.0.1 refused the connection."
        assert (stored(app, tried).attempts, stored(app, waiting).attempts) == (1, 0)
        clock.shift(AN_HOUR)
        assert worker_of(app).run_once() == 0
    assert sorted(recipients(smtp_sink)) == ["mia@example.org", "noa@example.org"]


def test_server_without_a_name_is_told_apart(app: Flask) -> None:
    letter_id = queue_invitation(app, "mia@example.org")
    worker_of(app, mail_server="nowhere.invalid").run_once()
    assert stored(app, letter_id).last_error == "The mail server nowhere.invalid was not found under this name."


def test_without_a_mail_server_letters_wait_untried(app: Flask, smtp_sink: SmtpSink) -> None:
    letter_id = queue_invitation(app, "mia@example.org")
    worker = worker_of(app, mail_server=None)
    assert worker.run_once() == 1
    letter = stored(app, letter_id)
    assert (letter.state, letter.attempts) == (LetterState.QUEUED, 0)
    assert letter.last_error == "No mail server is configured yet."
    assert worker_of(app).run_once() == 0
    assert recipients(smtp_sink) == ["mia@example.org"]


def test_dropped_letter_never_leaves(app: Flask, smtp_sink: SmtpSink) -> None:
    queue(app, "password_reset", "nobody@example.org", {"name": ""}, new_token(), is_dropped=True)
    assert worker_of(app).run_once() == 0
    assert smtp_sink.letters == []


class CountingSink(SmtpSink):
    """A mail server that counts its connections."""

    connections = 0

    def _protocol(self) -> SMTP:
        self.connections += 1
        return super()._protocol()


def test_a_run_of_letters_shares_a_connection_up_to_a_hundred(app: Flask) -> None:
    addresses = [f"person{number}@example.org" for number in range(101)]
    queue_invitations(app, addresses)
    with CountingSink() as sink:
        assert worker_of(app, mail_port=sink.port).run_once() == 0
        assert recipients(sink) == addresses
        assert sink.connections == 2


def test_no_transaction_is_open_while_the_network_is_used(app: Flask) -> None:
    transport = SmtpTransport(settings_of(app))
    letter_id = queue_invitation(app, "mia@example.org")
    message = Worker(app, transport)._composer
    with app.app_context(), transaction(write=False), pytest.raises(AssertionError, match="a transaction is open"):
        transport.send(message.compose(stored(app, letter_id)))


def test_each_delivery_is_one_line_of_log_without_secrets(
    app: Flask, smtp_sink: SmtpSink, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    token = new_token()
    smtp_sink.answers["noa@example.org"] = f"550 http://127.0.0.1/invitations/{token}"
    letter_id = queue_invitation(app, "mia@example.org", token)
    queue_invitation(app, "noa@example.org", token)
    worker_of(app).run_once()
    first, second = (record.__dict__ for record in caplog.records if record.name == "webapp.mail.deliver")
    letter = stored(app, letter_id)
    expected = {"message_id": letter.message_id, "kind": "invitation", "state": "sent", "attempt": 1}
    assert {name: first[name] for name in expected} == expected
    assert second["state"] == "failed"
    said = repr([record.__dict__ for record in caplog.records if record.name.startswith("webapp")])
    assert not re.search(f"{token}|example.org", said)


@pytest.mark.parametrize(("seconds", "said"), [(0.2, "0.2 seconds"), (1, "1 second")])
def test_settings_with_another_time_out_say_so(app: Flask, smtp_sink: SmtpSink, seconds: float, said: str) -> None:
    smtp_sink.answers["mia@example.org"] = STALL
    letter_id = queue_invitation(app, "mia@example.org")
    transport = SmtpTransport(replace(settings_of(app), mail_timeout_seconds=seconds))
    Worker(app, transport).run_once()
    assert stored(app, letter_id).last_error == f"The mail server at 127.0.0.1 did not answer within {said}."
