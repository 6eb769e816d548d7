"""Whoever runs teams takes nothing from those above them, and nobody gives themselves more than they have."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.support.acme import Acme
from tests.support.teams import (
    Office,
    furnish,
    give,
    group,
    make_group,
    make_project,
    make_team,
    memberships,
    project,
    team,
)
from webapp.access import grants
from webapp.access.actor import Actor
from webapp.access.roles import Scope
from webapp.errors import AboveYourRole, GroupTooHigh, Yourself
from webapp.models import Organization, Role
from webapp.services import access_groups, projects, teams
from webapp.services.access_groups import Contents

Step = Callable[[Actor, Organization], object]


@pytest.fixture
def office(acme: Acme) -> Office:
    return furnish(acme)


# ---- what an access group above them gives ----


@pytest.mark.parametrize("way", ["move", "archive", "remove"])
def test_D09_nobody_takes_a_project_from_an_access_group_above_them(acme: Acme, office: Office, way: str) -> None:
    mine = make_team(acme, "Mine", by=acme.admin)
    make_group(acme, office.red, "Chiefs", Role.OWNER, ([office.payroll], [office.otto]))
    steps: dict[str, Step] = {
        "move": owned_by(office.payroll, [mine]),
        "archive": lambda actor, here: projects.archive(actor, here, project(office.payroll)),
        "remove": lambda actor, here: projects.remove(actor, here, project(office.payroll)),
    }
    for person in (acme.admin, acme.manager):
        with acme.unchanged(), pytest.raises(GroupTooHigh, match="Chiefs is above your role"):
            acme.act(person, steps[way])
    acme.act(acme.owner, steps[way])


def test_project_that_stays_with_the_team_of_a_group_above_is_given_to_others(acme: Acme, office: Office) -> None:
    make_group(acme, office.red, "Chiefs", Role.OWNER, ([office.payroll], [office.otto]))
    mine = make_team(acme, "Mine", by=acme.admin)
    for owners in ([office.red, mine], [office.red]):
        acme.act(acme.admin, owned_by(office.payroll, owners))


def owned_by(number: int, owners: list[int]) -> Step:
    return lambda actor, here: projects.set_teams(actor, here, project(number), [team(one) for one in owners])


@pytest.mark.parametrize("way", ["move", "remove"])
def test_group_that_loses_a_project_says_so_in_the_audit_log(acme: Acme, office: Office, way: str) -> None:
    both = make_group(acme, office.red, "Both", Role.ADMIN, ([office.payroll, office.rota], [office.otto]))
    if way == "move":
        give(acme, office.payroll, office.blue)
    else:
        acme.act(acme.owner, lambda actor, here: projects.remove(actor, here, project(office.payroll)))
    *lost, last = acme.entries()[-3:]
    assert [(entry.event, entry.target_id) for entry in lost] == [
        ("group.changed", office.readers),
        ("group.changed", both),
    ]
    assert [(entry.before, entry.after) for entry in lost] == [
        ({"projects": [office.payroll]}, {"projects": []}),
        ({"projects": [office.payroll, office.rota]}, {"projects": [office.rota]}),
    ]
    assert last.event in ("project.changed", "project.removed")
    assert acme.world.read(lambda: access_groups.projects_of(group(both))) == {office.rota}


# ---- nobody gives themselves more ----


@pytest.fixture
def manager(acme: Acme, office: Office) -> int:
    """A manager who reaches only what teams and access groups give; the id of the membership."""
    acme.change(acme.manager, has_global_access=False)
    return acme.member_id(acme.manager)


def reaches(acme: Acme, number: int, scope: Scope = Scope.PROJECT_READ) -> bool:
    return bool(acme.world.read(lambda: grants.decide(acme.manager.user_id, project(number), scope)))


def test_D04_restricted_manager_puts_themselves_into_no_team(acme: Acme, office: Office, manager: int) -> None:
    def join(actor: Actor, here: Organization) -> None:
        teams.add(actor, here, team(office.blue), memberships(here, [office.otto, acme.manager]))

    with acme.unchanged(), pytest.raises(Yourself, match="You do not have global access"):
        acme.act(acme.manager, join)
    assert not reaches(acme, office.ledger)
    acme.change(acme.manager, has_global_access=True)
    acme.act(acme.manager, join)


def test_D04_restricted_manager_brings_no_project_into_their_team(acme: Acme, office: Office, manager: int) -> None:
    mine = make_team(acme, "Mine", by=acme.manager)

    def bring(number: int) -> Step:
        return lambda actor, here: projects.set_teams(
            actor, here, project(number), [*projects.teams_of(project(number)), team(mine)]
        )

    with acme.unchanged(), pytest.raises(Yourself):
        acme.act(acme.manager, bring(office.ledger))
    acme.act(acme.owner, lambda a, here: teams.add(a, here, team(office.red), memberships(here, [acme.manager])))
    acme.act(acme.manager, bring(office.payroll))


def test_D04_restricted_manager_gains_nothing_by_an_access_group(acme: Acme, office: Office, manager: int) -> None:
    vault = make_project(acme, "Vault", office.blue)
    held = Contents("Guests", Role.MEMBER, frozenset({office.ledger}), frozenset({manager}))

    def make(actor: Actor, here: Organization) -> int:
        return access_groups.create(actor, here, team(office.blue), held).id

    with acme.unchanged(), pytest.raises(Yourself):
        acme.act(acme.manager, make)
    guests = acme.act(acme.owner, make)
    otto = acme.member_id(office.otto)

    def changed(wanted: Contents) -> Step:
        return lambda actor, here: access_groups.change(actor, here, group(guests), wanted)

    for more in (replace(held, level=Role.MANAGER), replace(held, projects=held.projects | {vault})):
        with acme.unchanged(), pytest.raises(Yourself):
            acme.act(acme.manager, changed(more))
    assert acme.act(acme.manager, changed(replace(held, members=held.members | {otto})))


def test_admin_belongs_to_access_groups_of_their_own_team(acme: Acme, office: Office) -> None:
    admin = acme.member_id(acme.admin)
    held = Contents("Writers", Role.ADMIN, frozenset({office.payroll}), frozenset({admin}))
    acme.act(acme.admin, lambda actor, here: access_groups.create(actor, here, team(office.red), held))


# ---- nobody takes from those above them ----


@pytest.fixture
def steps(acme: Acme, office: Office, manager: int) -> dict[str, Step]:
    """What takes something from a manager who is restricted to Red and to its group Guests, which the admin runs."""
    heir = make_team(acme, "Heir", by=acme.admin)
    acme.act(acme.owner, lambda a, here: teams.add(a, here, team(office.red), memberships(here, [acme.manager])))
    people = [acme.manager, office.otto]
    guests = make_group(acme, office.red, "Guests", Role.ADMIN, ([office.payroll, office.rota], people))
    for number in (office.payroll, office.rota):
        give(acme, number, office.red, heir)

    def change(**values: Any) -> Step:
        def run(actor: Actor, here: Organization) -> object:
            wanted = replace(access_groups.contents_of(group(guests)), **values)
            return access_groups.change(actor, here, group(guests), wanted)

        return run

    return {
        "take out": lambda a, here: teams.take_out(a, here, team(office.red), memberships(here, people)),
        "out of the group": change(members=frozenset({acme.member_id(office.otto)})),
        "lower": change(level=Role.MEMBER),
        "fewer": change(projects=frozenset({office.rota})),
        "remove the group": lambda actor, here: access_groups.remove(actor, here, group(guests)),
        "remove the team": lambda actor, here: teams.remove(actor, here, team(office.red)),
    }


WAYS = ["take out", "out of the group", "lower", "fewer", "remove the group", "remove the team"]


@pytest.mark.parametrize("way", WAYS)
def test_D05_admin_takes_nothing_from_a_manager(acme: Acme, steps: dict[str, Step], way: str) -> None:
    with acme.unchanged(), pytest.raises(AboveYourRole, match="would lose access by this"):
        acme.act(acme.admin, steps[way])
    acme.act(acme.owner, steps[way])


@pytest.mark.parametrize("way", WAYS)
def test_admin_runs_the_team_of_somebody_above_who_loses_nothing(acme: Acme, steps: dict[str, Step], way: str) -> None:
    acme.change(acme.manager, has_global_access=True)
    acme.act(acme.admin, steps[way])


def test_restricted_manager_may_leave_a_team_themselves(acme: Acme, office: Office, steps: dict[str, Step]) -> None:
    def leave(actor: Actor, here: Organization) -> int:
        return teams.take_out(actor, here, team(office.red), memberships(here, [acme.manager]))

    assert acme.act(acme.manager, leave) == 1
