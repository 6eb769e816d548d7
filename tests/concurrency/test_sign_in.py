"""Many sign-ins at the same moment: everybody gets in, and guessing in parallel gets no more guesses."""

from collections import Counter

import pytest

from tests.support.ledger import Ledger
from tests.support.server import Server
from tests.support.visitor import Answer, at_once, visitor_at
from tests.support.worlds import PASSWORD, World
from webapp.db import db
from webapp.models import KnownNetwork
from webapp.services import attempts

AT_ONCE = 32
GUESSES = 100
PER_ADDRESS = 10
PER_NETWORK = 100
WRONG = "wrong horse battery staple"


def test_R08_thirty_two_people_sign_in_at_once(world: World, server: Server, ledger: Ledger) -> None:
    people = [world.person(f"Guest {number}", f"guest{number}@example.org") for number in range(AT_ONCE)]
    browsers = [visitor_at(server.url, "/login") for _ in people]
    answers = at_once(AT_ONCE, lambda i: browsers[i].send("/login", email=people[i].email, password=PASSWORD))
    assert {a.status for a in answers} == {303}
    assert sorted(row["user_id"] for row in ledger.rows("session")) == [person.user_id for person in people]
    assert ledger.count("audit_entry", event="account.signed_in") == AT_ONCE
    pages = at_once(AT_ONCE, lambda i: browsers[i].get("/orgs/"))
    assert all(people[i].email in pages[i].text for i in range(AT_ONCE))


def test_F07_one_person_signing_in_at_once_stays_within_the_limit(world: World, server: Server, ledger: Ledger) -> None:
    mia = world.person("Mia Holm", "mia@example.org")
    world.write(lambda: db.session.add(KnownNetwork(user_id=mia.user_id, network="127.0.0.0/24")))
    browsers = [visitor_at(server.url, "/login") for _ in range(AT_ONCE)]
    answers = at_once(AT_ONCE, lambda i: browsers[i].send("/login", email=mia.email, password=PASSWORD))
    assert Counter(a.status for a in answers) == {303: PER_ADDRESS, 429: AT_ONCE - PER_ADDRESS}
    assert all("Too many attempts" in a.text for a in answers if a.status == 429)
    assert ledger.count("session", user_id=mia.user_id) == PER_ADDRESS


@pytest.fixture
def invitation_link(world: World) -> str:
    """The link of an open invitation, whose page also signs in."""
    owner = world.person("Ada Winter", "ada@example.com")
    return world.invite(world.organization("Harbour Works", owner), owner, "mia@example.org").link


def test_F07_parallel_guesses_for_one_address_are_evaluated_ten_times(
    world: World, server: Server, ledger: Ledger, invitation_link: str
) -> None:
    world.person("Mia Holm", "mia@example.org")
    pages = ["/login", invitation_link] * (GUESSES // 2)
    browsers = [visitor_at(server.url, page) for page in pages]

    def guess(index: int) -> Answer:
        where = f"203.0.{index}.7"
        form = {"email": "Mia@example.org", "password": f"{WRONG} {index}", "accept": "1"}
        return browsers[index].send(pages[index], forwarded_for=where, **form)

    answers = at_once(GUESSES, guess)
    assert Counter(a.status for a in answers) == {422: PER_ADDRESS, 429: GUESSES - PER_ADDRESS}
    assert ledger.count("audit_entry", event="account.sign_in_refused") == PER_ADDRESS
    assert guess(0).status == 429
    assert browsers[0].send("/login", email="mia@example.org", password=PASSWORD).status == 429
    assert ledger.count("session") == 0


def test_F07_parallel_guesses_from_one_network_stay_within_its_limit(
    world: World, server: Server, ledger: Ledger
) -> None:
    earlier = PER_NETWORK - PER_ADDRESS
    [network] = attempts.limits_of("sign-in", "127.0.0.1")
    world.write(attempts.raise_counters, {network: earlier})
    browser = visitor_at(server.url, "/login")

    def guess(index: int) -> int:
        form = {"email": f"guest{index}@example.org", "password": WRONG}
        return browser.send("/login", forwarded_for=f"203.0.{index}.7", **form).status

    assert Counter(at_once(AT_ONCE, guess)) == {422: PER_NETWORK - earlier, 429: AT_ONCE - PER_NETWORK + earlier}
    assert ledger.count("audit_entry", event="account.sign_in_refused") == PER_NETWORK - earlier


def test_F07_parallel_requests_for_a_new_password_send_ten_letters(
    world: World, server: Server, ledger: Ledger
) -> None:
    world.person("Mia Holm", "mia@example.org")
    browser = visitor_at(server.url, "/forgot-password")
    answers = at_once(AT_ONCE, lambda _: browser.send("/forgot-password", email="mia@example.org"))
    assert Counter(a.status for a in answers) == {303: PER_ADDRESS, 429: AT_ONCE - PER_ADDRESS}
    assert ledger.count("outbox_message", kind="password_reset") == PER_ADDRESS
