"""Many sign-ins at the same moment: everybody gets in, and guessing in parallel gets no more guesses."""

from collections import Counter

import pytest

from tests.support.ledger import Ledger
from tests.support.server import Server
from tests.support.sizes import short_and_long
from tests.support.visitor import Answer, at_once, visitor_at
from tests.support.worlds import PASSWORD, World
from webapp.db import db
from webapp.models import KnownNetwork
from webapp.services import attempts

AT_ONCE = 32
MORE_THAN_THREADS = 18
"""The server has four processes of four."""
GUESSES = 100
PER_ADDRESS = 10
WRONG = "wrong horse battery staple"


@pytest.mark.parametrize("number", short_and_long(MORE_THAN_THREADS, AT_ONCE))
def test_R08_many_people_sign_in_at_once(world: World, server: Server, ledger: Ledger, number: int) -> None:
    people = [world.person(f"Guest {guest}", f"guest{guest}@example.org") for guest in range(number)]
    browsers = [visitor_at(server.url, "/login") for _ in people]
    answers = at_once(number, lambda i: browsers[i].send("/login", email=people[i].email, password=PASSWORD))
    assert {a.status for a in answers} == {303}
    assert sorted(row["user_id"] for row in ledger.rows("session")) == [person.user_id for person in people]
    assert ledger.count("audit_entry", event="account.signed_in") == number
    pages = at_once(number, lambda i: browsers[i].get("/orgs/"))
    assert all(people[i].email in pages[i].text for i in range(number))


def use_up(world: World, limit: attempts.Limit, left: int) -> None:
    """Let there have been so many attempts that few are left: each that is evaluated is a hash to compute."""
    world.write(attempts.raise_counters, {limit: limit.most - left})


evaluated = pytest.mark.parametrize("left", short_and_long(3, PER_ADDRESS))


@evaluated
def test_F07_one_person_signing_in_at_once_stays_within_the_limit(
    world: World, server: Server, ledger: Ledger, left: int
) -> None:
    mia = world.person("Mia Holm", "mia@example.org")
    world.write(lambda: db.session.add(KnownNetwork(user_id=mia.user_id, network="127.0.0.0/24")))
    use_up(world, attempts.limits_of("sign-in", "127.0.0.1", mia.email, is_known_network=True)[1], left)
    browsers = [visitor_at(server.url, "/login") for _ in range(AT_ONCE)]
    answers = at_once(AT_ONCE, lambda i: browsers[i].send("/login", email=mia.email, password=PASSWORD))
    assert Counter(a.status for a in answers) == {303: left, 429: AT_ONCE - left}
    assert all("Too many attempts" in a.text for a in answers if a.status == 429)
    assert ledger.count("session", user_id=mia.user_id) == left


@pytest.fixture
def invitation_link(world: World) -> str:
    """The link of an open invitation, whose page also signs in."""
    owner = world.person("Ada Winter", "ada@example.com")
    return world.invite(world.organization("Harbour Works", owner), owner, "mia@example.org").link


@evaluated
def test_F07_parallel_guesses_for_one_address_are_evaluated_ten_times(
    world: World, server: Server, ledger: Ledger, invitation_link: str, left: int
) -> None:
    mia = world.person("Mia Holm", "mia@example.org")
    use_up(world, attempts.limits_of("sign-in", "127.0.0.1", mia.email)[1], left)
    pages = ["/login", invitation_link]
    browsers = [visitor_at(server.url, page) for page in pages]

    def guess(index: int) -> Answer:
        where = f"203.0.{index}.7"
        form = {"email": "Mia@example.org", "password": f"{WRONG} {index}", "accept": "1"}
        return browsers[index % 2].send(pages[index % 2], forwarded_for=where, **form)

    answers = at_once(GUESSES, guess)
    assert Counter(a.status for a in answers) == {422: left, 429: GUESSES - left}
    assert ledger.count("audit_entry", event="account.sign_in_refused") == left
    assert guess(0).status == 429
    assert browsers[0].send("/login", email="mia@example.org", password=PASSWORD).status == 429
    assert ledger.count("session") == 0


@evaluated
def test_F07_parallel_guesses_from_one_network_stay_within_its_limit(
    world: World, server: Server, ledger: Ledger, left: int
) -> None:
    [network] = attempts.limits_of("sign-in", "127.0.0.1")
    use_up(world, network, left)
    browser = visitor_at(server.url, "/login")

    def guess(index: int) -> int:
        form = {"email": f"guest{index}@example.org", "password": WRONG}
        return browser.send("/login", forwarded_for=f"203.0.{index}.7", **form).status

    assert Counter(at_once(AT_ONCE, guess)) == {422: left, 429: AT_ONCE - left}
    assert ledger.count("audit_entry", event="account.sign_in_refused") == left


def test_F07_parallel_requests_for_a_new_password_send_ten_letters(
    world: World, server: Server, ledger: Ledger
) -> None:
    world.person("Mia Holm", "mia@example.org")
    browser = visitor_at(server.url, "/forgot-password")
    answers = at_once(AT_ONCE, lambda _: browser.send("/forgot-password", email="mia@example.org"))
    assert Counter(a.status for a in answers) == {303: PER_ADDRESS, 429: AT_ONCE - PER_ADDRESS}
    assert ledger.count("outbox_message", kind="password_reset") == PER_ADDRESS
