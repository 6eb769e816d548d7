"""Letters: written with the change that causes them, sent later by the worker."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select

from webapp.db import db
from webapp.models import LetterState, OutboxMessage


@dataclass(frozen=True)
class Letter:
    """A letter to write.

    Args:
        kind: the name of its templates in `templates/mail/`.
        to: the address as its owner typed it.
        data: what the templates say; nothing secret.
        token: the secret of the link in the letter; stored sealed.
        organization_id: whose letter it is, if an organization's.
        language: what the recipient reads, such as "de"; English where nobody knows.
        is_dropped: go through all the motions, but send nothing.
    """

    kind: str
    to: str
    data: Mapping[str, Any]
    token: str | None = None
    organization_id: int | None = None
    language: str | None = None
    is_dropped: bool = False


def enqueue(letter: Letter) -> OutboxMessage:
    """Write a letter that leaves once the transaction is committed."""
    return enqueue_all([letter])[0]


def enqueue_all(letters: Sequence[Letter]) -> list[OutboxMessage]:
    """Write letters that leave once the transaction is committed."""
    messages = [_message(letter) for letter in letters]
    db.session.add_all(messages)
    db.session.flush()
    return messages


def enqueue_unasked(letters: Sequence[Letter]) -> None:
    """Write letters without links, about which nothing keeps anything: one statement for all of them."""
    if letters:
        db.session.execute(insert(OutboxMessage), [_row(letter) for letter in letters])


def _row(letter: Letter) -> dict[str, Any]:
    return {
        "kind": letter.kind,
        "to_address": letter.to,
        "language": letter.language,
        "data": dict(letter.data),
        "organization_id": letter.organization_id,
        "message_id": secrets.token_hex(16),
        "state": LetterState.DROPPED if letter.is_dropped else LetterState.QUEUED,
    }


def _message(letter: Letter) -> OutboxMessage:
    message = OutboxMessage(**_row(letter))
    if letter.token is not None:
        message.secret = db.vault.seal(seal_name(message), letter.token)
    return message


def newest_sealed() -> OutboxMessage | None:
    """Return the newest letter that still has a sealed secret."""
    sealed = select(OutboxMessage).where(OutboxMessage.secret.is_not(None))
    return db.session.scalar(sealed.order_by(OutboxMessage.id.desc()).limit(1))


def seal_name(message: OutboxMessage) -> str:
    """Return the name under which the secret of a letter is sealed."""
    return f"outbox_message:{message.message_id}"
