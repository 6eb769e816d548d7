"""Putting a connection to use, perhaps in the place of another, and telling members how to link with it."""

from collections.abc import Mapping

from webapp.access.actor import Actor
from webapp.models import IdentityProvider, Organization
from webapp.services.sso import connections, enforcement, errands, reminders
from webapp.services.sso.errands import Owed

KIND = "sso_replaced"


def activate(actor: Actor, organization: Organization, draft: IdentityProvider, learned: Mapping[str, str]) -> None:
    """Put a draft that has just been proven to use; see `connections.activate`.

    Members get a letter with the way to link. Nobody is known at it yet, so those who were linked with the connection
    before are asked to link again; but for whoever has come through it by then, as the actor just has. For the same
    reason nobody has to come through it at once.

    Raises:
        NotFound, Forbidden, SignInAgain: the actor may not.
    """
    replaced = connections.activate(actor, organization, draft, learned)
    reminders.owe_links(organization, draft, replaced)
    if replaced is not None:
        enforcement.begin_anew(actor, organization, draft, replaced)
        for what in (Owed.LINKED_ARE_TOLD, Owed.UNPROVEN_ARE_TOLD):
            errands.owe(organization, what, replaced, letter=KIND, host=connections.host_of(draft))
