"""Why something cannot be done with a membership: a few words that stand where the button would, and a sentence."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from webapp.access.actor import Actor
from webapp.access.decide import PowerOver, is_role_within, refusal_over
from webapp.errors import (
    N_,
    AboveYourRole,
    DomainError,
    HasJoined,
    InvitationNotOpen,
    InvitedAnew,
    LetterLimit,
    OfferNotYours,
    OfferTooHigh,
    Yourself,
)
from webapp.models import Role


@dataclass(frozen=True)
class Reason:
    """A reason, not yet translated."""

    label: str
    sentence: str


LAST_OWNER = Reason(N_("Last owner"), N_("The last active owner must stay one. Make somebody else an owner first."))
MEMBER_AGAIN = Reason(N_("A member again"), N_("They have joined again since."))
ACCOUNT_CLOSED = Reason(N_("Account closed"), N_("Their account is closed."))
REMOVED_FROM_ABOVE = Reason(N_("Above your role"), N_("Somebody whose role is above yours removed them."))
REFUSED: dict[type[DomainError], Reason] = {
    Yourself: Reason(N_("Yourself"), N_("Nobody changes their own membership. Another manager or owner can.")),
    AboveYourRole: Reason(N_("Above your role"), N_("Only people whose role is not below theirs can change this.")),
}
# Why an invitation is neither sent again nor revoked.
OF_INVITATIONS: dict[type[DomainError], str] = {
    OfferTooHigh: N_("It offers a role above your own."),
    OfferNotYours: N_("It offers more than you may give."),
    InvitationNotOpen: N_("It was answered or revoked."),
    HasJoined: N_("This person has joined meanwhile."),
    InvitedAnew: N_("There is another open invitation or request for this address."),
    LetterLimit: N_("This address had its 10 letters for today."),
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


class Removed(PowerOver, Protocol):
    """A line of a list that speaks of a membership that was taken away."""

    @property
    def id(self) -> int: ...
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
    if row.is_member_again:
        return MEMBER_AGAIN
    if not row.is_active:
        return ACCOUNT_CLOSED
    if refusal := refusal_over(actor, row):
        return REFUSED[type(refusal)]
    is_above = row.remover_role is not None and not is_role_within(actor, row.remover_role)
    return REMOVED_FROM_ABOVE if is_above else None
