"""What people tried and might not, for the audit log of the organization: not more often than anybody reads."""

from webapp.access.actor import Actor
from webapp.models import Organization
from webapp.services import attempts, audit, organizations
from webapp.services.attempts import MOST_REFUSALS_NOTED, Limit
from webapp.services.audit import Event, Target


def note(actor: Actor, organization: Organization, what: str, reason: str) -> None:
    """Note that somebody was refused, at most 20 times in 15 minutes for one person; the lock is taken here.

    Args:
        actor: who.
        organization: where.
        what: the page that they asked for.
        reason: a sentence that can be translated.
    """
    if attempts.count([Limit(f"refusals:{organization.id}:{actor.user_id}", MOST_REFUSALS_NOTED)]):
        return
    organization = organizations.lock(organization.id)
    target = Target("page", None, what)
    audit.record(actor, Event.ACCESS_REFUSED, target, organization=organization, after={"reason": reason})
