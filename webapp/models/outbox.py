"""Email waiting to leave."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp import clock
from webapp.db import Id, Model
from webapp.models.columns import name_column


class LetterState(StrEnum):
    """Where a letter stands. A dropped one was never meant to leave: nobody verified has its address, or they had
    enough letters that day.
    """

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"


# Spelled out, not bound: a planner uses a partial index only for a condition it can read.
LEFTOVER = "secret IS NOT NULL AND state IN ('sent', 'failed', 'dropped')"


class OutboxMessage(Model):
    """A letter, written with the change that caused it; the worker sends it.

    `secret` is the sealed token of the link in the letter, erased once the letter is sent, failed or dropped.
    `last_error` says in English why it has not left; `last_faults` says the same in messages to translate, each with
    its values, and is missing where a version before it wrote the other.
    """

    __tablename__ = "outbox_message"
    __table_args__ = (
        Index("ix_outbox_message_due", "state", "not_before"),
        Index("ix_outbox_message_leftover", "id", sqlite_where=text(LEFTOVER), postgresql_where=text(LEFTOVER)),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    to_address: Mapped[str] = mapped_column(String(320))
    language: Mapped[str | None] = mapped_column(String(10))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    secret: Mapped[str | None] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(String(200), unique=True)
    state: Mapped[LetterState] = mapped_column(name_column(LetterState, "state"), default=LetterState.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime] = mapped_column(default=clock.now)
    lease: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(String(500))
    last_faults: Mapped[list[tuple[str, dict[str, str]]] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    finished_at: Mapped[datetime | None] = mapped_column(index=True)
