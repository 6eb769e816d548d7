"""Managed access groups: whom they hold, whose they are, and what is left alone."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import update

from tests.support import crowds
from tests.support.acme import Acme, organization_of
from tests.support.managed import READERS, Red, groups, held, ids, make_red, signed_in, synced, want
from tests.support.plugins import Filler, installed
from tests.support.teams import group, make_group, make_project, make_team, memberships, project, team
from webapp.access.facts import active_members
from webapp.db import db
from webapp.errors import PluginFailed
from webapp.models import EmailAddress, Role
from webapp.services import managed, members, projects, teams
from webapp.services.access_groups import Contents
from webapp.services.managed import Problem, Synced, Trouble


@pytest.fixture
def red(acme: Acme) -> Red:
    """A team of Acme with two projects."""
    return make_red(acme)


@pytest.fixture
def roster() -> Iterator[Filler]:
    """A plug-in that wants nobody anywhere yet."""
    filler = Filler({})
    with installed(roster=filler):
        yield filler


def test_group_is_made_filled_and_changed_and_a_second_run_changes_nothing(
    acme: Acme, red: Red, roster: Filler
) -> None:
    want(roster, (acme.member, READERS), (acme.admin, READERS))
    assert synced(acme) == Synced(1, ())
    both = frozenset(ids(acme, acme.member, acme.admin))
    everything = frozenset([red.payroll, red.rota])
    assert groups(acme) == {"Readers": ("roster", Contents("Readers", Role.MEMBER, everything, both))}
    entry = acme.entries()[-1]
    assert (entry.event, entry.actor_kind, entry.target_name) == ("group.created", "system", "Readers")
    assert (entry.after or {})["source"] == "roster"
    entries = acme.events()
    with acme.unchanged():
        assert synced(acme) == Synced(0, ())
    assert acme.events() == entries
    want(roster, (acme.manager, replace(READERS, level=Role.ADMIN, projects=("rota",))))
    assert synced(acme) == Synced(1, ())
    manager = frozenset(ids(acme, acme.manager))
    assert groups(acme)["Readers"][1] == Contents("Readers", Role.ADMIN, frozenset([red.rota]), manager)
    assert acme.events() == [*entries, "group.changed"]


def test_only_active_people_are_asked_about_and_kept(acme: Acme, red: Red, roster: Filler) -> None:
    want(roster, *((person, READERS) for person in (acme.member, acme.admin, acme.manager, acme.suspended)))
    synced(acme)
    assert held(acme) == ids(acme, acme.member, acme.admin, acme.manager)
    acme.act(acme.owner, lambda a, here: members.suspend(a, here, memberships(here, [acme.member])[0]))
    acme.deactivate(acme.admin)
    synced(acme)
    assert held(acme) == ids(acme, acme.manager)


def test_who_was_suspended_while_plug_ins_were_asked_is_left_out(acme: Acme, red: Red, roster: Filler) -> None:
    number = acme.world.read(acme.organization).id
    said = {member: [READERS] for member in ids(acme, acme.member, acme.suspended, acme.admin)}
    acme.world.write(managed.sync, number, said)
    assert held(acme) == ids(acme, acme.member, acme.admin)


def test_group_that_nobody_is_in_stays_empty_and_fills_again(acme: Acme, red: Red, roster: Filler) -> None:
    want(roster, (acme.member, READERS))
    synced(acme)
    before = groups(acme)["Readers"][1]
    want(roster)
    assert synced(acme) == Synced(1, ())
    assert groups(acme)["Readers"][1] == replace(before, members=frozenset())
    assert synced(acme) == Synced(0, ())
    want(roster, (acme.member, READERS))
    synced(acme)
    assert groups(acme)["Readers"][1] == before


def test_groups_of_others_are_never_touched(acme: Acme, red: Red, roster: Filler) -> None:
    make_group(acme, red.team, "readers", Role.OWNER, ([red.payroll], [acme.manager]))
    elsewhere = make_group(acme, red.team, "Directory", Role.ADMIN, ([red.payroll], [acme.manager]))

    def manage() -> None:
        group(elsewhere).source = "directory"

    acme.world.write(manage)
    named = replace(READERS, name="Directory")
    want(roster, (acme.member, READERS), (acme.member, named))
    with acme.unchanged():
        outcome = synced(acme)
    taken = [Problem(Trouble.NAME_TAKEN, "roster", "red", name) for name in ("Readers", "Directory")]
    assert outcome == Synced(0, tuple(taken))
    with acme.unchanged():
        assert signed_in(acme, acme.member) == outcome
        assert signed_in(acme, acme.manager) == Synced(0, ())


def test_each_source_of_a_plug_in_has_groups_of_its_own(acme: Acme, red: Red, roster: Filler) -> None:
    one, two = replace(READERS, source="roster:one"), replace(READERS, source="roster:two", name="Writers")
    want(roster, (acme.member, one), (acme.member, two))
    assert synced(acme) == Synced(2, ())
    assert {name: source for name, (source, _) in groups(acme).items()} == {
        "Readers": "roster:one",
        "Writers": "roster:two",
    }
    want(roster, (acme.member, replace(two, name="Readers")))
    assert synced(acme).problems == (Problem(Trouble.NAME_TAKEN, "roster:two", "red", "Readers"),)
    assert (held(acme), held(acme, "Writers")) == (set(), set())


def test_plug_in_that_is_gone_leaves_its_groups_as_they_are(acme: Acme, red: Red) -> None:
    filler = Filler({acme.member.email: [READERS]})
    with installed(roster=filler):
        synced(acme)
    with acme.unchanged(), installed(other=Filler({})):
        assert synced(acme) == Synced(0, ())
        assert signed_in(acme, acme.member) == Synced(0, ())


def test_unknown_teams_and_projects_are_reported_and_left_out(acme: Acme, red: Red, roster: Filler) -> None:
    other = make_project(acme, "Secret", make_team(acme, "Blue"))
    blind = replace(READERS, projects=("payroll", "secret", "nowhere"))
    want(roster, (acme.member, blind), (acme.member, replace(READERS, team="green")))
    assert synced(acme) == Synced(
        1,
        (
            Problem(Trouble.NO_TEAM, "roster", "green", "Readers"),
            Problem(Trouble.NO_PROJECT, "roster", "red", "Readers", "secret"),
            Problem(Trouble.NO_PROJECT, "roster", "red", "Readers", "nowhere"),
        ),
    )
    assert groups(acme)["Readers"][1].projects == {red.payroll} != {other}


def test_slugs_that_teams_and_projects_had_still_lead_to_them(acme: Acme, red: Red, roster: Filler) -> None:
    want(roster, (acme.member, replace(READERS, projects=("payroll",))))
    synced(acme)
    acme.act(acme.owner, lambda a, here: teams.rename(a, here, team(red.team), "Crimson"))
    acme.act(acme.owner, lambda a, here: projects.rename(a, here, project(red.payroll), "Wages"))
    assert synced(acme) == Synced(0, ())


def test_nobody_reaches_more_than_was_said_of_them(acme: Acme, red: Red, roster: Filler) -> None:
    high = replace(READERS, level=Role.MANAGER, projects=("payroll", "rota"))
    low = replace(READERS, level=Role.MEMBER, projects=("rota",))
    want(roster, (acme.admin, high), (acme.member, low))
    disagreement = (Problem(Trouble.DISAGREEMENT, "roster", "red", "Readers"),)
    assert synced(acme) == Synced(1, disagreement)
    both = frozenset(ids(acme, acme.admin, acme.member))
    assert groups(acme)["Readers"][1] == Contents("Readers", Role.MEMBER, frozenset([red.rota]), both)
    assert synced(acme) == Synced(0, disagreement)


@pytest.mark.parametrize(
    "wanted",
    [
        [replace(READERS, source="directory")],
        [replace(READERS, source="rosters")],
        ["Readers"],
        RuntimeError("password=hunter2"),
    ],
)
def test_plug_in_that_fails_or_speaks_for_others_changes_nothing(
    acme: Acme, red: Red, roster: Filler, wanted: Any, caplog: pytest.LogCaptureFixture
) -> None:
    want(roster, (acme.member, READERS))
    synced(acme)
    roster.wanted = {acme.owner.email: wanted}
    for sync in (synced, partial(signed_in, person=acme.owner)):
        with acme.unchanged(), pytest.raises(PluginFailed, match="The plug-in roster failed"):
            sync(acme)
    assert "The plug-in roster failed" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    "values",
    [
        {"name": " "},
        {"name": "x" * 201},
        {"source": "x" * 101},
        {"level": 40},
        {"level": "owner"},
        {"projects": "rota"},
    ],
)
def test_managed_group_is_refused_where_it_is_made(values: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        replace(READERS, **values)


def test_unproven_address_is_not_told(acme: Acme, red: Red, roster: Filler) -> None:
    want(roster, (acme.member, READERS), (acme.admin, READERS))
    unproven = update(EmailAddress).where(EmailAddress.user_id == acme.member.user_id).values(verified_at=None)
    acme.world.write(lambda: db.session.execute(unproven))
    synced(acme)
    assert held(acme) == ids(acme, acme.admin)


def test_more_people_than_fit_into_one_statement(acme: Acme, red: Red, roster: Filler) -> None:
    people = [(f"Person {number}", f"person{number}@example.org") for number in range(2_500)]
    joined = crowds.join(acme, people)
    number = acme.world.read(acme.organization).id
    said = dict.fromkeys(joined, (READERS,))
    assert acme.world.write(managed.sync, number, said) == Synced(1, ())
    assert held(acme) == set(joined)
    assert acme.world.write(managed.sync, number, {}) == Synced(1, ())
    assert held(acme) == set()


def test_two_runs_at_the_same_moment_make_one_group(acme: Acme, red: Red, roster: Filler) -> None:
    number = acme.world.read(acme.organization).id
    said = dict.fromkeys(ids(acme, acme.member, acme.admin), (READERS,))
    ready = Barrier(4)

    def run(_number: int) -> int:
        ready.wait()
        outcome: Synced = acme.world.write(managed.sync, number, said)
        return outcome.changed

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(run, range(4))) == [0, 0, 0, 1]


def test_other_organizations_are_left_alone(acme: Acme, red: Red, roster: Filler) -> None:
    want(roster, (acme.member, READERS), (acme.stranger, READERS))
    synced(acme)
    umbra = acme.world.read(lambda: organization_of(acme.other_slug).id)
    before = groups(acme)
    [stranger] = acme.world.read(lambda: [one.member_id for one in active_members(umbra, after=0, most=9)])
    outcome = acme.world.write(managed.sync, umbra, {stranger: [READERS]})
    assert outcome == Synced(0, (Problem(Trouble.NO_TEAM, "roster", "red", "Readers"),))
    assert acme.world.write(managed.sync, umbra, {min(ids(acme, acme.member)): [READERS]}) == Synced(0, ())
    assert groups(acme) == before
