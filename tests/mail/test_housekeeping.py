"""What the worker forgets in time, and what it keeps."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from tests.mail.letters import queue, queue_invitation, stored, worker_of
from tests.support.smtp import NO_SUCH_MAILBOX, SmtpSink
from webapp.db import Model, db, transaction
from webapp.mail.housekeeping import BATCH_ROWS, clear_all
from webapp.models import (
    AccountToken,
    Attempts,
    FlowPurpose,
    IdentityProvider,
    Invitation,
    InvitationBatch,
    KnownNetwork,
    LetterState,
    Organization,
    OutboxMessage,
    Role,
    Session,
    SsoFlow,
    TokenPurpose,
    User,
)

NOW = datetime(2027, 1, 1, 12, tzinfo=UTC)
A_MINUTE, AN_HOUR, A_DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def store(app: Flask, *rows: Model) -> None:
    with app.app_context(), transaction(write=True):
        db.session.add_all(rows)


def clear(app: Flask) -> None:
    with app.app_context(), time_machine.travel(NOW, tick=False):
        clear_all()


def count(app: Flask, model: type[Model]) -> int:
    with app.app_context(), transaction(write=False):
        return db.session.scalars(select(func.count()).select_from(model)).one()


def session(name: str, *, expires_in: timedelta, idle: timedelta) -> Session:
    moments = {"expires_at": NOW + expires_in, "last_seen_at": NOW - idle}
    return Session(user_id=1, token_hash=name, ip="192.0.2.1", user_agent="Browser", **moments)


def test_sessions_go_when_they_expired_or_were_idle_too_long(app: Flask) -> None:
    store(app, User(id=1, name="Ada Example"))
    store(
        app,
        session("alive", expires_in=A_MINUTE, idle=timedelta(hours=11, minutes=59)),
        session("expired", expires_in=-A_MINUTE, idle=A_MINUTE),
        session("idle", expires_in=A_DAY, idle=timedelta(hours=12, minutes=1)),
    )
    clear(app)
    with app.app_context(), transaction(write=False):
        assert db.session.scalars(select(Session.token_hash)).all() == ["alive"]


def test_counters_tokens_and_batches_go_when_they_are_over(app: Flask) -> None:
    store(app, User(id=1, name="Ada Example"), Organization(id=1, name="Harbour Works", slug="harbour"))
    for name, age in (("over", A_DAY + A_MINUTE), ("not yet", A_DAY - A_MINUTE)):
        store(
            app,
            Attempts(bucket=name, count=1, ends_at=NOW - age + A_DAY),
            AccountToken(purpose=TokenPurpose.RESET, token_hash=name, expires_at=NOW - age),
            InvitationBatch(organization_id=1, user_id=1, outcomes=[], created_at=NOW - age),
        )
    clear(app)
    assert [count(app, model) for model in (Attempts, AccountToken, InvitationBatch)] == [1, 1, 1]


def test_ways_to_providers_go_a_day_after_they_ended(app: Flask) -> None:
    store(app, Organization(id=1, name="Harbour Works", slug="harbour"))
    of_harbour = {"organization_id": 1, "provider_id": 1}
    store(app, IdentityProvider(id=1, organization_id=1, kind="oidc", issuer="", client_id="", options={}))
    for name, age in (("over", A_DAY + A_MINUTE), ("not yet", A_DAY - A_MINUTE)):
        kept = {"browser": "", "state_hash": name, "secrets": "", "expires_at": NOW - age}
        store(app, SsoFlow(**of_harbour, **kept, provider_version=1, purpose=FlowPurpose.SIGN_IN))
    clear(app)
    assert count(app, SsoFlow) == 1


@pytest.mark.parametrize(("extra", "expected"), [(0, 0), (1, 0)])
def test_many_rows_go_in_batches(app: Flask, extra: int, expected: int) -> None:
    ends_at = NOW - A_MINUTE
    store(app, *(Attempts(bucket=str(number), count=1, ends_at=ends_at) for number in range(2 * BATCH_ROWS + extra)))
    clear(app)
    assert count(app, Attempts) == expected


def test_dropped_letters_go_after_an_hour_and_their_secret_at_once(app: Flask) -> None:
    with time_machine.travel(NOW - AN_HOUR - A_MINUTE, tick=False):
        queue(app, "password_reset", "nobody@example.org", {"name": ""}, "a-token", is_dropped=True)
    with time_machine.travel(NOW - AN_HOUR + A_MINUTE, tick=False):
        younger = queue(app, "password_reset", "nobody@example.org", {"name": ""}, "a-token", is_dropped=True)
    clear(app)
    assert count(app, OutboxMessage) == 1
    assert stored(app, younger).secret is None


def test_finished_letters_go_after_ninety_days_unless_an_invitation_shows_them(app: Flask, smtp_sink: SmtpSink) -> None:
    smtp_sink.answers["failed@example.org"] = NO_SUCH_MAILBOX
    with time_machine.travel(NOW - timedelta(days=90) - A_MINUTE, tick=False):
        for address in ("failed@example.org", "sent@example.org"):
            queue_invitation(app, address)
        shown = queue_invitation(app, "shown@example.org")
        worker_of(app).run_once()
    with time_machine.travel(NOW - timedelta(days=90) + A_MINUTE, tick=False):
        younger = queue_invitation(app, "younger@example.org")
        worker_of(app).run_once()
        waiting = queue_invitation(app, "waiting@example.org")
    store(app, Organization(id=1, name="Harbour Works", slug="harbour"))
    address = "shown@example.org"
    store(
        app,
        Invitation(
            organization_id=1, email=address, canonical=address, role=Role.MEMBER, letter_id=shown, expires_at=NOW
        ),
    )
    clear(app)
    with app.app_context(), transaction(write=False):
        assert set(db.session.scalars(select(OutboxMessage.id))) == {shown, younger, waiting}
    assert stored(app, waiting).secret


def test_secret_of_a_finished_letter_goes_however_it_was_left_behind(app: Flask) -> None:
    letter_id = queue_invitation(app, "mia@example.org")
    with app.app_context(), transaction(write=True):
        letter = db.session.get_one(OutboxMessage, letter_id)
        letter.state, letter.finished_at = LetterState.SENT, NOW
    clear(app)
    assert stored(app, letter_id).secret is None


def test_networks_go_when_nobody_has_used_them_for_180_days(app: Flask) -> None:
    store(app, User(id=1, name="Ada Example"), User(id=2, name="Mia Example"))
    used = {"192.0.2.0/24": timedelta(days=179), "198.51.100.0/24": timedelta(days=181)}
    store(app, *(KnownNetwork(user_id=1, network=name, last_used_at=NOW - ago) for name, ago in used.items()))
    store(app, KnownNetwork(user_id=2, network="198.51.100.0/24", last_used_at=NOW))
    clear(app)
    with app.app_context(), transaction(write=False):
        kept = db.session.execute(select(KnownNetwork.user_id, KnownNetwork.network)).all()
    assert sorted(map(tuple, kept)) == [(1, "192.0.2.0/24"), (2, "198.51.100.0/24")]
