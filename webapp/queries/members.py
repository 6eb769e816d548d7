"""The Members tab."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Integer, Subquery, and_, bindparam, exists, func, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute

from webapp.access.facts import last_owner
from webapp.access.single_sign_on import is_connection_of, lacks_identity
from webapp.db import Id, db
from webapp.errors import N_, NotFound
from webapp.models import (
    EmailAddress,
    Identity,
    IdentityProvider,
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
from webapp.queries.sso import IS_LINKED
from webapp.queries.words import matching, parameters_of, searched_words

BY_NAME = "name"
# A minus sign before the name turns the order round. Whoever joined later has the higher id.
SORTS: dict[str, list[InstrumentedAttribute[Any]]] = {
    BY_NAME: [Member.sort_name, Member.id],
    "role": [Member.role, Member.sort_name, Member.id],
    "joined": [Member.id],
}
ORDERS = {sign + name: sign + name for sign in ("", "-") for name in SORTS}
ROLES = {role.label: role for role in Role}


class ListedStatus(StrEnum):
    """What lists say of a membership: its status, or that it has ended. Suspended is also whose end is over."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


class Linking(StrEnum):
    """Whether members are linked with the connection in use."""

    LINKED = "linked"
    UNLINKED = "unlinked"


NARROWED: dict[str, Any] = {
    "role": Member.role == bindparam("role", type_=Member.role.type),
    ListedStatus.ACTIVE: Member.is_active,
    ListedStatus.SUSPENDED: Member.status == MemberStatus.SUSPENDED,
    ListedStatus.ENDED: Member.has_ended,
    Linking.LINKED: IS_LINKED,
    Linking.UNLINKED: ~IS_LINKED,
}


def standing_of(status: MemberStatus, expires_at: datetime | None) -> ListedStatus:
    """Return what lists say of a membership."""
    if status is MemberStatus.ACTIVE and has_ended(expires_at):
        return ListedStatus.ENDED
    return ListedStatus(status.value)


@dataclass(frozen=True)
class WantedMembers:
    """Which members a list shows, and in which order; `provider` is the id of what they are to be linked with or not.

    A search comes by the word that matched, whatever the order; the members of a team, by its id, and those whose
    membership has ended come by name.
    """

    q: str = ""
    role: Role | None = None
    status: ListedStatus | None = None
    sort: str = BY_NAME
    team: int | None = None
    linking: Linking | None = None
    provider: int | None = None

    @property
    def narrowing(self) -> tuple[str, ...]:
        """The names of the conditions that hold of all of them."""
        named = ("role" if self.role is not None else None, self.status, self.linking)
        return tuple(name for name in named if name is not None)

    def among(self, sso: str, provider: int) -> "WantedMembers":
        """Return the same of those only who are linked with a provider, or who are not.

        Args:
            sso: which of them.
            provider: the id of the connection in use.

        Raises:
            NotFound: it is neither.
        """
        try:
            return replace(self, linking=Linking(sso), provider=provider)
        except ValueError as error:
            raise no_such_list() from error


def wanted(q: str, role: str, status: str, sort: str, team: int | None = None) -> WantedMembers:
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
        narrowed = (ROLES[role] if role else None, ListedStatus(status) if status else None)
        return WantedMembers(q, *narrowed, ORDERS[sort or BY_NAME], team)
    except (KeyError, ValueError) as error:
        raise no_such_list() from error


def no_such_list() -> NotFound:
    """Return the refusal of a filter or an order that there is not."""
    return NotFound(N_("There is no such list of members. Go back to all of them."))


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
    def standing(self) -> ListedStatus:
        """What the list says of the membership."""
        return standing_of(self.status, self.expires_at)


SHOWN = len(MemberRow._fields)


def members_of(
    organization: Organization, which: WantedMembers, *, after: str, viewer_id: int | None, rows: int = PAGE_ROWS
) -> Page[MemberRow]:
    """Return a page of members.

    Raises:
        NotFound: the cursor is not one of ours.
    """
    words = searched_words(which.q, MemberWord, organization.id)
    shape = _list(len(words), which.narrowing, _order(which, words), which.team is not None)
    asked = {"role": which.role, "team_id": which.team, "provider_id": which.provider}
    asked = {name: value for name, value in asked.items() if value is not None}
    parameters = {**parameters_of(words, organization.id), **asked, "viewer_id": viewer_id}
    found, cursor = read(shape, parameters, after, rows=rows)
    return Page([MemberRow._make(row[:SHOWN]) for row in found], cursor, not after)


def _order(which: WantedMembers, words: Sequence[str]) -> str:
    """Return the order of a list. Among members of one role that by role is that by name, which the index serves."""
    if words:
        return BY_NAME
    if which.team is not None or which.status is ListedStatus.ENDED:
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
    if ListedStatus.ENDED not in narrowed:
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
class ProviderLink:
    """Somebody and the connection in use: since when they are linked with it, or nothing where they are not."""

    provider: IdentityProvider
    linked_at: datetime | None
    last_verified_at: datetime | None
    invalid_since: datetime | None


@dataclass(frozen=True)
class Person:
    """Whose membership a page is about; `link` is nothing where no single sign-on is in use."""

    name: str
    email: str
    is_verified: bool
    is_active: bool
    is_last_owner: bool
    lacks_identity: bool
    link: ProviderLink | None


def person_of(member: Member) -> Person:
    """Return who a member is."""
    row = db.session.execute(_PERSON, {"organization_id": member.organization_id, "user_id": member.user_id}).one()
    is_verified = row.verified_at is not None
    is_last_owner = row.last_owner_id == member.id
    provider: IdentityProvider | None = row.IdentityProvider
    link = ProviderLink(provider, row.linked_at, row.last_verified_at, row.invalid_since) if provider else None
    return Person(row.name, row.address or "", is_verified, row.is_active, is_last_owner, row.lacks_identity, link)


_PERSON = (
    select(
        User.name,
        User.is_active,
        EmailAddress.address,
        EmailAddress.verified_at,
        last_owner().label("last_owner_id"),
        lacks_identity(Member).label("lacks_identity"),
        IdentityProvider,
        Identity.created_at.label("linked_at"),
        Identity.last_verified_at,
        Identity.invalid_since,
    )
    .select_from(User)
    .join(Member, Member.user_id == User.id)
    .outerjoin(EmailAddress, and_(EmailAddress.user_id == User.id, EmailAddress.is_primary))
    .outerjoin(IdentityProvider, is_connection_of(IdentityProvider, Member.organization_id))
    .outerjoin(Identity, and_(Identity.provider_id == IdentityProvider.id, Identity.user_id == User.id))
    .where(User.id == bindparam("user_id"), Member.organization_id == bindparam("organization_id"))
)
