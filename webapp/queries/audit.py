"""The audit log of an organization: its newest entries, or those that filters let through."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Integer, Row, Select, and_, bindparam, select, union_all

from webapp.db import db
from webapp.models import AuditEntry, EmailAddress, Member, Organization, RemovedMember, Role, User
from webapp.queries.page import PAGE_ROWS, Page, decode, encode
from webapp.queries.removed import IS_MEMBER_AGAIN, REMOVER_ROLE
from webapp.services.audit import Event
from webapp.services.removals import undo_begins_at

Entry = Row[*tuple[Any, ...]]

END = 2**63 - 1
MOST_NAMED = 20
# How far the clocks of several servers may disagree before a filter by time overlooks an entry.
CLOCKS_DISAGREE = timedelta(hours=1)


@dataclass(frozen=True)
class Filters:
    """Which entries are wanted: those that meet every condition given.

    Args:
        actor_id: the user who acted.
        events: the names of what happened.
        target: kind and id of what it happened to.
        since, until: the first moment, and the first moment after the last.
    """

    actor_id: int | None = None
    events: tuple[str, ...] = ()
    target: tuple[str, int] | None = None
    since: datetime | None = None
    until: datetime | None = None


def entries_of(organization: Organization, filters: Filters, *, after: str) -> Page[Entry]:
    """Return a page of entries, the newest first.

    Raises:
        NotFound: the cursor is not one of ours.
    """
    before = decode(after, [AuditEntry.sequence])[0] if after else END
    rows = newest(organization.id, filters, before=before, most=PAGE_ROWS + 1)
    cursor = encode([rows[PAGE_ROWS - 1].sequence]) if len(rows) > PAGE_ROWS else None
    return Page(rows[:PAGE_ROWS], cursor, not after)


def newest(organization_id: int, filters: Filters, *, before: int = END, most: int) -> Sequence[Entry]:
    """Return at most so many entries numbered below `before`, the newest first."""
    low, high = _bounds(organization_id, filters)
    kind, target_id = filters.target or (None, None)
    parameters = {
        "organization": organization_id,
        "low": low,
        "high": min(high, before),
        "most": most,
        "actor": filters.actor_id,
        "kind": kind,
        "target": target_id,
        "since": filters.since,
        "until": filters.until,
        **{f"event_{number}": event for number, event in enumerate(filters.events)},
    }
    statement = _statement(
        len(filters.events),
        by_actor=filters.actor_id is not None,
        of_target=filters.target is not None,
        is_since=filters.since is not None,
        is_until=filters.until is not None,
    )
    return db.session.execute(statement, parameters).all()


@cache
def _statement(
    events: int, *, by_actor: bool, of_target: bool, is_since: bool, is_until: bool
) -> Select[*tuple[Any, ...]]:
    """Return the select for filters of one shape.

    Each kind of event is cut to a page along its own index before they are merged, so that a rare kind among many
    entries costs no more than a common one.
    """
    of_organization = AuditEntry.organization_id == bindparam("organization", type_=BigInteger)
    conditions = [
        of_organization,
        AuditEntry.sequence > bindparam("low", type_=BigInteger),
        AuditEntry.sequence < bindparam("high", type_=BigInteger),
    ]
    narrowing = [
        (by_actor, AuditEntry.actor_user_id == bindparam("actor")),
        (of_target, AuditEntry.target_kind == bindparam("kind")),
        (of_target, AuditEntry.target_id == bindparam("target")),
        (is_since, AuditEntry.created_at >= bindparam("since")),
        (is_until, AuditEntry.created_at < bindparam("until")),
    ]
    conditions += [condition for is_wanted, condition in narrowing if is_wanted]
    most = bindparam("most", type_=Integer)
    every = select(AuditEntry.sequence).where(*conditions).order_by(AuditEntry.sequence.desc()).limit(most)
    kinds = [every.where(AuditEntry.event == bindparam(f"event_{number}")) for number in range(events)] or [every]
    found = union_all(*(select(kind.subquery()) for kind in kinds)).subquery()
    page = select(found.c.sequence).order_by(found.c.sequence.desc()).limit(most).subquery()
    return (
        select(*AuditEntry.__table__.c)
        .join(page, AuditEntry.sequence == page.c.sequence)
        .where(of_organization)
        .order_by(page.c.sequence.desc())
    )


def _bounds(organization_id: int, filters: Filters) -> tuple[int, int]:
    """Return the numbers between which all entries of the wanted time lie, so that no list has to run through others.

    Numbers follow time, as far as the clocks of all servers agree.
    """
    if filters.since is None and filters.until is None:
        return 0, END
    row = db.session.execute(
        _BOUNDS,
        {
            "organization": organization_id,
            "since": filters.since and filters.since - CLOCKS_DISAGREE,
            "until": filters.until and filters.until + CLOCKS_DISAGREE,
        },
    ).one()
    return row.low or 0, row.high or END


_OF_ORGANIZATION = select(AuditEntry.sequence).where(AuditEntry.organization_id == bindparam("organization"))
_BOUNDS = select(
    _OF_ORGANIZATION.where(AuditEntry.created_at < bindparam("since"))
    .order_by(AuditEntry.created_at.desc())
    .limit(1)
    .scalar_subquery()
    .label("low"),
    _OF_ORGANIZATION.where(AuditEntry.created_at >= bindparam("until"))
    .order_by(AuditEntry.created_at)
    .limit(1)
    .scalar_subquery()
    .label("high"),
)


def user_with_address(canonical: str) -> int | None:
    """Return the id of the user whose verified address this is."""
    return db.session.scalar(_USER_WITH_ADDRESS, {"canonical": canonical})


_USER_WITH_ADDRESS = select(EmailAddress.user_id).where(
    EmailAddress.canonical == bindparam("canonical"), EmailAddress.verified_at.is_not(None)
)


def people_in(organization: Organization, entries: Sequence[Entry]) -> dict[int, str]:
    """Return the names of the members, present or removed, whom entries hold by number: the first MOST_NAMED each."""
    lists = [(values or {}).get("members", ()) for entry in entries for values in (entry.before, entry.after)]
    numbers = {number for one in lists for number in one[:MOST_NAMED]}
    if not numbers:
        return {}
    parameters = {"organization": organization.id, "members": sorted(numbers)}
    return {number: name for number, name in db.session.execute(_PEOPLE, parameters)}


_PEOPLE = union_all(
    *(
        select(number, User.name)
        .join(User, User.id == table.user_id)
        .where(table.organization_id == bindparam("organization"), number.in_(bindparam("members", expanding=True)))
        for table, number in ((Member, Member.id), (RemovedMember, RemovedMember.member_id))
    )
)


def addresses_of_actors(organization: Organization, entries: Sequence[Entry]) -> dict[int, str]:
    """Return the addresses of those who acted, by the id of each user, as far as they are or were members here."""
    users = {entry.actor_user_id for entry in entries} - {None}
    if not users:
        return {}
    parameters = {"organization": organization.id, "users": sorted(users)}
    return {number: address for number, address in db.session.execute(_ACTORS, parameters)}


_ACTORS = union_all(
    *(
        select(table.user_id, EmailAddress.address)
        .join(EmailAddress, and_(EmailAddress.user_id == table.user_id, EmailAddress.is_primary))
        .where(
            table.organization_id == bindparam("organization"), table.user_id.in_(bindparam("users", expanding=True))
        )
        for table in (Member, RemovedMember)
    )
)


@dataclass(frozen=True)
class Removal:
    """The removal, not too old to be undone, that an entry speaks of; `id` is that of the membership."""

    entry_id: int
    id: int
    user_id: int
    role: Role
    name: str
    removed_at: datetime
    has_left: bool
    remover_role: Role | None
    is_member_again: bool
    is_active: bool


def removals_among(organization: Organization, entries: Sequence[Entry]) -> list[Removal]:
    """Return the removals among these entries that are not too old to be undone; each membership has one at most."""
    gone = [entry for entry in entries if entry.event in (Event.MEMBER_REMOVED, Event.MEMBER_LEFT)]
    if not gone:
        return []
    members = [entry.target_id for entry in gone]
    parameters = {"organization": organization.id, "members": members, "since": undo_begins_at()}
    rows = {row.id: row for row in db.session.execute(_REMOVED, parameters)}
    found = [(entry, rows[entry.target_id]) for entry in gone if entry.target_id in rows]
    return [Removal(entry_id=entry.id, **row._mapping) for entry, row in found if entry.created_at >= row.removed_at]


_REMOVED = (
    select(
        RemovedMember.member_id.label("id"),
        RemovedMember.user_id,
        RemovedMember.role,
        RemovedMember.removed_at,
        User.name,
        (RemovedMember.removed_by_id == RemovedMember.user_id).label("has_left"),
        REMOVER_ROLE.label("remover_role"),
        User.is_active,
        IS_MEMBER_AGAIN.label("is_member_again"),
    )
    .join(User, User.id == RemovedMember.user_id)
    .where(
        RemovedMember.organization_id == bindparam("organization"),
        RemovedMember.member_id.in_(bindparam("members", expanding=True)),
        RemovedMember.removed_at > bindparam("since"),
    )
)
