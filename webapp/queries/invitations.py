"""The Pending tab, and what an emailed link shows."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Subquery, and_, bindparam, exists, select, text
from sqlalchemy.orm import aliased

from webapp import clock
from webapp.access.decide import Standing, may_still_offer
from webapp.db import db
from webapp.errors import N_, NotFound
from webapp.models import (
    AuditEntry,
    IdentityProvider,
    Invitation,
    InvitationStatus,
    InvitationToken,
    InvitationWord,
    LetterState,
    Member,
    Organization,
    OutboxMessage,
    Role,
    User,
)
from webapp.models.invitation import LISTED
from webapp.queries import offers
from webapp.queries.offers import Held
from webapp.queries.page import PAGE_ROWS, Listing, Page, Statement, listing, read
from webapp.queries.words import matching, parameters_of, searched_words
from webapp.services.audit import Event
from webapp.services.invitation_links import Link, hashes_of
from webapp.services.sso import connections


class State(StrEnum):
    """Where an invitation stands at this moment, which its status alone does not say.

    Expired is a matter of time; what somebody offered who may not any more is as good as revoked, and lists of those
    that wait say withdrawn.
    """

    REQUESTED = "requested"
    PENDING = "pending"
    EXPIRED = "expired"
    DECLINED = "declined"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    WITHDRAWN = "withdrawn"


STATES = {state.value: state for state in (State.PENDING, State.EXPIRED, State.DECLINED)}
"""What the tab can be narrowed to, by name."""
FORMER_STATES = {"open": State.PENDING}
"""The names that addresses of earlier have."""
LETTER_STATES = {LetterState.SENDING: "queued", LetterState.DROPPED: "failed"}


@dataclass(frozen=True)
class InvitationRow:
    """One line of the tab.

    `state` is pending, expired or declined; or withdrawn where whoever invited may not any more.
    `letter_faults` are messages to translate, each with its values; there are none where an earlier version noted only
    `letter_error`, in English.
    """

    id: int
    email: str
    role: Role
    has_global_access: bool
    state: State
    invited_by: str | None
    created_at: datetime
    expires_at: datetime
    letter_state: str
    letter_error: str | None
    letter_faults: Sequence[tuple[str, Mapping[str, str]]]


def state_named(name: str) -> State | None:
    """Return what the tab is narrowed to by a name in an address, nothing where there is none.

    Raises:
        NotFound: there is no such state.
    """
    state = {**STATES, **FORMER_STATES}.get(name)
    if name and state is None:
        raise NotFound(N_("There is no such list of invitations. Go back to all of them."))
    return state


def pending_of(
    organization: Organization, *, q: str, after: str, state: State | None = None, rows: int = PAGE_ROWS
) -> Page[InvitationRow]:
    """Return a page of unanswered, expired and declined invitations, the newest first.

    Args:
        organization: whose.
        q: the beginnings of words of the address; empty for all.
        state: one of STATES; nothing for all.
        after: the cursor where the page before ended; empty for the first page.
        rows: how many at most.

    Raises:
        NotFound: the cursor is not one of ours.
    """
    words = searched_words(q, InvitationWord, organization.id)
    values = {**parameters_of(words, organization.id), "now": clock.now()}
    found, cursor = read(_list(len(words), state), values, after, rows=rows)
    may_offer = cache(may_still_offer)  # plug-ins are asked once about each inviter and role
    return Page([_row(row, _state(row, organization, may_offer)) for row in found], cursor, not after)


def listed_among(organization: Organization, numbers: Collection[int]) -> Sequence[Invitation]:
    """Return those invitations of the tab that have these ids, the newest first."""
    found = select(Invitation).where(Invitation.organization_id == organization.id, text(LISTED))
    found = found.where(Invitation.id.in_(numbers)).order_by(Invitation.id.desc())
    return db.session.scalars(found).all() if numbers else []


@cache
def _list(words: int, state: State | None) -> Listing:
    now = bindparam("now", type_=Invitation.expires_at.type)
    narrowing: dict[State | None, list[ColumnElement[bool]]] = {
        None: [],
        State.PENDING: [Invitation.status == InvitationStatus.PENDING, Invitation.expires_at > now],
        State.EXPIRED: [Invitation.status == InvitationStatus.PENDING, Invitation.expires_at <= now],
        State.DECLINED: [Invitation.status == InvitationStatus.DECLINED],
    }
    if words:
        found = matching(InvitationWord, InvitationWord.invitation_id, words)
        found = found.join(Invitation, Invitation.id == InvitationWord.invitation_id)
        found = found.where(text(LISTED), *narrowing[state])
        return listing(found, [InvitationWord.word, InvitationWord.invitation_id], _shown)
    of_organization = Invitation.organization_id == bindparam("organization_id")
    waiting = select(Invitation.id).where(of_organization, text(LISTED), *narrowing[state])
    return listing(waiting, [Invitation.id], _shown, descending=True)


def _shown(page: Subquery) -> Statement:
    of_organization = Member.organization_id == Invitation.organization_id
    is_inviters = and_(Member.user_id == User.id, of_organization, User.is_active)
    return (
        select(
            Invitation.id,
            Invitation.email,
            Invitation.role,
            Invitation.has_global_access,
            Invitation.status,
            Invitation.created_at,
            Invitation.expires_at,
            Invitation.closed_at,
            Invitation.invited_by_id,
            User.name.label("invited_by"),
            *_standing(Member, "inviter"),
            OutboxMessage.state.label("letter"),
            OutboxMessage.last_error,
            OutboxMessage.last_faults,
        )
        .select_from(page)
        .join(Invitation, Invitation.id == page.c.id)
        .outerjoin(User, User.id == Invitation.invited_by_id)
        .outerjoin(Member, is_inviters)
        .outerjoin(OutboxMessage, OutboxMessage.id == Invitation.letter_id)
    )


def _row(row: Row[*tuple[Any, ...]], state: State) -> InvitationRow:
    return InvitationRow(
        id=row.id,
        email=row.email,
        role=row.role,
        has_global_access=row.has_global_access,
        state=State.WITHDRAWN if state is State.REVOKED else state,
        invited_by=row.invited_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        letter_state=LETTER_STATES.get(row.letter, row.letter.value if row.letter else "sent"),
        letter_error=row.last_error,
        letter_faults=row.last_faults or (),
    )


def _standing(member: type[Member], who: str) -> list[ColumnElement[Any]]:
    columns = {"id": member.id, "role": member.role, "is_active": member.is_active}
    return [column.label(f"{who}_{name}") for name, column in columns.items()]


def _state(
    row: Row[*tuple[Any, ...]], organization: Organization, may_offer: Callable[..., bool] = may_still_offer
) -> State:
    """Return where an invitation stands, which its rows alone do not say; never withdrawn."""
    if row.status is InvitationStatus.REVOKED and row.closed_at >= row.expires_at:
        return State.EXPIRED
    if row.status is not InvitationStatus.PENDING:
        return State(row.status.value)
    if clock.now() >= row.expires_at:
        return State.EXPIRED
    inviter = row.inviter_id and Standing(row.inviter_id, row.inviter_role, row.inviter_is_active)
    may = may_offer(row.invited_by_id, inviter, row.role, organization)
    return State.PENDING if may else State.REVOKED


def _state_by_link(row: Row[*tuple[Any, ...]], organization: Organization) -> State:
    """Return where an invitation stands for who followed a link: a copied one dies with the right of who copied it."""
    state = _state(row, organization)
    if state is not State.PENDING:
        return state
    copier = row.copier_id and Standing(row.copier_id, row.copier_role, row.copier_is_active)
    return state if may_still_offer(row.copied_by_id, copier, row.role, organization) else State.REVOKED


@dataclass(frozen=True)
class Offered:
    """What an emailed link offers, and the provider by which people sign in there.

    `state` is pending, or how the invitation ended.
    """

    id: int
    token: str = field(repr=False)
    organization_id: int
    organization_name: str
    organization_slug: str
    address_match_required: bool
    email: str
    canonical: str
    role: Role
    has_global_access: bool
    held: Held
    inviter_name: str | None
    expires_at: datetime
    state: State
    provider: IdentityProvider | None

    @property
    def link(self) -> Link:
        """The link that was followed, for those who answer."""
        return Link(self.id, self.organization_id, self.token)


def offered_by(token: str) -> Offered:
    """Return what the link with this token offers.

    Raises:
        NotFound: no invitation has this token.
    """
    row = db.session.execute(_OFFERED, {"hashes": hashes_of(token)}).one_or_none()
    if row is None:
        raise NotFound(N_("This link opens no invitation. Check that it is whole, and from the newest letter."))
    organization: Organization = row.Organization
    return Offered(
        id=row.id,
        token=token,
        organization_id=organization.id,
        organization_name=organization.name,
        organization_slug=organization.slug,
        address_match_required=organization.address_match_required,
        email=row.email,
        canonical=row.canonical,
        role=row.role,
        has_global_access=row.has_global_access,
        held=offers.offered_by([row.id])[row.id],
        inviter_name=row.inviter_name,
        expires_at=row.expires_at,
        state=_state_by_link(row, organization),
        provider=connections.active_of(organization),
    )


def was_accepted_by(user_id: int, offered: Offered) -> bool:
    """Tell whether it was this user who accepted what a link offers."""
    accepted = exists().where(
        AuditEntry.organization_id == offered.organization_id,
        AuditEntry.target_kind == "invitation",
        AuditEntry.target_id == offered.id,
        AuditEntry.event == Event.INVITATION_ACCEPTED,
        AuditEntry.actor_user_id == user_id,
    )
    return bool(db.session.scalar(select(accepted)))


_Copier, _CopierMember = aliased(User), aliased(Member)
_OFFERED = (
    select(
        Invitation.id,
        Invitation.email,
        Invitation.canonical,
        Invitation.role,
        Invitation.has_global_access,
        Invitation.status,
        Invitation.expires_at,
        Invitation.closed_at,
        Invitation.invited_by_id,
        InvitationToken.copied_by_id,
        Organization,
        User.name.label("inviter_name"),
        *_standing(Member, "inviter"),
        *_standing(_CopierMember, "copier"),
    )
    .join(InvitationToken, InvitationToken.invitation_id == Invitation.id)
    .join(Organization, Organization.id == Invitation.organization_id)
    .outerjoin(User, User.id == Invitation.invited_by_id)
    .outerjoin(Member, and_(Member.user_id == User.id, Member.organization_id == Organization.id, User.is_active))
    .outerjoin(_Copier, and_(_Copier.id == InvitationToken.copied_by_id, _Copier.is_active))
    .outerjoin(
        _CopierMember, and_(_CopierMember.user_id == _Copier.id, _CopierMember.organization_id == Organization.id)
    )
    .where(InvitationToken.token_hash.in_(bindparam("hashes", expanding=True)))
)
