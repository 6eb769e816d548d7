"""What pages read of single sign-on."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final, NamedTuple

from sqlalchemy import Subquery, and_, bindparam, exists, func, or_, select

from webapp.access.facts import IS_ACTIVE
from webapp.access.single_sign_on import is_in_use, is_linked
from webapp.db import Id, db
from webapp.models import (
    EmailAddress,
    Identity,
    IdentityProvider,
    Member,
    MemberWord,
    Organization,
    Role,
    User,
)
from webapp.queries.linking import shown_with
from webapp.queries.numbers import shown, up_to
from webapp.queries.page import Listing, Page, Statement, listing, read
from webapp.queries.words import matching, parameters_of, searched_words
from webapp.services.sso.reminders import HAD_WAY_TO_LINK, MOST_COUNTED


@dataclass(frozen=True)
class Entrance:
    """An organization whose people can sign in through its provider."""

    organization_id: int
    name: str
    slug: str
    provider: IdentityProvider


@dataclass(frozen=True)
class OwnLink:
    """A provider that somebody is linked to, or could be."""

    organization: str
    slug: str
    provider: IdentityProvider
    linked_at: datetime | None
    last_verified_at: datetime | None


_ENTRANCE = (
    select(Organization.id, Organization.name, Organization.slug, IdentityProvider)
    .join(IdentityProvider, IdentityProvider.organization_id == Organization.id)
    .where(Organization.slug == bindparam("slug"), is_in_use(IdentityProvider))
)
_OWN_LINKS = (
    select(Organization.name, Organization.slug, IdentityProvider, Identity.created_at, Identity.last_verified_at)
    .join(Member, Member.organization_id == Organization.id)
    .join(IdentityProvider, IdentityProvider.organization_id == Organization.id)
    .outerjoin(Identity, and_(Identity.provider_id == IdentityProvider.id, Identity.user_id == Member.user_id))
    .where(
        Member.user_id == bindparam("user_id"),
        Member.is_active,
        is_in_use(IdentityProvider),
    )
    .order_by(Organization.name, Organization.id)
)


def entrance_of(slug: str) -> Entrance | None:
    """Return where people of an organization sign in, if its single sign-on is in use."""
    row = db.session.execute(_ENTRANCE, {"slug": slug}).one_or_none()
    return Entrance(*row) if row else None


def own_links_of(user_id: int) -> list[OwnLink]:
    """Return the providers of the organizations somebody belongs to, and since when they are linked to each."""
    return [OwnLink(*row) for row in db.session.execute(_OWN_LINKS, {"user_id": user_id})]


@dataclass(frozen=True)
class Coverage:
    """How many of the active members are linked, as pages show it; counting ends at 10,000."""

    linked: str
    members: str


class UnlinkedRow(NamedTuple):
    """An active member who is not linked, in the order of `_shown`."""

    id: int
    name: str
    email: str
    is_verified: bool
    role: Role
    is_invalid: bool
    signed_in_at: datetime | None
    had_reminder: bool


@dataclass(frozen=True)
class Stranded:
    """A member who signs in by the provider alone; without a proven address they cannot choose a password either."""

    name: str
    email: str
    is_verified: bool


SHOWN = len(UnlinkedRow._fields)
_HAS_IDENTITY = exists().where(
    Identity.provider_id == bindparam("provider_id", type_=Id), Identity.user_id == Member.user_id
)
IS_LINKED = is_linked(bindparam("provider_id", type_=Id), Member.user_id)
"""That a member is linked with the provider that a statement names, and it has not taken its word back."""
_ACTIVE = (
    select(Member.id)
    .join(User, User.id == Member.user_id)
    .where(Member.organization_id == bindparam("organization_id"), *IS_ACTIVE)
)


def coverage_of(provider: IdentityProvider) -> Coverage:
    """Return how many active members of its organization are linked with a provider."""
    parameters = {"organization_id": provider.organization_id, "provider_id": provider.id}
    return covered(*db.session.execute(COVERAGE, parameters).one())


def covered(linked: int, members: int) -> Coverage:
    """Return what `COVERAGE` counted, as pages show it."""
    return Coverage(shown(linked, MOST_COUNTED), shown(members, MOST_COUNTED))


def unlinked_of(provider: IdentityProvider, *, q: str, after: str) -> Page[UnlinkedRow]:
    """Return a page of the active members who are not linked with a provider, by name.

    Args:
        provider: the connection in use.
        q: the beginnings of words to search for; the list then comes by the word that matched.
        after: the cursor where the page before ended.

    Raises:
        NotFound: the cursor is not one of ours.
    """
    words = searched_words(q, MemberWord, provider.organization_id)
    parameters = {**parameters_of(words, provider.organization_id), "provider_id": provider.id}
    found, cursor = read(_unlinked(len(words)), parameters, after)
    return Page([UnlinkedRow._make(row[:SHOWN]) for row in found], cursor, not after)


def stranded_by(provider: IdentityProvider, most: int) -> list[Stranded]:
    """Return active members who could not sign in without a provider, by name, at most so many.

    They have no password, or no proven address to go with it.
    """
    parameters = {"organization_id": provider.organization_id, "provider_id": provider.id, "most": most}
    return [Stranded(*row) for row in db.session.execute(_STRANDED, parameters)]


COVERAGE: Final[Statement] = select(
    up_to(MOST_COUNTED, _ACTIVE.where(IS_LINKED)).label("linked"), up_to(MOST_COUNTED, _ACTIVE).label("members")
)
"""Counts the active members of `organization_id`, and those of them who are linked with `provider_id`."""

_STRANDED = (
    select(User.name, func.coalesce(EmailAddress.address, ""), EmailAddress.verified_at.is_not(None))
    .join(Member, Member.user_id == User.id)
    .outerjoin(EmailAddress, and_(EmailAddress.user_id == User.id, EmailAddress.is_primary))
    .where(Member.organization_id == bindparam("organization_id"), *IS_ACTIVE, _HAS_IDENTITY)
    .where(or_(User.password_hash.is_(None), EmailAddress.verified_at.is_(None)))
    .order_by(Member.sort_name, Member.id)
    .limit(bindparam("most"))
)


@cache
def _unlinked(words: int) -> Listing:
    """Prepare the list for so many words searched for."""
    if not words:
        return listing(_ACTIVE.where(~IS_LINKED), [Member.sort_name, Member.id], _shown)
    found = matching(MemberWord, MemberWord.member_id, words).join(Member, Member.id == MemberWord.member_id)
    found = found.join(User, User.id == Member.user_id).where(*IS_ACTIVE, ~IS_LINKED)
    return listing(found, [MemberWord.word, MemberWord.member_id], _shown)


def _shown(page: Subquery) -> Statement:
    return shown_with(page, _HAS_IDENTITY, HAD_WAY_TO_LINK)
