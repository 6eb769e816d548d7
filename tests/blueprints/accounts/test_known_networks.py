"""Known networks: a letter about a new one, and attempts of their own for those somebody uses (F08)."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select, update

from tests.blueprints.accounts.conftest import Statements
from tests.support.applications import Applications
from tests.support.worlds import PASSWORD, Person, World, csrf_token
from webapp.config import Settings
from webapp.db import db
from webapp.models import AuditEntry, EmailAddress, KnownNetwork, LetterState, User
from webapp.services import accounts, attempts

WRONG = "wrong horse battery staple"
HOME, SAME_NETWORK, OFFICE, ELSEWHERE = "192.0.2.7", "192.0.2.99", "198.51.100.7", "203.0.113.7"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)

SignIn = Callable[..., int]


@pytest.fixture
def behind_proxy(settings: Settings, applications: Applications) -> Iterator[FlaskClient]:
    """A browser whose requests come through one trusted proxy."""
    with applications.on(replace(settings, trusted_proxies=1)) as application:
        yield application.test_client()


@pytest.fixture
def sign_in(behind_proxy: FlaskClient) -> SignIn:
    """Signs in from an IP address, and returns the status of the answer."""

    def send(ip: str, email: str = "ada@example.org", password: str = PASSWORD) -> int:
        browser = behind_proxy.application.test_client()
        headers = {"X-Forwarded-For": ip, "User-Agent": FIREFOX}
        data = {"email": email, "password": password, "csrf_token": csrf_token(browser)}
        return browser.post("/login", data=data, headers=headers).status_code

    return send


def networks(world: World) -> list[str]:
    return list(
        world.read(lambda: db.session.scalars(select(KnownNetwork.network).order_by(KnownNetwork.network)).all())
    )


def test_first_network_is_remembered_without_a_letter(world: World, ada: Person, sign_in: SignIn) -> None:
    assert sign_in(HOME) == 303
    assert networks(world) == ["192.0.2.0/24"]
    assert world.letters() == []


def test_new_network_is_told_once(world: World, ada: Person, sign_in: SignIn) -> None:
    sign_in(HOME)
    with time_machine.travel(NOON, tick=False):
        sign_in(OFFICE)
    [letter] = world.letters()
    assert (letter.kind, letter.to_address, letter.secret) == ("new_sign_in", "ada@example.org", None)
    assert letter.data == {
        "name": "Ada Example",
        "signed_in_at": "2027-01-01T12:00:00+00:00",
        "ip": OFFICE,
        "browser": "Firefox, Linux",
    }
    for ip in (HOME, SAME_NETWORK, OFFICE):
        sign_in(ip)
    assert len(world.letters()) == 1
    assert networks(world) == ["192.0.2.0/24", "198.51.100.0/24"]


def test_letter_speaks_the_language_of_the_account(world: World, ada: Person, sign_in: SignIn) -> None:
    world.write(lambda: db.session.execute(update(User).values(language="de")))
    sign_in(HOME)
    sign_in(OFFICE)
    assert [letter.language for letter in world.letters()] == ["de"]


def test_letter_goes_to_no_address_that_may_be_somebody_elses(world: World, ada: Person) -> None:
    world.write(lambda: db.session.execute(update(EmailAddress).values(verified_at=None)))
    user = world.read(accounts.by_id, ada.user_id)
    for ip in (HOME, OFFICE):
        world.write(accounts.sign_in, user, ip=ip, user_agent=FIREFOX)
    assert [letter.state for letter in world.letters()] == [LetterState.DROPPED]


def test_refused_sign_in_makes_no_network_known(world: World, ada: Person, sign_in: SignIn) -> None:
    assert sign_in(OFFICE, password=WRONG) == 422
    assert networks(world) == []


def test_network_of_somebody_else_is_new_to_me(world: World, ada: Person, sign_in: SignIn) -> None:
    world.person("Mia Example", "mia@example.org")
    sign_in(HOME, "mia@example.org")
    sign_in(OFFICE)
    sign_in(HOME)
    assert [letter.to_address for letter in world.letters()] == ["ada@example.org"]


def test_known_network_notes_when_it_was_used_last(world: World, ada: Person, sign_in: SignIn) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        sign_in(HOME)
        clock.shift(timedelta(days=3))
        sign_in(SAME_NETWORK)
    assert world.read(lambda: db.session.scalars(select(KnownNetwork.last_used_at)).all()) == [NOON + timedelta(days=3)]


def test_network_nobody_can_tell_is_not_remembered(world: World, ada: Person) -> None:
    user = world.read(accounts.by_id, ada.user_id)
    world.write(accounts.sign_in, user, ip=None, user_agent=FIREFOX)
    assert networks(world) == []


def test_F08_stranger_cannot_lock_the_owner_out_of_a_known_network(world: World, ada: Person, sign_in: SignIn) -> None:
    sign_in(HOME)
    assert [sign_in(ELSEWHERE, password=WRONG) for _ in range(10)] == [422] * 9 + [429]  # the first was unknown too
    assert sign_in(HOME) == 303
    assert sign_in(SAME_NETWORK) == 303
    assert sign_in(OFFICE) == 429


def test_F08_many_unknown_networks_share_ten_attempts(world: World, ada: Person, sign_in: SignIn) -> None:
    sign_in(HOME)
    answers = [sign_in(f"203.0.{number}.7", password=WRONG) for number in range(14)]
    assert answers == [422] * 9 + [429] * 5  # the first sign-in came from an unknown network too


def test_F08_attempts_from_a_known_network_are_limited_too(world: World, ada: Person, sign_in: SignIn) -> None:
    sign_in(HOME)
    assert [sign_in(HOME, password=WRONG) for _ in range(12)] == [422] * 10 + [429] * 2
    assert sign_in(HOME) == 429


def test_F08_network_known_to_one_is_unknown_for_another(world: World, ada: Person, sign_in: SignIn) -> None:
    world.person("Mia Example", "mia@example.org")
    sign_in(HOME)
    assert [sign_in(ELSEWHERE, "mia@example.org", WRONG) for _ in range(10)] == [422] * 10
    assert sign_in(HOME, "mia@example.org") == 429


def test_F08_unproven_address_makes_no_network_known(world: World, ada: Person, sign_in: SignIn) -> None:
    sign_in(HOME)
    world.write(lambda: db.session.execute(update(EmailAddress).values(verified_at=None)))
    [_network, address] = attempts.limits_of("sign-in", HOME, ada.email)
    world.write(attempts.raise_counters, {address: 10})
    assert sign_in(HOME) == 429


def test_F06_look_up_asks_the_same_for_known_and_unknown(
    world: World, ada: Person, sign_in: SignIn, behind_proxy: FlaskClient, statements: Statements
) -> None:
    sign_in(HOME)
    csrf, asked = csrf_token(behind_proxy), []
    for email in (ada.email, "nobody@example.org"):
        with statements() as block:
            data = {"email": email, "password": WRONG, "csrf_token": csrf}
            behind_proxy.post("/login", data=data, headers={"X-Forwarded-For": HOME})
        asked.append(block)
    assert asked[0] == asked[1]


def test_U03_audit_log_names_the_address_the_trusted_proxy_saw(world: World, ada: Person, sign_in: SignIn) -> None:
    sign_in(f"{ELSEWHERE}, {HOME}")
    newest = select(AuditEntry.ip).order_by(AuditEntry.id.desc()).limit(1)
    assert world.read(lambda: db.session.scalars(newest).one()) == HOME


def test_U03_audit_log_ignores_what_a_browser_claims(world: World, ada: Person, client: FlaskClient) -> None:
    data = {"email": ada.email, "password": PASSWORD, "csrf_token": csrf_token(client)}
    claims = {"X-Forwarded-For": HOME, "Forwarded": f"for={HOME}", "X-Real-IP": HOME, "X-Request-Id": "mine"}
    answer = client.post("/login", data=data, headers=claims)
    assert answer.headers["X-Request-Id"] != "mine"
    newest = select(AuditEntry.ip).order_by(AuditEntry.id.desc()).limit(1)
    assert world.read(lambda: db.session.scalars(newest).one()) == "127.0.0.1"
