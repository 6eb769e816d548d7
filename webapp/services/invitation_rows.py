"""Rows of invitations: what every verb on them shares."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple, cast

from sqlalchemy import ColumnElement, CursorResult, Select, and_, delete, exists, insert, or_, select, text, update

from webapp import clock
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import InvitationNotOpen
from webapp.models import (
    EmailAddress,
    FormerIdentity,
    Identity,
    Invitation,
    InvitationStatus,
    InvitationWord,
    Member,
    MemberStatus,
    Organization,
)
from webapp.models.invitation import OPEN
from webapp.services import audit
from webapp.services.audit import Change, Event, Target
from webapp.services.words import words_of

_IS_SUSPENDED: Final = Member.status == MemberStatus.SUSPENDED


class Standing(NamedTuple):
    """Whether the membership of somebody who goes by an address is suspended, and whether it has ended."""

    is_suspended: bool
    has_ended: bool


def target_of(invitation: Invitation) -> Target:
    """Return an invitation as the audit log names it."""
    return Target("invitation", invitation.id, invitation.email)


def described(invitation: Invitation) -> dict[str, Any]:
    """Return what the audit log keeps of an invitation."""
    return {
        "email": invitation.email,
        "role": invitation.role.label,
        "status": invitation.status.value,
        "expires_at": invitation.expires_at.isoformat(),
    }


def index_words(invitations: Sequence[Invitation]) -> None:
    """Keep the words by which invitations are found."""
    rows = [
        {"organization_id": invitation.organization_id, "invitation_id": invitation.id, "word": word}
        for invitation in invitations
        for word in words_of(invitation.email)
    ]
    if rows:
        db.session.execute(insert(InvitationWord), rows)


def forget_words(numbers: Sequence[int]) -> None:
    """Let no search find the invitations with these ids any more."""
    _forget_words(numbers)


def _forget_words(numbers: Sequence[int] | Select[int]) -> None:
    words = delete(InvitationWord).where(InvitationWord.invitation_id.in_(numbers))
    db.session.execute(words.execution_options(synchronize_session=False))


def close(invitation: Invitation, status: InvitationStatus) -> Change:
    """Close an open invitation by one conditional update, whose row count is the verdict; return what changed.

    Only a declined one stays on the Pending tab, and so among what a search finds.

    Raises:
        InvitationNotOpen: it was answered or revoked before.
    """
    return close_all([invitation], InvitationStatus.PENDING, status)[0]


def close_request(request: Invitation, status: InvitationStatus) -> Change:
    """Close a request in the same way.

    Raises:
        InvitationNotOpen: it was answered before.
    """
    return close_all([request], InvitationStatus.REQUESTED, status)[0]


def close_declined(actor: Actor, organization: Organization, canonicals: Sequence[str] | Select[str]) -> None:
    """Close the declined invitations to addresses that are invited anew or have joined: nobody waits for them.

    Args:
        actor: who made them superfluous.
        organization: whose invitations; the caller holds its lock.
        canonicals: the canonical forms of the addresses, or what selects them.
    """
    declined = db.session.scalars(
        select(Invitation).where(
            Invitation.organization_id == organization.id,
            Invitation.status == InvitationStatus.DECLINED,
            Invitation.canonical.in_(canonicals),
        )
    ).all()
    if declined:
        changes = close_all(declined, InvitationStatus.DECLINED, InvitationStatus.REVOKED)
        audit.record_all(actor, Event.INVITATION_SUPERSEDED, changes, organization=organization)


def close_offers(actor: Actor, organization: Organization, canonicals: Sequence[str]) -> None:
    """Close the open and the declined invitations to the addresses of somebody who is a member: they need none.

    None of them may be kept for the day on which the membership is taken away. Arguments as for `close_declined`.
    """
    open_ones = select(Invitation).where(
        Invitation.organization_id == organization.id,
        Invitation.canonical.in_(canonicals),
        text(OPEN),
        Invitation.status == InvitationStatus.PENDING,
    )
    if found := db.session.scalars(open_ones).all():
        changes = close_all(found, InvitationStatus.PENDING, InvitationStatus.REVOKED)
        audit.record_all(actor, Event.INVITATION_SUPERSEDED, changes, organization=organization)
    close_declined(actor, organization, canonicals)


def close_all(invitations: Sequence[Invitation], before: InvitationStatus, after: InvitationStatus) -> list[Change]:
    """Close invitations that all stand alike, in as many statements as one takes; return what changed of each.

    Raises:
        InvitationNotOpen: one of them did not stand so any more; the caller's transaction must not go on.
    """
    return close_where(_standing(invitations, [before]), invitations, after)


def close_where(which: ColumnElement[bool], found: Sequence[Invitation], after: InvitationStatus) -> list[Change]:
    """Close the invitations and requests that a condition chooses, however many, in two statements.

    Args:
        which: the condition.
        found: those that it chooses, as they were read.
        after: how they end.

    Returns:
        What changed of each that was found, in the same order.

    Raises:
        InvitationNotOpen: it chooses fewer or more by now; the caller's transaction must not go on.
    """
    changes = [Change(target_of(row), {"status": row.status.value}, {"status": after.value}) for row in found]
    if after is not InvitationStatus.DECLINED:
        _forget_words(select(Invitation.id).where(which))
    _change(which, len(found), status=after, closed_at=clock.now(), letter_id=None)
    return changes


def change_all(invitations: Sequence[Invitation], before: Collection[InvitationStatus], **values: object) -> None:
    """Give invitations these values by one conditional update, whose row count is the verdict.

    Args:
        invitations: which.
        before: where each of them must stand.
        values: what their columns are to hold.

    Raises:
        InvitationNotOpen: one of them did not stand so any more; the caller's transaction must not go on.
    """
    _change(_standing(invitations, before), len(invitations), **values)


def _standing(invitations: Sequence[Invitation], where: Collection[InvitationStatus]) -> ColumnElement[bool]:
    return and_(Invitation.id.in_([invitation.id for invitation in invitations]), Invitation.status.in_(where))


def _change(which: ColumnElement[bool], number: int, **values: object) -> None:
    changed = db.session.execute(update(Invitation).where(which).values(**values))
    if cast(CursorResult[Any], changed).rowcount != number:
        raise InvitationNotOpen


def addresses_of_members(organization: Organization, canonicals: Iterable[str]) -> dict[str, Standing]:
    """Return those canonical addresses that are members' (`is_theirs`), and how the membership stands."""
    found = db.session.execute(those_of_members(organization, canonicals))
    return {canonical: Standing(*standing) for canonical, *standing in found}


def those_of_members(organization: Organization, canonicals: Iterable[str]) -> Select[*tuple[Any, ...]]:
    """Select them, found by the addresses: an organization may have a hundred thousand members."""
    return (
        select(EmailAddress.canonical, _IS_SUSPENDED, Member.has_ended)
        .join(Member, Member.user_id == EmailAddress.user_id)
        .where(
            Member.organization_id == organization.id,
            EmailAddress.canonical.in_(canonicals),
            is_theirs(organization),
        )
        .order_by(_IS_SUSPENDED.desc())  # of two members with one address, the one who is not suspended is kept
    )


def shown_of_suspended(organization: Organization, canonicals: Iterable[str]) -> set[str]:
    """Return those canonical addresses with which a suspended member stands in the list of members, proven or not."""
    found = (
        select(EmailAddress.canonical)
        .join(Member, Member.user_id == EmailAddress.user_id)
        .where(
            Member.organization_id == organization.id,
            EmailAddress.canonical.in_(canonicals),
            EmailAddress.is_primary,
            _IS_SUSPENDED,
        )
    )
    return set(db.session.scalars(found))


def is_theirs(organization: Organization) -> ColumnElement[bool]:
    """Tell of an address whether its account goes by it here: it is proven, or the organization's provider knows them.

    So it is where the provider knew them before: a link that was taken away makes nobody a stranger. Any other unproven
    one is only what somebody typed, and closes nobody's invitation.
    """
    known = (
        exists().where(model.user_id == EmailAddress.user_id, model.organization_id == organization.id)
        for model in (Identity, FormerIdentity)
    )
    return or_(EmailAddress.verified_at.is_not(None), *known)
