"""Counters of attempts: raised before the attempt is evaluated, by each of several at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.support.worlds import World
from webapp.db import db
from webapp.errors import TooManyAttempts
from webapp.models import Attempts
from webapp.services import attempts
from webapp.services.attempts import Limit, limits_of, network_of

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
THREE = Limit("sign-in:address:abc", 3)


def refusals(world: World, limit: Limit, number: int) -> list[bool]:
    return [world.write(attempts.count, [limit]) is not None for _ in range(number)]


def counters(world: World) -> dict[str, int]:
    found = world.read(lambda: db.session.execute(select(Attempts.bucket, Attempts.count)).all())
    return {bucket: count for bucket, count in found}


def test_attempts_up_to_the_limit_are_free(world: World) -> None:
    assert refusals(world, THREE, 5) == [False, False, False, True, True]


def test_refused_attempts_are_counted_too(world: World) -> None:
    refusals(world, THREE, 5)
    assert counters(world) == {THREE.bucket: 5}


def test_buckets_do_not_share(world: World) -> None:
    refusals(world, THREE, 4)
    assert refusals(world, Limit("sign-in:address:other", 3), 3) == [False] * 3


def test_window_ends_and_starts_anew(world: World) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        assert refusals(world, THREE, 4)[-1]
        clock.move_to(NOON + timedelta(minutes=15) - timedelta(microseconds=1))
        assert refusals(world, THREE, 1) == [True]
        clock.move_to(NOON + timedelta(minutes=15))
        assert refusals(world, THREE, 4) == [False, False, False, True]


@pytest.mark.parametrize(("passed", "minutes"), [(0, 15), (61, 14), (14 * 60 + 59, 1)])
def test_refusal_says_when_to_come_back(world: World, passed: int, minutes: int) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        refusals(world, THREE, 3)
        clock.shift(passed)
        refusal = world.write(attempts.count, [THREE])
    assert isinstance(refusal, TooManyAttempts)
    assert refusal.params == {"minutes": minutes}


def test_one_passed_limit_of_several_refuses(world: World) -> None:
    network = Limit("sign-in:network:192.0.2.0/24", 100)
    found = [world.write(attempts.count, [network, THREE]) is not None for _ in range(4)]
    assert found == [False, False, False, True]
    assert counters(world) == {network.bucket: 4, THREE.bucket: 4}


def test_counters_rise_by_what_is_given(world: World) -> None:
    other = Limit("invitation:organization:1", 2000)
    world.write(attempts.raise_counters, {THREE: 2, other: 700})
    raised = world.write(lambda: {k: v.count for k, v in attempts.raise_counters({other: 5, THREE: 1}).items()})
    assert raised == {other: 705, THREE: 3}


def test_nothing_to_count_counts_nothing(world: World) -> None:
    assert world.write(attempts.raise_counters, {}) == {}
    assert counters(world) == {}


def test_F07_attempts_at_once_are_each_counted(world: World) -> None:
    with ThreadPoolExecutor(8) as threads:
        refused = list(threads.map(lambda _: world.write(attempts.count, [THREE]) is not None, range(40)))
    assert refused.count(False) == 3
    assert counters(world) == {THREE.bucket: 40}


def test_limits_count_the_network_and_the_address() -> None:
    network, address = limits_of("sign-in", "192.0.2.7", "ada@example.org")
    assert (network.bucket, network.most) == ("sign-in:network:192.0.2.0/24", 100)
    assert address.most == 10
    assert address.bucket.startswith("sign-in:address:")
    assert "ada" not in address.bucket
    assert {network.window, address.window} == {timedelta(minutes=15)}
    assert address.bucket != limits_of("reset", "192.0.2.7", "ada@example.org")[1].bucket


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("192.0.2.255", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.0/24"),
        ("not an address", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_an_address_counts_for_its_network(ip: str | None, network: str) -> None:
    assert network_of(ip) == network
