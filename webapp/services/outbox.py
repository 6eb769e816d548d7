"""Letters: written with the change that causes them, sent later by the worker."""

import secrets
from collections.abc import Mapping
from typing import Any

from webapp.db import db
from webapp.models import LetterState, OutboxMessage


def enqueue(
    kind: str,
    *,
    to: str,
    data: Mapping[str, Any],
    token: str | None = None,
    organization_id: int | None = None,
    is_dropped: bool = False,
) -> OutboxMessage:
    """Write a letter that leaves once the transaction is committed.

    Args:
        kind: the name of its templates in `templates/mail/`.
        to: the address as its owner typed it.
        data: what the templates say; nothing secret.
        token: the secret of the link in the letter; stored sealed.
        organization_id: whose letter it is, if an organization's.
        is_dropped: go through all the motions, but send nothing.
    """
    message = OutboxMessage(
        kind=kind,
        to_address=to,
        data=dict(data),
        organization_id=organization_id,
        message_id=secrets.token_hex(16),
        state=LetterState.DROPPED if is_dropped else LetterState.QUEUED,
    )
    db.session.add(message)
    db.session.flush()
    if token is not None:
        message.secret = db.vault.seal(seal_name(message), token)
    return message


def seal_name(message: OutboxMessage) -> str:
    """Return the name under which the secret of a letter is sealed."""
    return f"outbox_message:{message.id}"
