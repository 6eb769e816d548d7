"""Why something cannot be done with a membership or an invitation: a label where the button would be, a sentence."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from webapp.access.actor import Actor
from webapp.access.decide import PowerOver, refusal_over
from webapp.errors import (
    N_,
    AboveYourRole,
    AccountClosed,
    DomainError,
    HasJoined,
    InvitationNotOpen,
    InvitedAnew,
    LetterLimit,
    MemberAgain,
    OfferNotYours,
    OfferTooHigh,
    RemovedFromAbove,
    SignInAgain,
    UndoOver,
    Yourself,
)
from webapp.models import IdentityProvider, Role
from webapp.services.removals import Removal, refusal_to_undo
from webapp.services.sso import identities


@dataclass(frozen=True)
class Reason:
    """A reason, not yet translated."""

    label: str
    sentence: str


LAST_OWNER = Reason(
    N_("Last owner"),
    N_(
        "Nobody else could come in as an owner. Make somebody an owner first who has a verified address and, where "
        "single sign-on is or will be required, is linked."
    ),
)
LAST_LINKED_OWNER = Reason(
    N_("Last linked owner"),
    N_(
        "Single sign-on is required, and no other owner is linked. Let another owner link their account first, or stop "
        "requiring it."
    ),
)
REFUSED: dict[type[DomainError], Reason] = {
    Yourself: Reason(N_("Yourself"), N_("Nobody changes their own membership. Another manager or owner can.")),
    AboveYourRole: Reason(N_("Above your role"), N_("Only people whose role is not below theirs can change this.")),
    MemberAgain: Reason(N_("A member again"), N_("They have joined again since.")),
    RemovedFromAbove: Reason(N_("Above your role"), N_("Somebody whose role is above yours removed them.")),
    UndoOver: Reason(N_("Too late"), N_("They were removed too long ago.")),
    AccountClosed: Reason(N_("Account closed"), N_("Their account is closed.")),
}
# Why an invitation is neither sent again nor revoked; the placeholders are those of the refusals.
OF_INVITATIONS: dict[type[DomainError], str] = {
    OfferTooHigh: N_("It offers a role above your own."),
    OfferNotYours: N_("It offers more than you may give."),
    SignInAgain: N_("It makes somebody an owner: sign in with your password again first."),
    InvitationNotOpen: N_("It was answered or revoked."),
    HasJoined: N_("This person has joined meanwhile."),
    InvitedAnew: N_("There is another open invitation or request for this address."),
    LetterLimit: N_("This address had enough letters for today."),
}


class Row(PowerOver, Protocol):
    """A line of a list that speaks of a membership."""

    @property
    def id(self) -> int: ...
    @property
    def is_last_owner(self) -> bool: ...


def reasons_of(actor: Actor, rows: Iterable[Row]) -> dict[int, Reason]:
    """Return why the actor cannot end some of these memberships, by the id of each."""
    reasons = {row.id: reason_against(actor, row, is_last_owner=row.is_last_owner) for row in rows}
    return {number: reason for number, reason in reasons.items() if reason}


def reason_against(actor: Actor, member: PowerOver, *, is_last_owner: bool) -> Reason | None:
    """Return why the actor cannot end a membership, or nothing where they can."""
    if is_last_owner:
        return LAST_OWNER
    refusal = refusal_over(actor, member)
    return REFUSED[type(refusal)] if refusal else None


def reason_against_taking_away(
    actor: Actor, member: PowerOver, provider: IdentityProvider, is_last_owner: bool
) -> Reason | None:
    """Return why the actor cannot take somebody's link with a connection away, or nothing where they can."""
    if is_last_owner and identities.keeps_an_owner(provider):
        return LAST_LINKED_OWNER
    refusal = refusal_over(actor, member)
    return REFUSED[type(refusal)] if refusal else None


class Removed(Removal, Protocol):
    """A line of a list that speaks of a membership that was taken away."""

    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def is_member_again(self) -> bool: ...
    @property
    def is_active(self) -> bool: ...
    @property
    def remover_role(self) -> Role | None: ...


def reasons_of_removed(actor: Actor, rows: Iterable[Removed]) -> dict[int, Reason]:
    """Return why the actor cannot put some of these memberships back, by the id of each."""
    reasons = {row.id: _reason_against_undo(actor, row) for row in rows}
    return {number: reason for number, reason in reasons.items() if reason}


def _reason_against_undo(actor: Actor, row: Removed) -> Reason | None:
    refusal = refusal_to_undo(
        actor,
        row,
        name=row.name,
        is_active=row.is_active,
        is_member_again=row.is_member_again,
        remover_role=row.remover_role,
    )
    return REFUSED[type(refusal)] if refusal else None
