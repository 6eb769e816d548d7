"""Asking for a new password: whoever asks learns nothing, and only the owner of the address gets a letter."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from tests.blueprints.accounts.conftest import Statements
from tests.support.worlds import CSRF, Person, World, csrf_token, post
from webapp.db import db
from webapp.models import EmailAddress, LetterState, User
from webapp.services import attempts, networks


def ask(client: FlaskClient, *emails: str) -> TestResponse:
    return post(client, "/forgot-password", email=list(emails))


def change(world: World, model: type[User] | type[EmailAddress], **values: object) -> None:
    world.write(lambda: db.session.execute(update(model).values(**values)))


def known(_world: World) -> str:
    return "ada@example.org"


def unknown(_world: World) -> str:
    return "nobody@example.org"


def inactive(world: World) -> str:
    change(world, User, is_active=False)
    return "ada@example.org"


def unverified(world: World) -> str:
    change(world, EmailAddress, verified_at=None)
    return "ada@example.org"


def test_letter_goes_to_the_stored_address(
    client: FlaskClient, world: World, ada: Person, events: Callable[[], list[str]]
) -> None:
    ask(client, "ADA@Example.ORG")
    [letter] = world.letters()
    assert (letter.kind, letter.to_address, letter.state) == ("password_reset", "ada@example.org", LetterState.QUEUED)
    assert letter.data["name"] == "Ada Example"
    assert letter.secret
    assert events() == ["account.reset_requested"]


@pytest.mark.parametrize("case", [unknown, inactive, unverified])
def test_no_letter_leaves_for_others(
    client: FlaskClient, world: World, ada: Person, case: Callable[[World], str]
) -> None:
    ask(client, case(world))
    [letter] = world.letters()
    assert letter.state is LetterState.DROPPED


@pytest.mark.parametrize("case", [known, unknown, inactive, unverified])
def test_F06_answer_is_the_same_for_every_address(
    client: FlaskClient, world: World, ada: Person, case: Callable[[World], str]
) -> None:
    answer = ask(client, case(world))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/forgot-password?sent=1")
    shown = client.get("/forgot-password?sent=1").text
    assert "If an account has this address" in shown
    assert "example.org" not in CSRF.sub("", shown)


@pytest.mark.parametrize("case", [unknown, inactive, unverified])
def test_F06_database_is_asked_the_same_for_every_address(
    client: FlaskClient, world: World, ada: Person, statements: Statements, case: Callable[[World], str]
) -> None:
    token, asked = csrf_token(client), []
    for email in (known(world), case(world)):
        with statements() as block:
            client.post("/forgot-password", data={"email": email, "csrf_token": token})
        asked.append(block)
    assert asked[0] == asked[1] != []


@pytest.mark.parametrize(
    "emails",
    [
        ["ada@example.org,mia@example.org"],
        ["ada@example.org;mia@example.org"],
        ["ada@example.org mia@example.org"],
        ["ada@example.org\r\nBcc: mia@example.org"],
        ["Ada <ada@example.org>"],
        [""],
        [],
    ],
)
def test_F01_no_letter_without_exactly_one_address(
    client: FlaskClient, world: World, ada: Person, emails: list[str]
) -> None:
    before = world.dump()
    assert ask(client, *emails).status_code == 422
    assert world.dump() == before


@pytest.mark.parametrize("emails", [["ada@example.org", "mia@example.org"], ["mia@example.org", "ada@example.org"]])
def test_F01_doubled_field_writes_to_one_stored_address(
    client: FlaskClient, world: World, ada: Person, emails: list[str]
) -> None:
    ask(client, *emails)
    [letter] = world.letters()
    assert letter.to_address == emails[0]
    assert letter.state is (LetterState.QUEUED if emails[0] == ada.email else LetterState.DROPPED)


@pytest.mark.parametrize("name", ["email[]", "email[0]", "emails", "Email"])
def test_F01_fields_of_other_names_write_to_nobody(client: FlaskClient, world: World, ada: Person, name: str) -> None:
    post(client, "/forgot-password", email="ada@example.org", **{name: "mia@example.org"})
    assert [letter.to_address for letter in world.letters()] == ["ada@example.org"]


def test_address_in_the_query_is_not_asked_for(client: FlaskClient, world: World, ada: Person) -> None:
    before = world.dump()
    assert post(client, "/forgot-password?email=ada@example.org").status_code == 422
    assert world.dump() == before


@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org"])
def test_eleventh_request_for_an_address_writes_no_letter(
    client: FlaskClient, app: Flask, world: World, ada: Person, email: str
) -> None:
    _, limit = attempts.limits_of("reset", "127.0.0.1", email)
    world.write(attempts.raise_counters, {limit: 9})
    assert ask(client, email).status_code == 303
    before = world.dump()
    assert ask(client, email).status_code == 429
    assert world.dump() == before


@pytest.mark.parametrize(("email", "left"), [("ada@example.org", 10), ("nobody@example.org", 0)])
def test_C14_eleventh_letter_of_a_day_to_an_address_stays_here(
    client: FlaskClient, world: World, ada: Person, email: str, left: int
) -> None:
    with time_machine.travel("2027-03-01 10:00Z", tick=False) as now:
        for _ in range(12):
            assert ask(client, email).status_code == 303
            now.shift(timedelta(minutes=16))
    states = [letter.state.value for letter in world.letters("password_reset")]
    assert (len(states), states.count("queued")) == (12, left)


def test_C14_nobody_uses_up_the_letters_of_somebody_else(client: FlaskClient, world: World, ada: Person) -> None:
    def last_state() -> str:
        assert ask(client, ada.email).status_code == 303
        return str(world.letters("password_reset")[-1].state.value)

    with time_machine.travel("2027-03-01 10:00Z", tick=False) as now:
        assert [last_state() for _ in range(10)] == ["queued"] * 10
        now.shift(timedelta(minutes=50))
        assert last_state() == "dropped", "the links of before still work"
        now.shift(timedelta(minutes=11))
        assert (last_state(), last_state()) == ("queued", "dropped"), "the link in no letter is none"


def test_network_of_somebody_is_not_refused_for_what_others_ask(client: FlaskClient, world: World, ada: Person) -> None:
    _, of_others = attempts.limits_of("reset", "198.51.100.1", ada.email)
    world.write(attempts.raise_counters, {of_others: 10})
    assert ask(client, ada.email).status_code == 429
    world.write(networks.note_sign_in, ada.user_id, "127.0.0.1")
    assert ask(client, ada.email).status_code == 303
