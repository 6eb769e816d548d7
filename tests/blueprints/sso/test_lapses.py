"""What claims gave somebody, after the provider's word about them has run out or its connection is in use no more."""

import threading
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from tests.support.acme import Acme
from tests.support.managed import held, ids
from tests.support.rounds import rounds_of
from tests.support.sso import Desk
from tests.support.teams import Office, furnish
from tests.support.worlds import World, post
from webapp import clock
from webapp.db import db
from webapp.models import GroupMember, Identity, ProviderStatus
from webapp.services.sso import lapses


@pytest.fixture
def office(acme: Acme, desk: Desk) -> Office:
    """Acme's teams, where Mia and the admin are among the readers by a claim; the provider gives no refresh tokens."""
    office = furnish(acme)
    rule = {"claim": "groups", "value": "staff", "group": str(office.readers), "confirm": "1"}
    assert post(acme.browser(acme.owner), desk.address("mappings"), **rule).status_code == 303
    desk.know(acme.member)
    desk.know(acme.admin, "u-9")
    desk.theirs.people["u-9"] = {"groups": ["staff"]}
    for subject in ("u-1", "u-9"):
        desk.theirs.person = subject
        assert desk.sign_in(acme.world.browser()).status_code == 303
    acme.world.write(lambda: db.session.execute(update(Identity).values(next_refresh_at=None)))
    assert held(acme) == ids(acme, acme.member, acme.admin)
    return office


def go_round(acme: Acme, days: float = 0, stop: threading.Event | None = None) -> None:
    with time_machine.travel(clock.now() + timedelta(days=days)):
        rounds_of(acme.world.app, stop=stop).run_once()


def test_word_of_the_provider_fills_groups_as_long_as_it_counts(
    world: World, acme: Acme, desk: Desk, office: Office
) -> None:
    go_round(acme, 6.9)
    assert held(acme) == ids(acme, acme.member, acme.admin)
    with time_machine.travel(clock.now() + timedelta(days=5)):
        desk.theirs.person = "u-1"
        desk.sign_in(world.browser())
    go_round(acme, 7.1)
    assert held(acme) == ids(acme, acme.member)
    entry = acme.entries()[-1]
    assert (entry.event, entry.actor_name) == ("group.member_removed", "Vestibule")
    desk.theirs.person = "u-9"
    desk.sign_in(world.browser())
    assert held(acme) == ids(acme, acme.member, acme.admin)


def test_connection_in_use_no_more_fills_nothing(acme: Acme, desk: Desk, office: Office) -> None:
    desk.set(status=ProviderStatus.DISABLED)
    go_round(acme)
    assert held(acme) == set()


def test_connection_that_was_replaced_fills_nothing_until_people_link_again(
    acme: Acme, desk: Desk, office: Office
) -> None:
    desk.set(status=ProviderStatus.DISABLED)
    after = Desk(acme, desk.theirs)
    after.know(acme.member)
    go_round(acme)
    assert held(acme) == ids(acme, acme.member)


def test_taking_back_goes_in_steps_ends_when_told_to_and_goes_on(
    world: World, acme: Acme, desk: Desk, office: Office
) -> None:
    desk.set(status=ProviderStatus.DISABLED)
    stop = threading.Event()
    stop.set()
    go_round(acme, stop=stop)
    assert len(held(acme)) == 2
    [(organization_id, members)] = world.read(lapses.find, 0).steps()
    world.write(lapses.take_back, organization_id, members[:1])
    assert len(held(acme)) == 1
    go_round(acme)
    assert held(acme) == set()
    many = lapses.Lapsed({1: list(range(120)), 2: [120]}, None)
    assert [(number, len(some)) for number, some in many.steps()] == [(1, 50), (1, 50), (1, 20), (2, 1)]


def test_whoever_signs_in_meanwhile_stays(world: World, acme: Acme, desk: Desk, office: Office) -> None:
    with time_machine.travel(clock.now() + timedelta(days=8)):
        found = world.read(lapses.find, 0)
        desk.theirs.person = "u-1"
        desk.sign_in(world.browser())
        for step in found.steps():
            world.write(lapses.take_back, *step)
    assert held(acme) == ids(acme, acme.member)


def test_what_people_give_stays(acme: Acme, desk: Desk, office: Office) -> None:
    def by_hand() -> set[int]:
        others = select(GroupMember.group_id, GroupMember.member_id).where(GroupMember.group_id != office.readers)
        return set(acme.world.read(lambda: db.session.execute(others).all()))

    before = by_hand()
    desk.set(status=ProviderStatus.DISABLED)
    go_round(acme)
    assert by_hand() == before
