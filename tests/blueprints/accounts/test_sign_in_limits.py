"""Guessing is slow: ten attempts for an address and a hundred from a network in fifteen minutes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask.testing import FlaskClient

from tests.support.applications import Applications
from tests.support.worlds import PASSWORD, Person, World, csrf_token
from webapp.config import Settings
from webapp.services import attempts

WRONG = "wrong horse battery staple"
NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)


class Guesser:
    """Somebody who tries passwords, from any number of addresses that a proxy header may claim."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client
        self._csrf = csrf_token(client)

    def guess(self, email: str, password: str = WRONG, forwarded_for: str | None = None) -> int:
        data = {"email": email, "password": password, "csrf_token": self._csrf}
        headers = {"X-Forwarded-For": forwarded_for} if forwarded_for else {}
        return self._client.post("/login", data=data, headers=headers).status_code


@pytest.fixture
def guesser(client: FlaskClient) -> Guesser:
    """Guesses directly."""
    return Guesser(client)


def use_up(world: World, attempts_left: int, email: str | None = None, ip: str = "127.0.0.1") -> None:
    limits = attempts.limits_of("sign-in", ip, email)
    world.write(attempts.raise_counters, {limits[-1]: limits[-1].most - attempts_left})


def test_eleventh_attempt_for_an_address_is_not_evaluated(guesser: Guesser, world: World, ada: Person) -> None:
    assert [guesser.guess(ada.email) for _ in range(10)] == [422] * 10
    before = world.dump()
    assert guesser.guess(ada.email, PASSWORD) == 429
    assert guesser.guess("ADA@example.org", PASSWORD) == 429
    assert world.dump() == before


def test_refusal_says_when_to_come_back(client: FlaskClient, world: World, ada: Person) -> None:
    use_up(world, 0, ada.email)
    data = {"email": ada.email, "password": PASSWORD, "csrf_token": csrf_token(client)}
    answer = client.post("/login", data=data)
    assert answer.status_code == 429
    assert "wait 15 min" in answer.text


def test_F08_limit_of_one_address_holds_up_nobody_else(guesser: Guesser, world: World, ada: Person) -> None:
    world.person("Mia Example", "mia@example.org")
    use_up(world, 0, ada.email)
    assert guesser.guess("mia@example.org", PASSWORD) == 303


def test_unknown_address_has_the_same_limit(guesser: Guesser, world: World) -> None:
    use_up(world, 1, "nobody@example.org")
    assert [guesser.guess("nobody@example.org") for _ in range(2)] == [422, 429]


def test_limit_ends_after_fifteen_minutes(client: FlaskClient, world: World, ada: Person) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        guesser = Guesser(client)
        use_up(world, 0, ada.email)
        clock.shift(timedelta(minutes=15) - timedelta(seconds=1))
        assert guesser.guess(ada.email, PASSWORD) == 429
        clock.shift(timedelta(seconds=1))
        assert guesser.guess(ada.email, PASSWORD) == 303


def test_network_has_a_hundred_attempts_whatever_the_address(guesser: Guesser, world: World, ada: Person) -> None:
    use_up(world, 1)
    assert guesser.guess("nobody@example.org") == 422
    assert guesser.guess(ada.email, PASSWORD) == 429


def test_F07_invented_proxy_headers_make_no_other_network(guesser: Guesser, world: World, ada: Person) -> None:
    use_up(world, 1)
    assert guesser.guess(ada.email, WRONG, forwarded_for="198.51.100.1") == 422
    assert guesser.guess(ada.email, PASSWORD, forwarded_for="203.0.113.9") == 429


@pytest.fixture
def behind_proxy(settings: Settings, applications: Applications) -> Iterator[FlaskClient]:
    """A browser whose requests come through one trusted proxy."""
    with applications.on(replace(settings, trusted_proxies=1)) as application:
        yield application.test_client()


def test_F07_trusted_proxy_names_the_network_and_the_browser_does_not(
    behind_proxy: FlaskClient, world: World, ada: Person
) -> None:
    use_up(world, 0, ip="192.0.2.1")
    guesser = Guesser(behind_proxy)
    assert guesser.guess(ada.email, PASSWORD, forwarded_for="203.0.113.9, 192.0.2.7") == 429
    assert guesser.guess(ada.email, PASSWORD, forwarded_for="192.0.2.7, 203.0.113.9") == 303
