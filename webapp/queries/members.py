"""The Members tab."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import InstrumentedAttribute

from webapp.models import EmailAddress, Member, MemberStatus, MemberWord, Organization, Role, User
from webapp.queries.page import Page, fetch
from webapp.queries.words import matching, searched_words


@dataclass(frozen=True)
class MemberRow:
    """One line of the tab."""

    id: int
    name: str
    email: str
    role: Role
    status: MemberStatus
    last_active_at: datetime | None
    is_you: bool


def members_of(organization: Organization, *, q: str, after: str, viewer_id: int | None) -> Page[MemberRow]:
    """Return a page of members by name, or of those found by the words of `q`, by the word that matched."""
    words = searched_words(q)
    keys: list[InstrumentedAttribute[Any]] = (
        [MemberWord.word, MemberWord.member_id] if words else [Member.sort_name, Member.id]
    )
    statement = (
        select(
            Member.id,
            User.name,
            EmailAddress.address,
            Member.role,
            Member.status,
            Member.last_active_at,
            Member.user_id,
            keys[0].label("key_0"),
            keys[1].label("key_1"),
        )
        .join(User, User.id == Member.user_id)
        .outerjoin(EmailAddress, and_(EmailAddress.user_id == User.id, EmailAddress.is_primary))
        .where(Member.organization_id == organization.id)
    )
    if words:
        statement = matching(statement, MemberWord, "member_id", organization.id, Member.id, words)
    rows, cursor = fetch(statement, keys, after)
    return Page(
        [
            MemberRow(
                row.id, row.name, row.address or "", row.role, row.status, row.last_active_at, row.user_id == viewer_id
            )
            for row in rows
        ],
        cursor,
        not after,
    )
