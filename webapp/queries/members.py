"""The Members tab."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Subquery, and_, select

from webapp.models import EmailAddress, Member, MemberStatus, MemberWord, Organization, Role, User
from webapp.queries.page import Page, cut, fetch
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
    page = _page(organization, searched_words(q, MemberWord, organization.id), after)
    statement = (
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
    rows, cursor = fetch(statement, page)
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


def _page(organization: Organization, words: Sequence[str], after: str) -> Subquery:
    if words:
        found = matching(MemberWord, MemberWord.member_id, organization.id, words)
        return cut(found, [MemberWord.word, MemberWord.member_id], after)
    everybody = select(Member.id).where(Member.organization_id == organization.id)
    return cut(everybody, [Member.sort_name, Member.id], after)
