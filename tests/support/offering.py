"""Teams and access groups of Acme that can be offered, and what became of an offer."""

from dataclasses import dataclass

from tests.support.acme import Acme
from tests.support.teams import make_group, make_project, make_team, memberships, team
from tests.support.worlds import Invited, Person
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import Invitation, Organization, Role, User
from webapp.services import access_groups, invitations, teams
from webapp.services.access_groups import Contents
from webapp.services.invitation_links import Link
from webapp.services.memberships import Terms, terms_of


@dataclass(frozen=True)
class Things:
    """Teams and access groups, by id.

    The admin runs Red, which has Readers, Leads (at the level of managers) and Synced, which a source fills. Others run
    Blue, which has Writers. Shadow is a team of another organization.
    """

    red: int
    readers: int
    leads: int
    synced: int
    blue: int
    writers: int
    shadow: int


def make_things(acme: Acme) -> Things:
    """Make them all."""
    red, blue = make_team(acme, "Red", by=acme.admin), make_team(acme, "Blue")
    payroll, rota = make_project(acme, "Payroll", red), make_project(acme, "Rota", blue)
    readers = make_group(acme, red, "Readers", Role.MEMBER, ([payroll], [acme.owner]))
    leads = make_group(acme, red, "Leads", Role.MANAGER, ([payroll], [acme.owner]))
    writers = make_group(acme, blue, "Writers", Role.ADMIN, ([rota], [acme.owner]))

    def make_synced(actor: Actor, here: Organization) -> int:
        contents = Contents("Synced", Role.MEMBER, frozenset({payroll}), frozenset())
        return access_groups.make(actor, here, team(red), contents, "roster").id

    synced = acme.act(acme.owner, make_synced)
    shadow = acme.act(acme.stranger, lambda actor, here: teams.create(actor, here, "Shadow").id, acme.other_slug)
    return Things(red, readers, leads, synced, blue, writers, shadow)


def accept(acme: Acme, invited: Invited, name: str = "Bob Builder") -> Person:
    """Accept an invitation with a new account of the invited address; return whose it is."""
    person = acme.world.person(name, invited.email)

    def join() -> None:
        here, user = acme.organization(), db.session.get_one(User, person.user_id)
        invitations.accept(Actor.of(user, ip=None), Link(invited.id, here.id, invited.token), user.id)

    acme.world.write(join)
    return person


def joined_with(acme: Acme, person: Person) -> Terms:
    """Return as what somebody is a member of Acme."""
    found: Terms = acme.act(person, lambda _actor, here: terms_of(memberships(here, [person])[0]))
    return found


def left_out(acme: Acme, invited: Invited) -> list[str] | None:
    """Return what an invitation says it no longer offers."""
    found: list[str] | None = acme.world.read(lambda: db.session.get_one(Invitation, invited.id).left_out)
    return found
