"""Those who stand behind an invitation: whoever sent it or copied a link of it, and what they may still offer."""

from collections.abc import Collection, Sequence

from sqlalchemy import select

from webapp.access.actor import Actor
from webapp.access.decide import may_still_offer
from webapp.db import db
from webapp.models import Invitation, Member, Organization, User
from webapp.services import giving, offers
from webapp.services.memberships import Terms


def may_still(organization: Organization, invitation: Invitation, copied_by_id: int | None = None) -> bool:
    """Tell whether whoever sent an invitation may still offer its role, and whoever copied the link at hand."""
    offering = (invitation.invited_by_id, copied_by_id)
    found = memberships_of(organization, offering)
    members = {number: member for number, (_user, member) in found.items()}
    return all(may_still_offer(number, members.get(number), invitation.role, organization) for number in offering)


def actors_of(organization: Organization, invitation: Invitation, copied_by_id: int | None) -> list[Actor]:
    """Return whoever sent an invitation, the system where it did, and whoever copied the link at hand."""
    found = memberships_of(organization, (invitation.invited_by_id, copied_by_id)).values()
    system = [Actor.system()] if invitation.invited_by_id is None else []
    return [*system, *(Actor.of(user, ip=None, member=member) for user, member in found)]


def given_by(organization: Organization, invitation: Invitation, behind: Sequence[Actor]) -> Terms:
    """Return what an invitation gives: what it offers, but for what one of those behind it may not give any more.

    The invitation says from now on that this was left out.
    """
    terms = offers.terms_of(invitation)
    for actor in behind:
        refused = giving.refused_to(actor, organization, terms)
        offers.leave_out(invitation, refused.names)
        terms = refused.taken_from(terms)
    return terms


def memberships_of(organization: Organization, users: Collection[int | None]) -> dict[int | None, tuple[User, Member]]:
    """Return which of some users are members and may sign in, by the id of the user, all in one statement."""
    found = select(User, Member).join(Member, Member.user_id == User.id)
    found = found.where(Member.organization_id == organization.id, User.id.in_(users), User.is_active)
    return {user.id: (user, member) for user, member in db.session.execute(found.order_by(Member.id))}
