"""The mailed link for a new password."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import update

from tests.support.worlds import PASSWORD, Person, World, post
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import LetterState, User
from webapp.services import accounts, addresses, outbox
from webapp.services.tokens import new_token

NEW_PASSWORD = "pale blue lantern orchard"
NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)


def ask(world: World, email: str) -> str:
    """Ask for a new password and return the mailed link."""
    world.write(accounts.request_reset, Actor.visitor(None), addresses.parse(email))
    letter = world.letters("password_reset")[-1]
    token = world.read(lambda: db.vault.open(outbox.seal_name(letter), letter.secret or ""))
    return f"/reset-password/{token}"


@pytest.fixture
def link(world: World, ada: Person) -> str:
    """The link mailed to Ada."""
    return ask(world, ada.email)


def reset(client: FlaskClient, link: str, password: str = NEW_PASSWORD, **fields: Any) -> int:
    return post(client, link, password=password, **fields).status_code


def can_sign_in(world: World, person: Person, password: str) -> bool:
    return post(world.browser(), "/login", email=person.email, password=password).status_code == 303


def test_link_gives_a_new_password_and_no_session(
    client: FlaskClient, world: World, ada: Person, link: str, events: Callable[[], list[str]]
) -> None:
    assert client.get(link).status_code == 200
    answer = post(client, link, page=link, password=NEW_PASSWORD)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert client.get("/orgs/").status_code == 303
    assert events() == ["account.reset_requested", "account.password_changed"]
    assert can_sign_in(world, ada, NEW_PASSWORD)
    assert not can_sign_in(world, ada, PASSWORD)


def test_letter_tells_of_the_new_password(client: FlaskClient, world: World, ada: Person, link: str) -> None:
    reset(client, link)
    [letter] = world.letters("password_changed")
    assert (letter.to_address, letter.state, letter.secret) == ("ada@example.org", LetterState.QUEUED, None)
    assert NEW_PASSWORD not in str(letter.data)


def test_E02_all_sessions_of_the_person_end(client: FlaskClient, world: World, ada: Person, link: str) -> None:
    mia = world.browser(world.person("Mia Example", "mia@example.org"))
    browsers = [world.browser(ada), world.browser(ada)]
    reset(client, link)
    assert [browser.get("/orgs/").status_code for browser in browsers] == [303, 303]
    assert mia.get("/orgs/").status_code == 200


def test_link_works_once(client: FlaskClient, world: World, ada: Person, link: str) -> None:
    reset(client, link)
    before = world.dump()
    assert client.get(link).status_code == 404
    assert reset(client, link, "another purple bicycle") == 404
    assert world.dump() == before


def test_new_password_kills_the_other_links(client: FlaskClient, world: World, ada: Person, link: str) -> None:
    other = ask(world, ada.email)
    reset(client, link)
    before = world.dump()
    assert reset(client, other, "another purple bicycle") == 404
    assert world.dump() == before


@pytest.mark.parametrize("is_opened_before", [True, False])
def test_link_works_for_an_hour(world: World, ada: Person, is_opened_before: bool) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        client, late = world.browser(), ask(world, ada.email)
        in_time = ask(world, ada.email)
        if is_opened_before:
            assert client.get(late).status_code == 200
        before = world.dump()
        clock.shift(timedelta(hours=1))
        assert client.get(late).status_code == 404
        assert reset(client, late) == 404
        assert world.dump() == before
        clock.shift(timedelta(microseconds=-1))
        assert reset(client, in_time) == 303


def test_link_of_an_inactive_user_is_dead(client: FlaskClient, world: World, link: str) -> None:
    world.write(lambda: db.session.execute(update(User).values(is_active=False)))
    before = world.dump()
    assert client.get(link).status_code == 404
    assert reset(client, link) == 404
    assert world.dump() == before


@pytest.mark.parametrize("email", ["nobody@example.org", "ada@example.org"])
def test_letter_that_never_left_holds_no_working_link(
    client: FlaskClient, world: World, ada: Person, email: str
) -> None:
    world.write(lambda: db.session.execute(update(User).values(is_active=False)))
    link = ask(world, email)
    world.write(lambda: db.session.execute(update(User).values(is_active=True)))
    before = world.dump()
    assert reset(client, link) == 404
    assert world.dump() == before


def test_C01_token_of_another_purpose_resets_nothing(client: FlaskClient, world: World, ada: Person) -> None:
    invited = world.invite(world.organization("Harbour Works", ada), ada, "mia@example.org")
    before = world.dump()
    for token in (invited.token, new_token(), "x", "%00", "a" * 2000):
        assert client.get(f"/reset-password/{token}").status_code == 404
        assert reset(client, f"/reset-password/{token}") == 404
    assert world.dump() == before


@pytest.mark.parametrize(
    "password",
    ["", "fourteen chars", "passwordpassword", "Ada Example 2027!", "ada@example.org ada", "k3 9dj-2lw0 qpz8" * 65],
)
def test_F11_refused_password_leaves_link_and_sessions(
    client: FlaskClient, world: World, ada: Person, link: str, password: str
) -> None:
    before = world.dump()
    answer = post(client, link, password=password)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert not password or password not in answer.text
    assert world.dump() == before
    assert reset(client, link) == 303


def test_F01_nothing_in_the_form_names_another_account(
    client: FlaskClient, world: World, ada: Person, link: str
) -> None:
    mia = world.person("Mia Example", "mia@example.org")
    assert reset(client, link, email=mia.email, user_id=mia.user_id, token=new_token()) == 303
    assert can_sign_in(world, ada, NEW_PASSWORD)
    assert can_sign_in(world, mia, PASSWORD)
    assert [letter.to_address for letter in world.letters("password_changed")] == [ada.email]


def test_F01_first_of_doubled_passwords_counts(client: FlaskClient, world: World, ada: Person, link: str) -> None:
    assert post(client, link, password=[NEW_PASSWORD, "another purple bicycle"]).status_code == 303
    assert can_sign_in(world, ada, NEW_PASSWORD)


def test_C11_opening_the_link_changes_nothing(client: FlaskClient, world: World, link: str) -> None:
    before = world.dump()
    for method in ("GET", "HEAD", "OPTIONS"):
        assert client.open(link, method=method).status_code == 200
    assert world.dump() == before


def test_answers_at_the_link_are_not_stored_and_name_nobody(client: FlaskClient, ada: Person, link: str) -> None:
    answer = client.get(link)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert ada.email not in answer.text
