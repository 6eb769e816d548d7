"""The audit log: one entry for one change, written in the transaction of the change, chained by hashes."""

import hashlib
import json
from collections.abc import Iterable
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
    ORGANIZATION_CHANGED = "organization.changed"
    MEMBER_JOINED = "member.joined"
    MEMBER_ADDED = "member.added"
    MEMBER_ROLE_CHANGED = "member.role_changed"
    MEMBER_SUSPENDED = "member.suspended"
    MEMBER_RESTORED = "member.restored"
    MEMBER_REMOVED = "member.removed"
    MEMBER_LEFT = "member.left"
    MEMBER_REMOVAL_UNDONE = "member.removal_undone"
    INVITATION_SENT = "invitation.sent"
    INVITATION_ACCEPTED = "invitation.accepted"
    INVITATION_DECLINED = "invitation.declined"
    INVITATION_REVOKED = "invitation.revoked"
    INVITATION_EXPIRED = "invitation.expired"
    INVITATION_REFUSED = "invitation.refused"
    INVITATION_RESENT = "invitation.resent"
    INVITATION_LINK_COPIED = "invitation.link_copied"
    INVITATION_REMINDED = "invitation.reminded"
    REQUEST_MADE = "request.made"
    REQUEST_APPROVED = "request.approved"
    REQUEST_REJECTED = "request.rejected"
    ACCESS_REFUSED = "access.refused"
    ACCOUNT_CREATED = "account.created"
    ACCOUNT_CHANGED = "account.changed"
    ADDRESS_VERIFIED = "account.address_verified"
    SESSION_ENDED = "account.session_ended"
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


@dataclass(frozen=True)
class Change:
    """What an event did to its target.

    `before` and `after` hold the changed values, complete enough to go back.
    """

    target: Target
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


def record(
    actor: Actor,
    event: Event,
    target: Target,
    *,
    organization: Organization | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Append one entry; see `record_all`."""
    record_all(actor, event, [Change(target, before, after)], organization=organization)


def record_all(
    actor: Actor, event: Event, changes: Iterable[Change], *, organization: Organization | None = None
) -> None:
    """Append an entry for each change to the chain of `organization`, or to the instance's where there is none.

    The caller holds the organization's lock; the instance's is taken here.
    """
    last = _last_entry(organization)
    for change in changes:
        last = _entry_after(last, actor, event, change, organization)
        db.session.add(last)
    db.session.flush()


def _entry_after(
    last: AuditEntry | None, actor: Actor, event: Event, change: Change, organization: Organization | None
) -> AuditEntry:
    entry = AuditEntry(
        organization_id=organization.id if organization else None,
        sequence=last.sequence + 1 if last else 1,
        actor_kind=actor.kind.value,
        actor_user_id=actor.user_id,
        actor_name=actor.name,
        ip=actor.ip,
        event=event.value,
        target_kind=change.target.kind,
        target_id=change.target.id,
        target_name=change.target.name,
        before=change.before,
        after=change.after,
        created_at=clock.now(),
        previous_hash=last.hash if last else FIRST_HASH,
    )
    entry.hash = hash_of(entry)
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
