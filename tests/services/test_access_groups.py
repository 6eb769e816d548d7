"""Access groups: what they hold, who may change them, and what is refused."""

from dataclasses import replace
from typing import Any

import pytest

from tests.support.acme import Acme
from tests.support.plugins import Decider, Filler, installed
from tests.support.teams import group, make_group, make_project, make_team, team
from webapp.access.actor import Actor
from webapp.errors import (
    DomainError,
    EmptyGroup,
    Forbidden,
    GroupManaged,
    GroupNameTaken,
    NotFound,
    NotOfTeam,
    RoleTooHigh,
)
from webapp.models import Organization, Role
from webapp.services import access_groups
from webapp.services.access_groups import Contents


@pytest.fixture
def red(acme: Acme) -> int:
    """A team of Acme to which its admin belongs."""
    return make_team(acme, "Red", by=acme.admin)


@pytest.fixture
def payroll(acme: Acme, red: int) -> int:
    """A project of the team."""
    return make_project(acme, "Payroll", red)


@pytest.fixture
def readers(acme: Acme, red: int, payroll: int) -> int:
    """A group in which the member, who is in no team, may read the project."""
    return make_group(acme, red, "Readers", Role.MEMBER, ([payroll], [acme.member]))


def contents(acme: Acme, number: int) -> Contents:
    found: Contents = acme.world.read(lambda: access_groups.contents_of(group(number)))
    return found


def test_admin_makes_and_changes_groups_of_their_own_team(acme: Acme, red: int, payroll: int, readers: int) -> None:
    wanted = replace(contents(acme, readers), name="Writers", level=Role.ADMIN)
    assert acme.act(acme.admin, lambda actor, here: access_groups.change(actor, here, group(readers), wanted))
    assert not acme.act(acme.admin, lambda actor, here: access_groups.change(actor, here, group(readers), wanted))
    assert contents(acme, readers) == wanted
    entry = acme.entries()[-1]
    assert entry.before == {"name": "Readers", "level": "member"}
    assert entry.after == {"name": "Writers", "level": "admin"}


def test_contents_change_by_what_came_and_what_went(acme: Acme, red: int, payroll: int, readers: int) -> None:
    rota = make_project(acme, "Rota", red)
    wanted = Contents("Readers", Role.MEMBER, frozenset([rota]), frozenset([acme.member_id(acme.manager)]))
    acme.act(acme.owner, lambda actor, here: access_groups.change(actor, here, group(readers), wanted))
    assert contents(acme, readers) == wanted
    entry = acme.entries()[-1]
    assert (entry.before or {})["projects"] == [payroll]
    assert (entry.after or {})["projects"] == [rota]


@pytest.mark.parametrize(
    ("values", "error", "field"),
    [
        ({"name": "READERS"}, GroupNameTaken, "name"),
        ({"projects": frozenset()}, EmptyGroup, "projects"),
        ({"members": frozenset()}, EmptyGroup, "members"),
        ({"projects": frozenset([10**6])}, NotOfTeam, "projects"),
        ({"members": frozenset([10**6])}, NotOfTeam, "members"),
        ({"level": Role.MANAGER}, RoleTooHigh, "role"),
    ],
)
def test_refusals_name_their_field(
    acme: Acme, red: int, readers: int, values: dict[str, Any], error: type[DomainError], field: str
) -> None:
    payroll = min(contents(acme, readers).projects)
    members = frozenset([acme.member_id(acme.member)])
    wanted = replace(Contents("Writers", Role.ADMIN, frozenset([payroll]), members), **values)
    with acme.unchanged(), pytest.raises(error) as refused:
        acme.act(acme.admin, lambda actor, here: access_groups.create(actor, here, team(red), wanted))
    assert refused.value.field == field


def test_project_of_another_team_and_people_of_another_organization_are_refused(acme: Acme, red: int) -> None:
    other = make_project(acme, "Rota", make_team(acme, "Blue"))
    umbra = acme.world.member(acme.other_slug, acme.admin, Role.MEMBER)
    mine = make_project(acme, "Payroll", red)
    for wanted in (
        Contents("Readers", Role.MEMBER, frozenset([mine, other]), frozenset([acme.member_id(acme.member)])),
        Contents("Readers", Role.MEMBER, frozenset([mine]), frozenset([acme.member_id(acme.member), umbra])),
    ):

        def create(actor: Actor, here: Organization, wanted: Contents = wanted) -> object:
            return access_groups.create(actor, here, team(red), wanted)

        with acme.unchanged(), pytest.raises(NotOfTeam):
            acme.act(acme.owner, create)


def test_D09_nobody_changes_a_group_above_them_or_of_a_team_of_others(acme: Acme, red: int, payroll: int) -> None:
    above = make_group(acme, red, "Masters", Role.OWNER, ([payroll], [acme.member]))
    lower = replace(contents(acme, above), level=Role.MEMBER)
    with acme.unchanged(), pytest.raises(RoleTooHigh):
        acme.act(acme.admin, lambda actor, here: access_groups.change(actor, here, group(above), lower))
    with acme.unchanged(), pytest.raises(Forbidden):
        acme.act(acme.member, lambda actor, here: access_groups.remove(actor, here, group(above)))
    with acme.unchanged(), pytest.raises(NotFound):
        acme.act(acme.stranger, lambda actor, here: access_groups.remove(actor, here, group(above)), acme.other_slug)


def test_managed_group_is_read_only_for_people(acme: Acme, readers: int) -> None:
    def manage() -> None:
        group(readers).source = "directory"

    acme.world.write(manage)
    wanted = replace(contents(acme, readers), name="Mine")
    with acme.unchanged(), pytest.raises(GroupManaged):
        acme.act(acme.owner, lambda actor, here: access_groups.change(actor, here, group(readers), wanted))


@pytest.mark.parametrize("source", ["directory", "directory:north"])
def test_managed_group_is_removed_only_once_its_plug_in_is_gone(acme: Acme, readers: int, source: str) -> None:
    def manage() -> None:
        group(readers).source = source

    acme.world.write(manage)
    with installed(directory=Filler({})):
        for person in (acme.owner, acme.admin):
            with acme.unchanged(), pytest.raises(GroupManaged):
                acme.act(person, lambda actor, here: access_groups.remove(actor, here, group(readers)))
    with installed(other=Filler({}), silent=Decider(None)):
        with acme.unchanged(), pytest.raises(Forbidden):
            acme.act(acme.member, lambda actor, here: access_groups.remove(actor, here, group(readers)))
        acme.act(acme.admin, lambda actor, here: access_groups.remove(actor, here, group(readers)))
    entry = acme.entries()[-1]
    assert (entry.event, (entry.before or {})["source"]) == ("group.removed", source)
