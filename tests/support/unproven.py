"""People whose address nobody has proven yet, as they are after joining by a copied link."""

from tests.support.acme import Acme
from tests.support.worlds import Invited, Person, World, password_hash
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import Invitation
from webapp.services import accounts, addresses, invitation_renewals, verification
from webapp.services.accounts import NewAccount


def unproven(world: World, email: str, name: str = "Una Unproven") -> tuple[Person, str]:
    """Make an account with PASSWORD and an address to be proven; return it with the token of the letter."""

    with world.app.app_context():
        new = NewAccount(name, addresses.parse(email), password_hash())

    def make() -> int:
        user = accounts.create(Actor.system(), new, is_proven=False)
        verification.send(accounts.primary_address(user.id), user, None)
        return user.id

    person = Person(world.write(make), name, email)
    return person, world.token_of(world.letters("verify_address")[-1])


def copied(acme: Acme, invited: Invited, by: Person | None = None) -> Invited:
    """Copy a link of an invitation; return the invitation with the token of the copy."""
    token = acme.act(
        by or acme.owner,
        lambda actor, organization: invitation_renewals.copy_link(
            actor, organization, db.session.get_one(Invitation, invited.id)
        ),
    )
    return Invited(invited.id, invited.email, token)


def resent(acme: Acme, invited: Invited, by: Person | None = None) -> Invited:
    """Send an invitation again; return it with the token of the new letter."""
    acme.act(
        by or acme.owner,
        lambda actor, organization: invitation_renewals.resend(
            actor, organization, db.session.get_one(Invitation, invited.id)
        ),
    )
    return Invited(invited.id, invited.email, acme.world.token_of(acme.world.letters("invitation")[-1]))
