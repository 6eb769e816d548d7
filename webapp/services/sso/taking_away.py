"""Taking a member's link away that is not theirs: somebody else linked it, or their account at the provider is another.

Whoever was removed keeps theirs until they are a member again: then it can be taken away.
"""

from enum import StrEnum

from sqlalchemy import select

from webapp.access.actor import Actor
from webapp.access.decide import require, require_fresh, require_power_over
from webapp.access.roles import Scope
from webapp.db import db
from webapp.errors import N_, NotFound
from webapp.models import Identity, IdentityProvider, Member, Organization, User
from webapp.services import accounts, audit, member_letters, members
from webapp.services.audit import Event
from webapp.services.sso import confined, connections, disabling, errands, flows, identities, mappings
from webapp.services.sso.errands import Owed
from webapp.services.sso.errors import OwnLink

KIND = "sso_taken_away"


class Told(StrEnum):
    """What the letter says to whoever was linked. It proves an address once a day, and none that is somebody else's."""

    HOW_TO_LINK_AGAIN = "how to link again"
    HOW_TO_CHOOSE_A_PASSWORD = "how to choose a password"  # noqa: S105  (a sentence, no password)
    HOW_TO_PROVE_THE_ADDRESS = "how to prove the address"
    NOTHING = "nothing"


def take_away(actor: Actor, organization: Organization, provider: IdentityProvider, member: Member) -> None:
    """Take a member's link away, and tell them who did and how to link again; the caller holds the lock.

    They leave the access groups that it filled, browsers that came in through it alone are signed out, and ways to the
    provider that were begun in their name end. Whom the provider meant by it can be linked by whoever that is, but does
    not join by the policy alone; see `identities.release`.

    Raises:
        NotFound, Forbidden, OwnLink, AboveYourRole: see `require_may_take_away`.
        SignInAgain: the actor has not just signed in.
        LastLinkedOwner: single sign-on is required, and no other owner could come in.
    """
    identity = require_may_take_away(actor, organization, provider, member)
    require_fresh(actor)
    identities.require_other_linked_owner(provider, member)
    user = db.session.get_one(User, member.user_id)
    said = {"subject": identity.subject, "claimed": identity.claims.get("email")}
    confined.end(select(Identity.id).where(Identity.id == identity.id))
    identities.release(provider, identity)
    flows.forget(provider, user.id)
    mappings.forget(actor, organization, member)
    audit.record(
        actor,
        Event.SSO_UNLINKED,
        members.target_of(member, user),
        organization=organization,
        before={name: value for name, value in said.items() if value},
        after={"provider": connections.host_of(provider)},
    )
    _tell(actor, organization, provider, member)


def require_may_take_away(
    actor: Actor, organization: Organization, provider: IdentityProvider, member: Member
) -> Identity:
    """Return a member's identity at the connection in use, if the actor may take it away once they have just signed in.

    Raises:
        NotFound, Forbidden: the actor may not, or the member is of another organization, or not linked.
        OwnLink: it is their own; see `identities.unlink`.
        AboveYourRole: the member's role is above theirs.
    """
    require(actor, Scope.SSO_ADMIN, organization)
    if member.organization_id != organization.id:
        raise NotFound
    if member.user_id == actor.user_id:
        raise OwnLink
    require_power_over(actor, member)
    identity = identities.of_user(provider, member.user_id)
    if identity is None:
        raise NotFound(N_("This member is not linked, or not any more. Go back to their page."))
    return identity


def letter_to(organization: Organization, member: Member) -> Told:
    """Return which letter a member gets whose link is taken away."""
    user = db.session.get_one(User, member.user_id)
    if not user.is_active:
        return Told.NOTHING
    if accounts.primary_address(user.id).verified_at is None:
        return Told.HOW_TO_PROVE_THE_ADDRESS if disabling.may_be_told(user.id, KIND, organization) else Told.NOTHING
    return Told.HOW_TO_LINK_AGAIN if user.password_hash is not None else Told.HOW_TO_CHOOSE_A_PASSWORD


def _tell(actor: Actor, organization: Organization, provider: IdentityProvider, member: Member) -> None:
    host, told = connections.host_of(provider), letter_to(organization, member)
    if told is Told.HOW_TO_PROVE_THE_ADDRESS:
        said = {"actor": actor.name}
        to = {"letter": KIND, "host": host, "user_ids": [member.user_id]}
        errands.owe(organization, Owed.ONE_IS_TOLD, provider, **to, said=said)
    elif told is not Told.NOTHING:
        has_password = told is Told.HOW_TO_LINK_AGAIN
        user = accounts.by_id(member.user_id)
        member_letters.tell(actor, organization, user, KIND, provider=host, has_password=has_password)
