"""The audit log: one entry for one change, written in the transaction of the change, chained by hashes."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from webapp import clock
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import AuditEntry, Instance, Organization

FIRST_HASH = "0" * 64


class Event(StrEnum):
    """What can have happened; each name has a sentence on the audit page."""

    ORGANIZATION_CREATED = "organization.created"
    MEMBER_JOINED = "member.joined"
    INVITATION_SENT = "invitation.sent"
    INVITATION_ACCEPTED = "invitation.accepted"
    INVITATION_DECLINED = "invitation.declined"
    INVITATION_REVOKED = "invitation.revoked"
    INVITATION_EXPIRED = "invitation.expired"
    ACCESS_REFUSED = "access.refused"
    ACCOUNT_CREATED = "account.created"
    SIGNED_IN = "account.signed_in"
    SIGN_IN_REFUSED = "account.sign_in_refused"
    SIGNED_OUT = "account.signed_out"
    RESET_REQUESTED = "account.reset_requested"
    PASSWORD_CHANGED = "account.password_changed"  # noqa: S105  (an event, no password)


@dataclass(frozen=True)
class Target:
    """What an event happened to. The name is kept as it was."""

    kind: str
    id: int | None
    name: str


def record(
    actor: Actor,
    event: Event,
    target: Target,
    *,
    organization: Organization | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> AuditEntry:
    """Append one entry to the chain of `organization`, or to the instance's where there is none.

    The caller holds the organization's lock; the instance's is taken here.

    Args:
        actor: who did it.
        event: what happened.
        target: what it happened to.
        organization: whose log it is.
        before: the changed values as they were, complete enough to go back.
        after: the changed values as they are now.
    """
    last = _last_entry(organization)
    entry = AuditEntry(
        organization_id=organization.id if organization else None,
        sequence=last.sequence + 1 if last else 1,
        actor_kind=actor.kind.value,
        actor_user_id=actor.user_id,
        actor_name=actor.name,
        ip=actor.ip,
        event=event.value,
        target_kind=target.kind,
        target_id=target.id,
        target_name=target.name,
        before=before,
        after=after,
        created_at=clock.now(),
        previous_hash=last.hash if last else FIRST_HASH,
    )
    entry.hash = hash_of(entry)
    db.session.add(entry)
    db.session.flush()
    return entry


def _last_entry(organization: Organization | None) -> AuditEntry | None:
    if organization is None:
        db.session.execute(select(Instance.id).with_for_update())
    chain = AuditEntry.organization_id == (organization.id if organization else None)
    return db.session.scalar(select(AuditEntry).where(chain).order_by(AuditEntry.sequence.desc()).limit(1))


HASHED = (
    "organization_id",
    "sequence",
    "actor_kind",
    "actor_user_id",
    "actor_name",
    "ip",
    "event",
    "target_kind",
    "target_id",
    "target_name",
    "before",
    "after",
    "previous_hash",
)


def hash_of(entry: AuditEntry) -> str:
    """Return the hex SHA-256 over everything an entry says and over the hash of the entry before it."""
    said = {name: getattr(entry, name) for name in HASHED} | {"created_at": entry.created_at.isoformat()}
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
