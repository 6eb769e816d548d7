"""Connections that the worker checks while nobody waits: whether they work, and who is told."""

import threading
from datetime import timedelta

import time_machine
from flask import Response, jsonify
from sqlalchemy import select

from tests.support.acme import Acme
from tests.support.identity_provider import HostileProvider
from tests.support.rounds import fails, rounds_of, silence
from tests.support.sso import Desk
from tests.support.visitor import at_once
from tests.support.worlds import World, post
from webapp import clock
from webapp.db import db
from webapp.models import IdentityProvider, Role
from webapp.providers.errors import Reason

A_DAY = timedelta(days=1, minutes=1)
PATIENCE_SECONDS = 0.3


def row_of(desk: Desk) -> IdentityProvider:
    found: IdentityProvider = desk.acme.world.read(lambda: db.session.get_one(IdentityProvider, desk.provider_id))
    return found


def letters(world: World) -> list[str]:
    return [letter.kind for letter in world.letters() if letter.kind.startswith("sso_")]


def test_connection_that_works_is_asked_once_a_day(world: World, acme: Acme, desk: Desk) -> None:
    began = clock.now()
    for hours, asked in ((0, 1), (1, 1), (23, 1), (25, 2), (26, 2)):
        with time_machine.travel(began + timedelta(hours=hours), tick=False):
            rounds_of(world.app).run_once()
        assert (desk.theirs.hits["discovery"], desk.theirs.hits["jwks"]) == (asked, asked)
    assert row_of(desk).probe_problem is None
    assert row_of(desk).probed_at == began + timedelta(hours=25)
    assert letters(world) == []


def test_owners_are_told_once_that_it_fails_and_once_that_it_works_again(world: World, acme: Acme, desk: Desk) -> None:
    second = world.person("Otto Owner", "otto@example.com")
    world.member(acme.slug, second, Role.OWNER)
    began = clock.now()

    def at(hours: float) -> None:
        with time_machine.travel(began + timedelta(hours=hours), tick=False):
            rounds_of(world.app).run_once()

    at(0)
    fails(desk.theirs, "jwks")
    at(25)
    at(26.1)
    assert row_of(desk).probe_problem == Reason.FAILING
    told = world.letters("sso_does_not_work")
    assert sorted(letter.to_address for letter in told) == [acme.owner.email, second.email]
    assert told[0].data["why"] == "The provider answered that it cannot serve anybody at present."
    at(52)
    assert len(world.letters("sso_does_not_work")) == 2
    desk.theirs.replies.clear()
    at(53.1)
    at(79)
    assert row_of(desk).probe_problem is None
    assert letters(world) == ["sso_does_not_work"] * 2 + ["sso_works_again"] * 2


def test_connection_that_comes_and_goes_fills_nobodys_mailbox(world: World, acme: Acme, desk: Desk) -> None:
    began = clock.now()
    for hour in range(20):
        desk.theirs.replies.clear()
        if hour % 2:
            fails(desk.theirs, "discovery")
        with time_machine.travel(began + timedelta(hours=hour), tick=False):
            desk.set(next_probe_at=None)
            rounds_of(world.app).run_once()
    assert len(letters(world)) == 6


def test_R23_workers_at_once_ask_once_and_write_one_letter(world: World, acme: Acme, desk: Desk) -> None:
    fails(desk.theirs, "discovery")
    at_once(4, lambda _index: rounds_of(world.app).run_once())
    assert desk.theirs.hits["discovery"] == 1
    assert letters(world) == ["sso_does_not_work"]


def test_workers_that_find_the_same_at_the_same_moment_write_one_letter(world: World, acme: Acme, desk: Desk) -> None:
    """Where the lease of one has run out, or an owner checks while a worker does."""
    fails(desk.theirs, "discovery")
    browser = acme.browser(acme.owner)

    def check(index: int) -> None:
        if index:
            rounds_of(world.app).run_once()
        else:
            post(browser, acme.address("sso/check"))

    at_once(2, check)
    assert letters(world) == ["sso_does_not_work"]


def test_connection_that_is_switched_off_or_not_proven_is_left_alone(world: World, acme: Acme, desk: Desk) -> None:
    for status in ("draft", "disabled"):
        desk.set(status=status)
        rounds_of(world.app).run_once()
    assert desk.theirs.hits.total() == 0


def test_what_was_found_of_an_earlier_version_or_long_ago_is_not_kept(world: World, acme: Acme, desk: Desk) -> None:
    with time_machine.travel(clock.now() + A_DAY):
        rounds_of(world.app).run_once()
    with acme.unchanged("identity_provider"):
        fails(desk.theirs, "discovery")
        desk.set(next_probe_at=None)
        rounds_of(world.app).run_once()  # begun before the last one
        assert row_of(desk).probe_problem is None

        def replaced() -> Response:
            desk.set(version=2)
            return Response("", 500)

        desk.theirs.replies["discovery"] = replaced
        with time_machine.travel(clock.now() + 3 * A_DAY):
            rounds_of(world.app).run_once()
    assert row_of(desk).probe_problem is None


def test_X09_provider_that_is_silent_costs_the_others_nothing(world: World, acme: Acme, desk: Desk) -> None:
    """Seven are asked before it, and never answer: it is heard while all of them are still waited for."""
    heard = threading.Event()
    desk.set(next_probe_at=clock.now())

    def keys() -> Response:
        heard.set()
        return jsonify(desk.theirs.jwks())

    desk.theirs.replies["jwks"] = keys
    with silence() as address:
        for number in range(7):
            slug = world.organization(f"Silent {number}", acme.stranger)
            Desk(acme, HostileProvider(address, desk.theirs.clients, {}, desk.theirs.key), slug)
        going = threading.Thread(target=rounds_of(world.app, seconds=60).run_once)
        going.start()
        assert heard.wait(60)
        assert acme.browser(acme.owner).get(acme.address("members")).status_code == 200
        assert problems(world) == [None] * 8
    going.join()
    assert problems(world) == [None] + ["unreachable"] * 7


def test_X02_silence_ends_and_is_told_from_what_is_set_up_wrongly(world: World, acme: Acme, desk: Desk) -> None:
    with silence() as address:
        desk.set(issuer=address)
        rounds_of(world.app, PATIENCE_SECONDS).run_once()
    assert row_of(desk).probe_problem == Reason.TIMEOUT


def problems(world: World) -> list[str | None]:
    found = select(IdentityProvider.probe_problem).order_by(IdentityProvider.id)
    return list(world.read(lambda: db.session.scalars(found).all()))
