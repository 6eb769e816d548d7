"""The Pending tab, and what an emailed link shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Subquery, and_, select, text

from webapp import clock
from webapp.access.decide import may_still_offer
from webapp.db import db
from webapp.errors import N_, NotFound
from webapp.models import (
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
from webapp.queries.page import Page, cut, fetch
from webapp.queries.words import matching, searched_words
from webapp.services.tokens import digest

LETTER_STATES = {LetterState.SENDING: "queued", LetterState.DROPPED: "failed"}


@dataclass(frozen=True)
class InvitationRow:
    """One line of the tab."""

    id: int
    email: str
    role: Role
    state: str
    invited_by: str | None
    created_at: datetime
    expires_at: datetime
    letter_state: str
    letter_error: str | None


def pending_of(organization: Organization, *, q: str, after: str) -> Page[InvitationRow]:
    """Return a page of unanswered, expired and declined invitations, the newest first."""
    words = searched_words(q)
    page = _page(organization, words, after)
    statement = (
        select(
            Invitation.id,
            Invitation.email,
            Invitation.role,
            Invitation.status,
            User.name.label("invited_by"),
            Invitation.created_at,
            Invitation.expires_at,
            OutboxMessage.state.label("letter"),
            OutboxMessage.last_error,
        )
        .select_from(page)
        .join(Invitation, Invitation.id == page.c.id)
        .outerjoin(User, User.id == Invitation.invited_by_id)
        .outerjoin(OutboxMessage, OutboxMessage.id == Invitation.letter_id)
    )
    rows, cursor = fetch(statement, page, descending=not words)
    now = clock.now()
    return Page(
        [
            InvitationRow(
                row.id,
                row.email,
                row.role,
                state_of(row.status, row.expires_at, None, now),
                row.invited_by,
                row.created_at,
                row.expires_at,
                LETTER_STATES.get(row.letter, row.letter.value if row.letter else "sent"),
                row.last_error,
            )
            for row in rows
        ],
        cursor,
        not after,
    )


def _page(organization: Organization, words: Sequence[str], after: str) -> Subquery:
    if words:
        found = matching(InvitationWord, InvitationWord.invitation_id, organization.id, words)
        found = found.join(Invitation, Invitation.id == InvitationWord.invitation_id).where(text(LISTED))
        return cut(found, [InvitationWord.word, InvitationWord.invitation_id], after)
    waiting = select(Invitation.id).where(Invitation.organization_id == organization.id, text(LISTED))
    return cut(waiting, [Invitation.id], after, descending=True)


def state_of(status: InvitationStatus, expires_at: datetime, closed_at: datetime | None, now: datetime) -> str:
    """Return where an invitation stands in one word; expired is a matter of time, not of rows."""
    if status is InvitationStatus.PENDING:
        return "expired" if now >= expires_at else "pending"
    if status is InvitationStatus.REVOKED and closed_at and closed_at >= expires_at:
        return "expired"
    return status.value


@dataclass(frozen=True)
class Offered:
    """What an emailed link offers. `state` is pending, or how the invitation ended."""

    id: int
    organization_id: int
    organization_name: str
    organization_slug: str
    address_match_required: bool
    email: str
    canonical: str
    role: Role
    inviter_name: str | None
    expires_at: datetime
    state: str


def offered_by(token: str) -> Offered:
    """Return what the link with this token offers.

    Raises:
        NotFound: no invitation has this token.
    """
    row = db.session.execute(
        select(Invitation, Organization, User.name, Member)
        .join(InvitationToken, InvitationToken.invitation_id == Invitation.id)
        .join(Organization, Organization.id == Invitation.organization_id)
        .outerjoin(User, User.id == Invitation.invited_by_id)
        .outerjoin(Member, and_(Member.user_id == User.id, Member.organization_id == Organization.id, User.is_active))
        .where(InvitationToken.token_hash == digest(token))
    ).one_or_none()
    if row is None:
        raise NotFound(N_("This invitation does not exist. Check that the whole link was copied."))
    invitation, organization, inviter_name, inviter = row
    state = state_of(invitation.status, invitation.expires_at, invitation.closed_at, clock.now())
    if state == "pending" and invitation.invited_by_id and not may_still_offer(inviter, invitation.role, organization):
        state = "revoked"
    return Offered(
        id=invitation.id,
        organization_id=organization.id,
        organization_name=organization.name,
        organization_slug=organization.slug,
        address_match_required=organization.address_match_required,
        email=invitation.email,
        canonical=invitation.canonical,
        role=invitation.role,
        inviter_name=inviter_name,
        expires_at=invitation.expires_at,
        state=state,
    )
