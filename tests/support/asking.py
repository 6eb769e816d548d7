"""Requests: visitors who ask to join, and members who suggest somebody."""

from sqlalchemy import select

from tests.support.acme import Acme
from tests.support.worlds import Person
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import Invitation, InvitationStatus, Organization
from webapp.services import addresses, requests


def ask(acme: Acme, email: str) -> int:
    """Ask, as a visitor, to join Acme, which allows it from now on; return the id of the request."""
    acme.world.policy(acme.slug, join_requests_allowed=True)

    def make() -> int:
        requests.ask_to_join(Actor.visitor("127.0.0.1"), acme.organization().id, addresses.parse(email))
        return request_for(email).id

    return int(acme.world.write(make))


def suggest(acme: Acme, person: Person, email: str, slug: str | None = None) -> int:
    """Suggest somebody for Acme or another organization, as `person` would; return the id of the request."""

    def make(actor: Actor, organization: Organization) -> int:
        requests.ask_to_invite(actor, organization, addresses.parse(email))
        return request_for(email).id

    return acme.act(person, make, slug)


def request_for(email: str) -> Invitation:
    """Return the open request for an address, within a transaction."""
    canonical = addresses.parse(email).canonical
    waiting = select(Invitation).where(Invitation.status == InvitationStatus.REQUESTED)
    return db.session.scalars(waiting.where(Invitation.canonical == canonical)).one()


def row_of(acme: Acme, number: int) -> Invitation:
    """Return a request or invitation as the database has it now."""
    found: Invitation = acme.world.read(lambda: db.session.get_one(Invitation, number))
    return found
