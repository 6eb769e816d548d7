"""Sign-ins that came to nothing, for the audit log: how many there are of them strangers decide."""

from webapp.access.actor import Actor
from webapp.services import attempts, audit, organizations
from webapp.services.attempts import Limit
from webapp.services.audit import Event
from webapp.services.sso import connections
from webapp.services.sso.flows import Flow
from webapp.services.sso.identities import Said
from webapp.services.tokens import digest

MOST_ALIKE = 10
"""Of one organization, network and reason."""
MOST_NOTED = 60
"""Of one organization: so many where the provider has named nobody, as strangers can bring about, and as many else."""


def note(actor: Actor, flow: Flow, reason: str, reference: str, said: Said | None) -> None:
    """Note that a flow came to nothing, so often in 15 minutes; no stranger keeps others from being noted.

    Args:
        actor: who came back.
        flow: by which.
        reason: a sentence that can be translated.
        reference: what the page they saw is found by in the log.
        said: what the provider said of somebody, if it came to that.
    """
    whose = f"sso:refusals:{flow.organization_id}:{'named' if said else 'nobody'}"
    alike = Limit(f"{whose}:{attempts.network_of(actor.ip)}:{digest(reason)}", MOST_ALIKE)
    if attempts.count([alike]) or attempts.count([Limit(whose, MOST_NOTED)]):
        return
    organization = organizations.lock(flow.organization_id)
    after = {"purpose": flow.purpose.value, "reason": reason, "reference": reference}
    after |= {"claimed": said.email} if said and said.email else {}
    audit.record(
        actor, Event.SSO_REFUSED, connections.target_of(flow.connected), organization=organization, after=after
    )
