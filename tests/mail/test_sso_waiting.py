"""Letters of single sign-on while the mail server is away: they wait, and leave once it is back, each once."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask

from tests.mail.letters import worker_of
from tests.support.acme import Acme
from tests.support.server import free_port
from tests.support.smtp import SmtpSink
from tests.support.sso import connection
from webapp.mail import rehearsals
from webapp.models import Enforcement, LetterState
from webapp.services.sso import recovery

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def environment(environment: dict[str, str], smtp_sink: SmtpSink) -> dict[str, str]:
    """Settings by which letters leave through the sink."""
    more = {"MAIL_SERVER": smtp_sink.host, "MAIL_PORT": str(smtp_sink.port), "MAIL_SECURITY": "none"}
    return environment | {f"VESTIBULE_{name}": value for name, value in more.items()}


def test_R03_reminders_and_news_of_codes_wait_and_leave_once(app: Flask, acme: Acme, smtp_sink: SmtpSink) -> None:
    def rehearse() -> None:
        provider = connection(acme.organization(), "https://id.example.org")
        provider.enforcement, provider.rehearsed_since = Enforcement.REQUIRED, NOON
        provider.required_from = NOON + timedelta(days=2)

    with time_machine.travel(NOON, tick=False) as clock:
        acme.world.write(rehearse)
        acme.act(acme.owner, recovery.make)
        with app.app_context():
            rehearsals.go_on()
        waiting = worker_of(app, mail_port=free_port()).run_once()
        assert {letter.state for letter in acme.world.letters()} == {LetterState.QUEUED}
        with app.app_context():
            rehearsals.go_on()
        clock.shift(timedelta(minutes=1))
        assert worker_of(app).run_once() == 0
    assert waiting == len(smtp_sink.letters) == len(acme.world.letters()) == 6
    assert {letter.state for letter in acme.world.letters()} == {LetterState.SENT}
