"""Power over what people reach: nobody takes from those above them by running teams, or gives themselves more."""

from typing import Any

from sqlalchemy import Select, not_, select

from webapp.access import grants
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import N_, AboveYourRole, Yourself
from webapp.models import Member, Team

LOSS_ABOVE = N_("Somebody whose role is above yours would lose access by this. Nothing was changed.")
GAIN_OF_ONES_OWN = N_(
    "You do not have global access, so you cannot give yourself more than you have. Nothing was changed; another "
    "manager or owner can do this."
)


def above(actor: Actor, people: Select[Any]) -> set[int]:
    """Return those of some members, by id, whose role is above the actor's and who do not reach every project anyway.

    Args:
        actor: who would take something from them; the system is below nobody.
        people: what selects the ids of the members.
    """
    if actor.member is None:
        return set()
    higher = select(Member.id).where(Member.role > actor.member.role, not_(Member.has_global_access))
    return set(db.session.scalars(higher.where(Member.id.in_(people))))


def require_no_loss_above(actor: Actor, people: Select[Any]) -> None:
    """Go on unless taking something from some members would take it from somebody above the actor; see `above`.

    Raises:
        AboveYourRole: it would.
    """
    if above(actor, people):
        raise AboveYourRole(LOSS_ABOVE)


def lacks(actor: Actor, *teams: Team) -> bool:
    """Tell whether the actor reaches what teams own neither globally nor as somebody who belongs to one of them."""
    member = actor.member
    return member is not None and not member.has_global_access and not grants.teams_shared(member, teams)


def own_gain() -> Yourself:
    """Return the refusal of whoever would give themselves more than they have."""
    return Yourself(GAIN_OF_ONES_OWN)
