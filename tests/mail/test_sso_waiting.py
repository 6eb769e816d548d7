"""Letters of single sign-on while the mail server is away: they wait, and leave once it is back, each once."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask

from tests.mail.letters import worker_of
from tests.support import sso
from tests.support.acme import Acme
from tests.support.server import reserved_port
from tests.support.smtp import SmtpSink
from tests.support.sso import connection
from webapp.db import db
from webapp.mail import rehearsals
from webapp.models import Enforcement, Identity, IdentityProvider, LetterState
from webapp.services.sso import connections, health, recovery, reverification
from webapp.services.sso.connections import Connected
from webapp.services.sso.health import Outcome

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def environment(environment: dict[str, str], smtp_sink: SmtpSink) -> dict[str, str]:
    """Settings by which letters leave through the sink."""
    more = {"MAIL_SERVER": smtp_sink.host, "MAIL_PORT": str(smtp_sink.port), "MAIL_SECURITY": "none"}
    return environment | {f"VESTIBULE_{name}": value for name, value in more.items()}


def rehearse(acme: Acme, now: datetime) -> None:
    """Let Acme rehearse for two days more that single sign-on is required."""

    def begin() -> None:
        provider = connection(acme.organization(), "https://id.example.org")
        provider.enforcement, provider.rehearsed_since = Enforcement.REQUIRED, now
        provider.required_from = now + timedelta(days=2)

    acme.world.write(begin)


def work(app: Flask) -> None:
    """Let the worker do what it does each minute."""
    with app.app_context():
        rehearsals.go_on(threading.Event())
    sso.work(app)


def test_R03_reminders_and_news_of_codes_wait_and_leave_once(app: Flask, acme: Acme, smtp_sink: SmtpSink) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        rehearse(acme, NOON)
        acme.act(acme.owner, lambda actor, here: recovery.make(actor, here, 1))
        work(app)
        with reserved_port() as port:
            waiting = worker_of(app, mail_port=port).run_once()
        assert {letter.state for letter in acme.world.letters()} == {LetterState.QUEUED}
        work(app)
        clock.shift(timedelta(minutes=1))
        assert worker_of(app).run_once() == 0
    assert waiting == len(smtp_sink.letters) == len(acme.world.letters()) == 6
    assert {letter.state for letter in acme.world.letters()} == {LetterState.SENT}


def test_R03_news_of_a_failing_connection_and_of_lost_validity_wait_and_leave_once(
    app: Flask, acme: Acme, smtp_sink: SmtpSink
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        number = acme.world.write(know, acme)
        acme.world.write(health.note, connected(acme, number), Outcome(NOON, "unreachable", "It does not answer."))
        asked = acme.world.write(reverification.take, number)
        assert acme.world.write(reverification.invalidate, asked)
        with reserved_port() as port:
            waiting = worker_of(app, mail_port=port).run_once()
        assert {letter.state for letter in acme.world.letters()} == {LetterState.QUEUED}
        acme.world.write(health.note, connected(acme, number), Outcome(NOON, "unreachable", "It does not answer."))
        clock.shift(timedelta(minutes=1))
        assert worker_of(app).run_once() == worker_of(app).run_once() == 0
    assert waiting == len(smtp_sink.letters) == 2
    arrived = sorted((letter.recipients[0], letter.message["Subject"]) for letter in smtp_sink.letters)
    assert [address for address, _subject in arrived] == sorted([acme.member.email, acme.owner.email])
    assert {letter.kind for letter in acme.world.letters()} == {"sso_does_not_work", "sso_invalidated"}


def know(acme: Acme) -> int:
    """Let Acme have a connection that knows the member, of whom it is to be asked now; return its id."""
    provider = connection(acme.organization(), "https://id.example.org")
    of_provider = {"organization_id": provider.organization_id, "provider_id": provider.id}
    identity = Identity(**of_provider, user_id=acme.member.user_id, subject="u-1", claims={}, next_refresh_at=NOON)
    identity.last_verified_at = NOON - timedelta(days=1)
    db.session.add(identity)
    db.session.flush()
    identity.refresh_token = db.vault.seal(connections.seal_name(identity), "token")
    return provider.id


def connected(acme: Acme, number: int) -> Connected:
    found: Connected = acme.world.read(lambda: connections.connected(db.session.get_one(IdentityProvider, number)))
    return found


def test_worker_reminds_by_itself(app: Flask, acme: Acme, smtp_sink: SmtpSink) -> None:
    rehearse(acme, datetime.now(UTC))
    stop = threading.Event()
    thread = threading.Thread(target=worker_of(app).run_forever, args=(stop, 0.01))
    thread.start()
    letters = smtp_sink.wait_for(5, seconds=60)
    stop.set()
    thread.join()
    subjects = [letter.message["Subject"] for letter in letters]
    assert subjects == 5 * ["Acme will require single sign-on"]
