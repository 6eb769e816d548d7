"""The Requests tab, and the organization whose sign-in page takes requests."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import Subquery, bindparam, or_, select, text

from webapp import clock
from webapp.db import UtcDateTime, db
from webapp.errors import NotFound
from webapp.models import FormerSlug, Invitation, InvitationWord, Organization, User
from webapp.models.invitation import REQUESTED
from webapp.queries.page import Listing, Page, Statement, listing, read
from webapp.queries.words import matching, parameters_of, searched_words


@dataclass(frozen=True)
class RequestRow:
    """One line of the tab. `suggested_by` is nobody where a visitor asked to join."""

    id: int
    email: str
    suggested_by: str | None
    created_at: datetime


def requests_of(organization: Organization, *, q: str, after: str) -> Page[RequestRow]:
    """Return a page of requests that wait for an answer and have not expired, the newest first.

    Raises:
        NotFound: the cursor is not one of ours.
    """
    words = searched_words(q, InvitationWord, organization.id)
    parameters = {**parameters_of(words, organization.id), "now": clock.now()}
    rows, cursor = read(_list(len(words)), parameters, after)
    return Page([RequestRow(row.id, row.email, row.suggested_by, row.created_at) for row in rows], cursor, not after)


@cache
def _list(words: int) -> Listing:
    is_live = Invitation.expires_at > bindparam("now", type_=UtcDateTime())
    if words:
        found = matching(InvitationWord, InvitationWord.invitation_id, words)
        found = found.join(Invitation, Invitation.id == InvitationWord.invitation_id).where(text(REQUESTED), is_live)
        return listing(found, [InvitationWord.word, InvitationWord.invitation_id], _shown)
    of_organization = Invitation.organization_id == bindparam("organization_id")
    waiting = select(Invitation.id).where(of_organization, text(REQUESTED), is_live)
    return listing(waiting, [Invitation.id], _shown, descending=True)


def _shown(page: Subquery) -> Statement:
    return (
        select(Invitation.id, Invitation.email, User.name.label("suggested_by"), Invitation.created_at)
        .select_from(page)
        .join(Invitation, Invitation.id == page.c.id)
        .outerjoin(User, User.id == Invitation.invited_by_id)
    )


@dataclass(frozen=True)
class Joinable:
    """An organization that lets anybody ask to join."""

    id: int
    name: str
    slug: str


def joinable(slug: str) -> Joinable:
    """Return the organization with this slug, present or former, if anybody may ask to join it.

    Raises:
        NotFound: there is none, or it takes no such requests: nobody learns which.
    """
    row = db.session.execute(_JOINABLE, {"slug": slug}).one_or_none()
    if row is None:
        raise NotFound
    return Joinable(*row)


_LED_TO = select(FormerSlug.organization_id).where(FormerSlug.slug == bindparam("slug")).scalar_subquery()
_JOINABLE = select(Organization.id, Organization.name, Organization.slug).where(
    or_(Organization.slug == bindparam("slug"), Organization.id == _LED_TO), Organization.join_requests_allowed
)
