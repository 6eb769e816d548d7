"""The outbox as a queue: who may send a letter, and what became of it. Each step is a transaction of its own.

A worker takes a letter by writing its own random lease on it. Whoever dies keeps the lease until it runs out; whoever
comes back too late finds another lease there and changes nothing.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from webapp import clock
from webapp.db import db, perform
from webapp.errors import N_
from webapp.mail.faults import Fault
from webapp.models import LetterState, OutboxMessage

FIRST_PAUSES = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
)
LATER_PAUSE = timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(days=3)
MAX_ATTEMPTS = 1 + len(FIRST_PAUSES) + GIVEN_UP_AFTER // LATER_PAUSE
BATCH_ROWS = 500
ERROR_MAX_CHARACTERS = 500


def take(lease_for: timedelta) -> OutboxMessage | None:
    """Take one letter that is due: one whose lease ran out, else the one that has waited longest."""
    return perform(lambda: _claim(lease_for), write=True)


def _claim(lease_for: timedelta) -> OutboxMessage | None:
    now = clock.now()
    for due in (_is_abandoned(now), _is_due(now)):
        oldest = select(OutboxMessage).where(due).order_by(OutboxMessage.not_before, OutboxMessage.id).limit(1)
        letter = db.session.scalars(oldest.with_for_update(skip_locked=True)).first()
        if letter is not None:
            letter.state = LetterState.SENDING
            letter.lease = secrets.token_hex(16)
            letter.lease_until = now + lease_for
            letter.attempts += 1
            return letter
    return None


def finish(letter: OutboxMessage, state: LetterState, *why: Fault) -> bool:
    """Close a letter and erase its secret, and say why it never left. Return whether it was still ours."""
    return _release(letter, why, state=state, secret=None, finished_at=clock.now())


def postpone(letter: OutboxMessage, fault: Fault) -> LetterState:
    """Queue a letter again, later each time; after about three days it has failed. Return the state it is in."""
    if letter.attempts >= MAX_ATTEMPTS:
        given_up = Fault(N_("Given up after %(attempts)s attempts."), {"attempts": str(letter.attempts)})
        finish(letter, LetterState.FAILED, given_up, fault)
        return LetterState.FAILED
    pause = FIRST_PAUSES[letter.attempts - 1] if letter.attempts <= len(FIRST_PAUSES) else LATER_PAUSE
    _release(letter, [fault], state=LetterState.QUEUED, not_before=clock.now() + pause)
    return LetterState.QUEUED


def _release(letter: OutboxMessage, why: Sequence[Fault], **values: Any) -> bool:
    is_ours = (OutboxMessage.id == letter.id) & (OutboxMessage.lease == letter.lease)
    release = update(OutboxMessage).where(is_ours).values(lease=None, lease_until=None, **values, **_noted(why))
    released = release.returning(OutboxMessage.id).execution_options(synchronize_session=False)
    return perform(lambda: db.session.scalar(released) is not None, write=True)


def explain(fault: Fault) -> None:
    """Say on the letters that are due why none of them leaves; this is no attempt to send them."""
    values = _noted([fault])
    others = or_(OutboxMessage.last_error.is_(None), OutboxMessage.last_error != values["last_error"])
    due = select(OutboxMessage.id).where(_is_due(clock.now()), others).limit(BATCH_ROWS)
    chosen = OutboxMessage.id.in_(due.with_for_update(skip_locked=True))
    note = update(OutboxMessage).where(chosen).values(values)
    perform(lambda: db.session.execute(note.execution_options(synchronize_session=False)), write=True)


def _noted(why: Sequence[Fault]) -> dict[str, Any]:
    """Return what a letter keeps of the reason: in English for whoever reads the table, and for any language."""
    in_english = " ".join(map(str, why))[:ERROR_MAX_CHARACTERS]
    return {"last_error": in_english or None, "last_faults": [list(fault) for fault in why] or None}


def left() -> int:
    """Return how many letters still have to leave, now or later."""
    waiting = OutboxMessage.state.in_([LetterState.QUEUED, LetterState.SENDING])
    return perform(lambda: db.session.scalars(select(func.count()).where(waiting)).one(), write=False)


def _is_due(now: datetime) -> ColumnElement[bool]:
    return and_(OutboxMessage.state == LetterState.QUEUED, OutboxMessage.not_before <= now)


def _is_abandoned(now: datetime) -> ColumnElement[bool]:
    return and_(OutboxMessage.state == LetterState.SENDING, OutboxMessage.lease_until < now)
