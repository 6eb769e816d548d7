"""The audit log: one entry for one change, written in the transaction of the change, chained by hashes."""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, insert, select

from webapp import clock
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import AuditEntry, AuditMention, Instance, Organization

FIRST_HASH = "0" * 64


class Event(StrEnum):
    """What can have happened; each name has a sentence on the audit page."""

    ORGANIZATION_CREATED = "organization.created"
    ORGANIZATION_CHANGED = "organization.changed"
    MEMBER_JOINED = "member.joined"
    MEMBER_ADDED = "member.added"
    MEMBER_RENAMED = "member.renamed"
    MEMBER_ROLE_CHANGED = "member.role_changed"
    MEMBER_ACCESS_CHANGED = "member.access_changed"
    MEMBER_SUSPENDED = "member.suspended"
    MEMBER_RESTORED = "member.restored"
    MEMBER_END_CHANGED = "member.end_changed"
    MEMBER_REMOVED = "member.removed"
    MEMBER_LEFT = "member.left"
    MEMBER_REMOVAL_UNDONE = "member.removal_undone"
    INVITATION_SENT = "invitation.sent"
    INVITATION_ACCEPTED = "invitation.accepted"
    INVITATION_DECLINED = "invitation.declined"
    INVITATION_REVOKED = "invitation.revoked"
    INVITATION_EXPIRED = "invitation.expired"
    INVITATION_REFUSED = "invitation.refused"
    INVITATION_SUPERSEDED = "invitation.superseded"
    INVITATION_RESENT = "invitation.resent"
    INVITATION_LINK_COPIED = "invitation.link_copied"
    INVITATION_REMINDED = "invitation.reminded"
    REQUEST_MADE = "request.made"
    REQUEST_APPROVED = "request.approved"
    REQUEST_REJECTED = "request.rejected"
    TEAM_CREATED = "team.created"
    TEAM_CHANGED = "team.changed"
    TEAM_REMOVED = "team.removed"
    TEAM_MEMBER_ADDED = "team.member_added"
    TEAM_MEMBER_REMOVED = "team.member_removed"
    PROJECT_CREATED = "project.created"
    PROJECT_CHANGED = "project.changed"
    PROJECT_ARCHIVED = "project.archived"
    PROJECT_UNARCHIVED = "project.unarchived"
    PROJECT_REMOVED = "project.removed"
    GROUP_CREATED = "group.created"
    GROUP_CHANGED = "group.changed"
    GROUP_REMOVED = "group.removed"
    GROUP_MEMBER_ADDED = "group.member_added"
    GROUP_MEMBER_REMOVED = "group.member_removed"
    SSO_ENABLED = "sso.enabled"
    SSO_DISABLED = "sso.disabled"
    SSO_EDITED = "sso.edited"
    SSO_LINKED = "sso.linked"
    SSO_UNLINKED = "sso.unlinked"
    SSO_INVALIDATED = "sso.invalidated"
    SSO_REFUSED = "sso.refused"
    SSO_REMINDED = "sso.reminded"
    SSO_ENFORCED = "sso.enforced"
    SSO_BYPASSED = "sso.bypassed"
    SSO_DOMAIN_PROVEN = "sso.domain_proven"
    SSO_DOMAIN_LOST = "sso.domain_lost"
    SSO_MAPPED = "sso.mapped"
    SSO_UNMAPPED = "sso.unmapped"
    SSO_DISCARDED = "sso.discarded"
    SSO_CODES_MADE = "sso.codes_made"
    SSO_CODE_USED = "sso.code_used"
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


@dataclass(frozen=True)
class Move(Change):
    """A change by which members, by id, came into its target or left it: it is part of their history too."""

    came: Collection[int] = ()
    went: Collection[int] = ()


NO_IMPACT: tuple[Collection[Event], dict[str, Any]] = ((), {})
_IMPACT: ContextVar[tuple[Collection[Event], dict[str, Any]]] = ContextVar("impact", default=NO_IMPACT)


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


@contextmanager
def with_impact(events: Collection[Event], impact: dict[str, Any]) -> Iterator[None]:
    """Let the first entry of one of some events within the block say what everything in it does to access."""
    token = _IMPACT.set((events, impact))
    try:
        yield
    finally:
        _IMPACT.reset(token)


def record_all(
    actor: Actor, event: Event, changes: Iterable[Change], *, organization: Organization | None = None
) -> None:
    """Append an entry for each change to the chain of `organization`, or to the instance's where there is none.

    The caller holds the organization's lock; the instance's is taken here.
    """
    db.session.flush()
    sequence, hash_before = _end_of_chain(organization)
    rows, mentions = [], []
    for change in _with_impact(event, list(changes)):
        sequence += 1
        rows.append(_row(actor, event, change, organization, (sequence, hash_before)))
        hash_before = rows[-1]["hash"]
        if isinstance(change, Move) and organization is not None:
            mentions += _mentions(change, organization, sequence)
    if mentions:
        db.session.execute(insert(AuditMention), mentions)
    if rows:
        db.session.execute(insert(AuditEntry), rows, execution_options={"render_nulls": True})  # always one statement


def _with_impact(event: Event, changes: list[Change]) -> list[Change]:
    events, impact = _IMPACT.get()
    if event in events and changes:
        changes[0] = replace(changes[0], after={**(changes[0].after or {}), "impact": impact})
        _IMPACT.set(NO_IMPACT)
    return changes


def _mentions(change: Move, organization: Organization, sequence: int) -> list[dict[str, Any]]:
    of_entry = {"organization_id": organization.id, "sequence": sequence}
    return [
        {**of_entry, "member_id": member, "is_in": is_in}
        for members, is_in in ((change.came, True), (change.went, False))
        for member in members
    ]


def _row(
    actor: Actor, event: Event, change: Change, organization: Organization | None, place: tuple[int, str]
) -> dict[str, Any]:
    sequence, hash_before = place
    said = {
        "organization_id": organization.id if organization else None,
        "sequence": sequence,
        "actor_kind": actor.kind.value,
        "actor_user_id": actor.user_id,
        "actor_name": actor.name,
        "ip": actor.ip,
        "event": event.value,
        "target_kind": change.target.kind,
        "target_id": change.target.id,
        "target_name": change.target.name,
        "before": change.before,
        "after": change.after,
        "previous_hash": hash_before,
    }
    now = clock.now()
    return said | {"created_at": now, "hash": _digest(said | {"created_at": now.isoformat()})}


def _end_of_chain(organization: Organization | None) -> tuple[int, str]:
    """Return the number and the hash of the newest entry of a chain."""
    if organization is None:
        db.session.execute(_LOCK_OF_INSTANCE)
        last = db.session.execute(_LAST_OF_INSTANCE).one_or_none()
    else:
        last = db.session.execute(_LAST_OF_ORGANIZATION, {"organization": organization.id}).one_or_none()
    return (last.sequence, last.hash) if last else (0, FIRST_HASH)


def _last(chain: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    return select(AuditEntry.sequence, AuditEntry.hash).where(chain).order_by(AuditEntry.sequence.desc()).limit(1)


_LOCK_OF_INSTANCE = select(Instance.id).with_for_update()
_LAST_OF_INSTANCE = _last(AuditEntry.organization_id.is_(None))
_LAST_OF_ORGANIZATION = _last(AuditEntry.organization_id == bindparam("organization"))


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


def said_by(entry: AuditEntry | Row[*tuple[Any, ...]]) -> dict[str, Any]:
    """Return everything an entry says, as its hash covers it; the moment as ISO text."""
    return {name: getattr(entry, name) for name in HASHED} | {"created_at": entry.created_at.isoformat()}


def hash_of(entry: AuditEntry | Row[*tuple[Any, ...]]) -> str:
    """Return the hex SHA-256 over everything an entry says, which includes the hash of the entry before it.

    It is taken over `said_by` as JSON in ASCII with sorted names and no spaces.
    """
    return _digest(said_by(entry))


def _digest(said: dict[str, Any]) -> str:
    return hashlib.sha256(_JSON.encode(said).encode()).hexdigest()


_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
