"""Managed access groups of Acme: what a plug-in wants, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import select

from tests.support.acme import Acme
from tests.support.plugins import Filler
from tests.support.teams import make_project, make_team, memberships
from tests.support.worlds import Person
from webapp.access.facts import active_members
from webapp.access.plugins import ManagedGroup
from webapp.db import db
from webapp.models import AccessGroup, Role
from webapp.services import access_groups, managed
from webapp.services.access_groups import Contents
from webapp.services.managed import Synced

READERS = ManagedGroup("roster", "red", "Readers", Role.MEMBER)


@dataclass(frozen=True)
class Red:
    """A team with the projects Payroll and Rota, by id."""

    team: int
    payroll: int
    rota: int


def want(roster: Filler, *wanted: tuple[Person, ManagedGroup]) -> None:
    """Let the roster say of these people, and of nobody else, where they should be."""
    roster.wanted = {}
    for person, wanted_group in wanted:
        roster.wanted.setdefault(person.email, []).append(wanted_group)


def synced(acme: Acme) -> Synced:
    """Ask about everybody in Acme in steps of two, then bring the groups up to date."""
    number = acme.world.read(acme.organization).id
    said: dict[int, Sequence[ManagedGroup]] = {}
    after = 0
    while found := acme.world.read(partial(active_members, number, after=after, most=2)):
        said |= managed.ask(found)
        after = found[-1].member_id
    outcome: Synced = acme.world.write(managed.sync, number, said)
    return outcome


def signed_in(acme: Acme, person: Person) -> Synced:
    """Bring the groups of one member up to date."""

    def sync() -> Synced:
        here = acme.organization()
        return managed.sync_member(here, memberships(here, [person])[0])

    outcome: Synced = acme.world.write(sync)
    return outcome


def groups(acme: Acme) -> dict[str, tuple[str | None, Contents]]:
    """Return source and contents of all access groups, by name."""

    def read() -> dict[str, tuple[str | None, Contents]]:
        found = db.session.scalars(select(AccessGroup))
        return {one.name: (one.source, access_groups.contents_of(one)) for one in found}

    found: dict[str, tuple[str | None, Contents]] = acme.world.read(read)
    return found


def held(acme: Acme, name: str = "Readers") -> set[int]:
    """Return the ids of the members in a group."""
    return set(groups(acme)[name][1].members)


def ids(acme: Acme, *people: Person) -> set[int]:
    """Return the ids of people's memberships in Acme."""
    return {acme.member_id(person) for person in people}


def make_red(acme: Acme) -> Red:
    """Make team Red of Acme with both projects."""
    number = make_team(acme, "Red")
    return Red(number, make_project(acme, "Payroll", number), make_project(acme, "Rota", number))
