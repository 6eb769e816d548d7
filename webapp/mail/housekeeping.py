"""What the database forgets after a while, in batches too small to keep anybody waiting."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, TextClause, delete, exists, select, text, tuple_, update
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.dml import ReturningDelete, ReturningUpdate

from webapp import clock
from webapp.db import Base, db, perform
from webapp.models import (
    AccountToken,
    AddressToken,
    Attempts,
    Invitation,
    InvitationBatch,
    KnownNetwork,
    LetterState,
    OutboxMessage,
    RemovedMember,
    Session,
    ShownCodes,
    SsoFlow,
)
from webapp.models.outbox import LEFTOVER
from webapp.services import former_addresses, kept_ends
from webapp.services.removals import undo_begins_at
from webapp.services.sessions import IDLE

BATCH_ROWS = 500
ACCOUNT_TOKENS_KEPT = timedelta(days=1)
ADDRESS_TOKENS_KEPT = timedelta(days=90)  # as long as letters: an expired one still leads to a new letter
BATCHES_KEPT = timedelta(days=1)
FLOWS_KEPT = timedelta(days=1)
DROPPED_LETTERS_KEPT = timedelta(hours=1)
FINISHED_LETTERS_KEPT = timedelta(days=90)
NETWORKS_KEPT = timedelta(days=180)

Statement: TypeAlias = ReturningDelete[*tuple[Any, ...]] | ReturningUpdate[*tuple[Any, ...]]


def clear_all() -> None:
    """Delete what has run out and erase secrets that no letter needs any more; each batch is a transaction."""
    for statement in _statements(clock.now()):
        while _clear(statement) == BATCH_ROWS:
            pass
    while perform(_forget_removed, write=True) == BATCH_ROWS:
        pass


def _clear(statement: Statement) -> int:
    """Clear one batch; return how many rows it had."""
    unsynchronized = statement.execution_options(synchronize_session=False)
    return perform(lambda: len(db.session.execute(unsynchronized).all()), write=True)


def _statements(now: datetime) -> Iterator[Statement]:
    yield _deletion(Session, Session.id, (Session.expires_at < now) | (Session.last_seen_at < now - IDLE))
    yield _deletion(Attempts, Attempts.bucket, Attempts.ends_at < now)
    yield _deletion(AccountToken, AccountToken.id, AccountToken.expires_at < now - ACCOUNT_TOKENS_KEPT)
    yield _deletion(AddressToken, AddressToken.id, AddressToken.expires_at < now - ADDRESS_TOKENS_KEPT)
    yield _deletion(SsoFlow, SsoFlow.id, SsoFlow.expires_at < now - FLOWS_KEPT)
    yield _deletion(ShownCodes, ShownCodes.organization_id, ShownCodes.expires_at < now)
    yield _deletion(InvitationBatch, InvitationBatch.id, InvitationBatch.created_at < now - BATCHES_KEPT)
    is_dropped = OutboxMessage.state == LetterState.DROPPED
    is_forgotten = is_dropped & (OutboxMessage.created_at < now - DROPPED_LETTERS_KEPT)
    yield _deletion(OutboxMessage, OutboxMessage.id, is_forgotten)
    is_old = OutboxMessage.finished_at < now - FINISHED_LETTERS_KEPT
    is_named = exists().where(Invitation.letter_id == OutboxMessage.id)
    yield _deletion(OutboxMessage, OutboxMessage.id, is_old & ~is_named)
    yield _erasure_of_secrets()
    yield _deletion_of_networks(now)


def _forget_removed() -> int:
    """Forget one batch of memberships that cannot be put back any more, but for who it was; return how many."""
    is_over = (RemovedMember.removed_at <= undo_begins_at()) & ~kept_ends.is_needed()
    found = select(RemovedMember.id).where(is_over).limit(BATCH_ROWS).with_for_update(skip_locked=True)
    numbers = db.session.scalars(found).all()
    former_addresses.keep_instead_of(numbers)
    return len(numbers)


def _deletion(model: type[Base], key: InstrumentedAttribute[Any], condition: ColumnElement[bool]) -> Statement:
    return delete(model).where(_batch(key, condition)).returning(key)


def _deletion_of_networks(now: datetime) -> Statement:
    key = (KnownNetwork.user_id, KnownNetwork.network)
    unused = select(*key).where(KnownNetwork.last_used_at < now - NETWORKS_KEPT)
    batch = unused.limit(BATCH_ROWS).with_for_update(skip_locked=True)
    return delete(KnownNetwork).where(tuple_(*key).in_(batch)).returning(KnownNetwork.user_id)


def _erasure_of_secrets() -> Statement:
    leftover = _batch(OutboxMessage.id, text(LEFTOVER))
    return update(OutboxMessage).where(leftover).values(secret=None).returning(OutboxMessage.id)


def _batch(key: InstrumentedAttribute[Any], condition: ColumnElement[bool] | TextClause) -> ColumnElement[bool]:
    """Choose so many rows, leaving out those that another worker is clearing."""
    return key.in_(select(key).where(condition).limit(BATCH_ROWS).with_for_update(skip_locked=True))
