"""Those who stand behind an invitation: whoever sent it or copied a link of it, and what they may still offer."""

from collections.abc import Sequence

from sqlalchemy import select

from webapp.access.actor import Actor, ActorKind
from webapp.access.decide import may_still_offer
from webapp.db import db
from webapp.models import Invitation, Member, Organization, User
from webapp.services import giving, offers
from webapp.services.memberships import Terms


def may_still(organization: Organization, invitation: Invitation, copied_by_id: int | None = None) -> bool:
    """Tell whether whoever sent an invitation may still offer its role, and whoever copied the link at hand."""
    offering = _users(invitation, copied_by_id)
    found = _members(organization, offering)
    return len(found) == len(offering) and all(
        may_still_offer(member, invitation.role, organization) for member in found
    )


def given_by(organization: Organization, invitation: Invitation, copied_by_id: int | None) -> Terms:
    """Return what an invitation gives: what it offers, but for what one of them may not give any more.

    The invitation says from now on that this was left out.
    """
    terms = offers.terms_of(invitation)
    for member in _members(organization, _users(invitation, copied_by_id)):
        giver = Actor(ActorKind.USER, "", member.user_id, member=member)
        refused = giving.refused_to(giver, organization, terms)
        offers.leave_out(invitation, refused.names)
        terms = refused.taken_from(terms)
    return terms


def _users(invitation: Invitation, copied_by_id: int | None) -> set[int]:
    return {user_id for user_id in (invitation.invited_by_id, copied_by_id) if user_id is not None}


def _members(organization: Organization, users: set[int]) -> Sequence[Member]:
    active = select(Member).join(User, User.id == Member.user_id).where(User.id.in_(users), User.is_active)
    return db.session.scalars(active.where(Member.organization_id == organization.id).order_by(Member.id)).all()
