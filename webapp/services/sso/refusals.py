"""Sign-ins that came to nothing, for the audit log: how many there are of them strangers decide."""

from webapp.access.actor import Actor
from webapp.services import attempts, audit, organizations
from webapp.services.attempts import Limit
from webapp.services.audit import Event
from webapp.services.sso import connections
from webapp.services.sso.flows import Flow

MOST_NOTED = 20


def note(actor: Actor, flow: Flow, reason: str, reference: str, claimed: str | None) -> None:
    """Note that a flow came to nothing, at most 20 times in 15 minutes for one organization.

    Args:
        actor: who came back.
        flow: by which.
        reason: a sentence that can be translated.
        reference: what the page they saw is found by in the log.
        claimed: the address that the provider named, if it came to that.
    """
    if attempts.count([Limit(f"sso:refusals:{flow.organization_id}", MOST_NOTED)]):
        return
    organization = organizations.lock(flow.organization_id)
    after = {"purpose": flow.purpose.value, "reason": reason, "reference": reference}
    after |= {"claimed": claimed} if claimed else {}
    audit.record(
        actor, Event.SSO_REFUSED, connections.target_of(flow.connected), organization=organization, after=after
    )
