"""The Members tab."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Boolean,
    Integer,
    Row,
    Subquery,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    null,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute

from webapp.access.facts import last_owner
from webapp.access.single_sign_on import lacks_identity
from webapp.db import Id, db
from webapp.errors import N_, NotFound
from webapp.models import (
    AuditEntry,
    AuditMention,
    EmailAddress,
    Member,
    MemberStatus,
    MemberWord,
    Organization,
    Role,
    TeamMember,
    User,
)
from webapp.models.member import has_ended
from webapp.queries.page import PAGE_ROWS, Listing, Page, Statement, listing, read
from webapp.queries.words import matching, parameters_of, searched_words

HISTORY_ENTRIES = 20
BY_NAME = "name"
# A minus sign before the name turns the order round. Whoever joined later has the higher id.
SORTS: dict[str, list[InstrumentedAttribute[Any]]] = {
    BY_NAME: [Member.sort_name, Member.id],
    "role": [Member.role, Member.sort_name, Member.id],
    "joined": [Member.id],
}
ORDERS = {sign + name: sign + name for sign in ("", "-") for name in SORTS}
ROLES = {role.label: role for role in Role}


class Standing(StrEnum):
    """What lists say of a membership: its status, or that it has ended. Suspended is also whose end is over."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


NARROWED: dict[str, Any] = {
    "role": Member.role == bindparam("role", type_=Member.role.type),
    Standing.ACTIVE: Member.is_active,
    Standing.SUSPENDED: Member.status == MemberStatus.SUSPENDED,
    Standing.ENDED: Member.has_ended,
}


def standing_of(status: MemberStatus, expires_at: datetime | None) -> Standing:
    """Return what lists say of a membership."""
    if status is MemberStatus.ACTIVE and has_ended(expires_at):
        return Standing.ENDED
    return Standing(status.value)


@dataclass(frozen=True)
class Wanted:
    """Which members a list shows, and in which order.

    A search comes by the word that matched, whatever the order; the members of a team, by its id, and those whose
    membership has ended come by name.
    """

    q: str = ""
    role: Role | None = None
    status: Standing | None = None
    sort: str = BY_NAME
    team: int | None = None

    @property
    def narrowing(self) -> tuple[str, ...]:
        """The names of the conditions that hold of all of them."""
        return (*(("role",) if self.role is not None else ()), *((self.status,) if self.status is not None else ()))


def wanted(q: str, role: str, status: str, sort: str, team: int | None = None) -> Wanted:
    """Return what an address asks for. Empty texts mean everybody, by name.

    Args:
        q: the beginnings of words to search for.
        role: the name of a role.
        status: the name of a status.
        sort: the name of an order.
        team: the id of a team.

    Raises:
        NotFound: there is no such role, status or order.
    """
    try:
        narrowed = (ROLES[role] if role else None, Standing(status) if status else None)
        return Wanted(q, *narrowed, ORDERS[sort or BY_NAME], team)
    except (KeyError, ValueError) as error:
        raise NotFound(N_("There is no such list of members. Go back to all of them.")) from error


class MemberRow(NamedTuple):
    """One line of the tab, in the order of `_shown`."""

    id: int
    user_id: int
    name: str
    email: str
    is_verified: bool
    role: Role
    status: MemberStatus
    joined_at: datetime
    last_active_at: datetime | None
    is_you: bool
    is_last_owner: bool
    has_global_access: bool
    expires_at: datetime | None

    @property
    def standing(self) -> Standing:
        """What the list says of the membership."""
        return standing_of(self.status, self.expires_at)


SHOWN = len(MemberRow._fields)


def members_of(
    organization: Organization, which: Wanted, *, after: str, viewer_id: int | None, rows: int = PAGE_ROWS
) -> Page[MemberRow]:
    """Return a page of members.

    Raises:
        NotFound: the cursor is not one of ours.
    """
    words = searched_words(which.q, MemberWord, organization.id)
    shape = _list(len(words), which.narrowing, _order(which, words), which.team is not None)
    asked = {name: value for name, value in (("role", which.role), ("team_id", which.team)) if value is not None}
    parameters = {**parameters_of(words, organization.id), **asked, "viewer_id": viewer_id}
    found, cursor = read(shape, parameters, after, rows=rows)
    return Page([MemberRow._make(row[:SHOWN]) for row in found], cursor, not after)


def _order(which: Wanted, words: Sequence[str]) -> str:
    """Return the order of a list. Among members of one role that by role is that by name, which the index serves."""
    if words:
        return BY_NAME
    if which.team is not None or which.status is Standing.ENDED:
        return which.sort if which.sort.removeprefix("-") == BY_NAME else BY_NAME
    return which.sort if which.role is None else which.sort.replace("role", BY_NAME)


@cache
def _list(words: int, narrowed: tuple[str, ...], sort: str, in_team: bool) -> Listing:
    """Prepare a list of one shape: so many words searched for, these conditions, this order, one team or all."""
    narrowing = _narrowing(narrowed)
    of_team = TeamMember.team_id == bindparam("team_id", type_=Id)
    if words:
        found = matching(MemberWord, MemberWord.member_id, words)
        if narrowing:
            found = found.join(Member, Member.id == MemberWord.member_id).where(*narrowing)
        if in_team:
            found = found.where(exists().where(of_team, TeamMember.member_id == MemberWord.member_id))
        return listing(found, [MemberWord.word, MemberWord.member_id], _shown)
    if in_team:
        found = select(TeamMember.member_id.label("id")).where(of_team)
        if narrowing:
            found = found.join(Member, Member.id == TeamMember.member_id).where(*narrowing)
        by_name = [TeamMember.sort_name, TeamMember.member_id]
        return listing(found, by_name, _shown, descending=sort.startswith("-"))
    everybody = select(Member.id).where(Member.organization_id == bindparam("organization_id"), *narrowing)
    return listing(everybody, SORTS[sort.removeprefix("-")], _shown, descending=sort.startswith("-"))


def _narrowing(narrowed: tuple[str, ...]) -> list[Any]:
    """Return conditions. The sum hides the index of roles: the few who have ended lead, and not all of a role."""
    if Standing.ENDED not in narrowed:
        return [NARROWED[name] for name in narrowed]
    role = type_coerce(Member.role, Integer) + 0 == bindparam("role", type_=Member.role.type)
    return [role if name == "role" else NARROWED[name] for name in narrowed]


def _shown(page: Subquery) -> Statement:
    return (
        select(
            Member.id,
            Member.user_id,
            User.name,
            func.coalesce(EmailAddress.address, ""),
            EmailAddress.verified_at.is_not(None),
            Member.role,
            Member.status,
            Member.created_at,
            Member.last_active_at,
            Member.user_id.is_not_distinct_from(bindparam("viewer_id", type_=Integer)),
            Member.id.is_not_distinct_from(last_owner()),
            Member.has_global_access,
            Member.expires_at,
        )
        .select_from(page)
        .join(Member, Member.id == page.c.id)
        .join(User, User.id == Member.user_id)
        .outerjoin(EmailAddress, and_(EmailAddress.user_id == User.id, EmailAddress.is_primary))
    )


@dataclass(frozen=True)
class Person:
    """Whose membership a page is about."""

    name: str
    email: str
    is_verified: bool
    is_active: bool
    is_last_owner: bool
    lacks_identity: bool


def person_of(member: Member) -> Person:
    """Return who a member is."""
    row = db.session.execute(_PERSON, {"organization_id": member.organization_id, "user_id": member.user_id}).one()
    is_verified = row.verified_at is not None
    is_last_owner = row.last_owner_id == member.id
    return Person(row.name, row.address or "", is_verified, row.is_active, is_last_owner, row.lacks_identity)


_PERSON = (
    select(
        User.name,
        User.is_active,
        EmailAddress.address,
        EmailAddress.verified_at,
        last_owner().label("last_owner_id"),
        lacks_identity(Member).label("lacks_identity"),
    )
    .join(Member, Member.user_id == User.id)
    .outerjoin(EmailAddress, and_(EmailAddress.user_id == User.id, EmailAddress.is_primary))
    .where(User.id == bindparam("user_id"), Member.organization_id == bindparam("organization_id"))
)


def history_of(member: Member) -> Page[Row[*tuple[Any, ...]]]:
    """Return the newest audit entries about a member, and those by which they came into something or left it.

    The latter have `is_in` and say nothing more: what they hold may be as long as a group is large.
    """
    parameters = {"organization_id": member.organization_id, "member_id": member.id}
    return Page(db.session.execute(HISTORY, parameters).all(), None, True)


def _history() -> Statement:
    """Select each kind of entries along its own index, cut before they are merged."""
    about = select(AuditEntry.sequence, cast(null(), Boolean).label("is_in")).where(
        AuditEntry.organization_id == bindparam("organization_id"),
        AuditEntry.target_kind == "member",
        AuditEntry.target_id == bindparam("member_id"),
    )
    mentioning = select(AuditMention.sequence, AuditMention.is_in).where(
        AuditMention.organization_id == bindparam("organization_id"), AuditMention.member_id == bindparam("member_id")
    )
    cut = (
        found.order_by(column.desc()).limit(HISTORY_ENTRIES).subquery()
        for found, column in ((about, AuditEntry.sequence), (mentioning, AuditMention.sequence))
    )
    merged = union_all(*(select(one) for one in cut)).subquery()
    page = select(merged).order_by(merged.c.sequence.desc()).limit(HISTORY_ENTRIES).subquery()
    values = (
        case((page.c.is_in.is_(None), column)).label(column.key) for column in (AuditEntry.before, AuditEntry.after)
    )
    others = [column for column in AuditEntry.__table__.c if column.key not in ("before", "after")]
    found = select(*others, *values, page.c.is_in).select_from(page)
    found = found.join(AuditEntry, AuditEntry.sequence == page.c.sequence)
    of_organization = AuditEntry.organization_id == bindparam("organization_id")
    return found.where(of_organization).order_by(page.c.sequence.desc())


HISTORY = _history()
