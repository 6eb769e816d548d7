"""The Members tab."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Row, Subquery, and_, bindparam, select

from webapp.models import EmailAddress, Member, MemberStatus, MemberWord, Organization, Role, User
from webapp.queries.page import Listing, Page, Statement, listing, read
from webapp.queries.words import matching, parameters_of, searched_words


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
    """Return a page of members by name, or of those found by the words of `q`, by the word that matched.

    Raises:
        NotFound: the cursor is not one of ours.
    """
    words = searched_words(q, MemberWord, organization.id)
    rows, cursor = read(_list(len(words)), parameters_of(words, organization.id), after)
    return Page([_row(row, viewer_id) for row in rows], cursor, not after)


@cache
def _list(words: int) -> Listing:
    if words:
        return listing(
            matching(MemberWord, MemberWord.member_id, words), [MemberWord.word, MemberWord.member_id], _shown
        )
    everybody = select(Member.id).where(Member.organization_id == bindparam("organization_id"))
    return listing(everybody, [Member.sort_name, Member.id], _shown)


def _shown(page: Subquery) -> Statement:
    return (
        select(
            Member.id,
            User.name,
            EmailAddress.address,
            Member.role,
            Member.status,
            Member.last_active_at,
            Member.user_id,
        )
        .select_from(page)
        .join(Member, Member.id == page.c.id)
        .join(User, User.id == Member.user_id)
        .outerjoin(EmailAddress, and_(EmailAddress.user_id == User.id, EmailAddress.is_primary))
    )


def _row(row: Row[*tuple[Any, ...]], viewer_id: int | None) -> MemberRow:
    is_you = row.user_id == viewer_id
    return MemberRow(row.id, row.name, row.address or "", row.role, row.status, row.last_active_at, is_you)
