"""Putting a connection to use in the place of another, and telling those who were linked with that one."""

from collections.abc import Mapping

from webapp.access.actor import Actor
from webapp.models import IdentityProvider, Organization
from webapp.services.sso import connections, disabling, enforcement, letters

KIND = "sso_replaced"


def activate(actor: Actor, organization: Organization, draft: IdentityProvider, learned: Mapping[str, str]) -> None:
    """Put a draft that has just been proven to use; see `connections.activate`.

    Nobody is known at it yet, so those who were linked with the connection before are asked to link again; but for the
    actor, who has just come through it. For the same reason nobody has to come through it at once.

    Raises:
        NotFound, Forbidden: the actor may not.
    """
    replaced = connections.activate(actor, organization, draft, learned)
    if replaced is not None:
        enforcement.begin_anew(actor, organization, draft, replaced)
        readers = letters.linked(KIND, organization, replaced)
        letters.tell_each(KIND, organization, draft, [one for one in readers if one.user_id != actor.user_id])
        disabling.tell_unproven(organization, replaced)
