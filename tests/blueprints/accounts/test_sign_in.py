"""Signing in with address and password."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from tests.blueprints.accounts.conftest import Statements
from tests.support.pages import Page
from tests.support.worlds import CSRF, PASSWORD, Person, World, csrf_token, post
from webapp.db import db
from webapp.models import EmailAddress, Session, User

WRONG = "wrong horse battery staple"
TOO_LONG = "k3 9dj-2lw0 qpz8" * 100


def sign_in(client: FlaskClient, email: str, password: str = PASSWORD, **fields: Any) -> TestResponse:
    return post(client, "/login", email=email, password=password, **fields)


def change(world: World, model: type[User] | type[EmailAddress], **values: object) -> None:
    world.write(lambda: db.session.execute(update(model).values(**values)))


def sessions_of(world: World) -> list[Session]:
    return list(world.read(lambda: db.session.scalars(select(Session)).all()))


@pytest.mark.parametrize("typed", ["ada@example.org", "ADA@Example.org", " ada@example.org "])
def test_address_and_password_sign_in(
    client: FlaskClient, world: World, ada: Person, events: Callable[[], list[str]], typed: str
) -> None:
    answer = sign_in(client, typed)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert client.get("/orgs/").status_code == 200
    [session] = sessions_of(world)
    assert (session.user_id, session.ip) == (ada.user_id, "127.0.0.1")
    assert events() == ["account.signed_in"]


def test_session_is_kept_as_a_hash(client: FlaskClient, world: World, ada: Person) -> None:
    sign_in(client, ada.email)
    with client.session_transaction() as cookie:
        token = cookie["token"]
    assert len(token) >= 43
    assert token not in str(world.dump())


def test_signed_in_person_is_sent_on_from_the_form(world: World, ada: Person) -> None:
    answer = world.browser(ada).get("/login?next=/orgs/")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/orgs/")


def wrong_password(_world: World) -> tuple[str, str]:
    return "ada@example.org", WRONG


def unknown_address(_world: World) -> tuple[str, str]:
    return "nobody@example.org", PASSWORD


def inactive_user(world: World) -> tuple[str, str]:
    change(world, User, is_active=False)
    return "ada@example.org", PASSWORD


def unverified_address(world: World) -> tuple[str, str]:
    change(world, EmailAddress, verified_at=None)
    return "ada@example.org", PASSWORD


def account_without_password(world: World) -> tuple[str, str]:
    change(world, User, password_hash=None)
    return "ada@example.org", PASSWORD


def too_long_password(_world: World) -> tuple[str, str]:
    return "ada@example.org", TOO_LONG


REFUSED = [
    wrong_password,
    unknown_address,
    inactive_user,
    unverified_address,
    account_without_password,
    too_long_password,
]


@pytest.mark.parametrize("case", REFUSED)
def test_wrong_credentials_are_refused(
    client: FlaskClient,
    world: World,
    ada: Person,
    events: Callable[[], list[str]],
    case: Callable[[World], tuple[str, str]],
) -> None:
    email, password = case(world)
    before = world.dump()
    answer = sign_in(client, email, password)
    assert answer.status_code == 422
    assert "do not belong together" in answer.text
    assert world.dump() == before
    assert client.get("/orgs/").status_code == 303
    assert events() == ["account.sign_in_refused"]


def test_F06_refusals_do_not_tell_known_from_unknown(client: FlaskClient, world: World, ada: Person) -> None:
    bodies = set()
    for case in REFUSED:
        email, password = case(world)
        bodies.add(CSRF.sub("", sign_in(client, email, password).text.replace(email, "…")))
        change(world, User, is_active=True)
        change(world, EmailAddress, verified_at=EmailAddress.created_at)
    assert len(bodies) == 1


@pytest.mark.parametrize("case", [wrong_password, inactive_user, unverified_address])
def test_F06_refusals_ask_the_database_the_same(
    client: FlaskClient, world: World, ada: Person, statements: Statements, case: Callable[[World], tuple[str, str]]
) -> None:
    token = csrf_token(client)
    known, unknown = case(world), unknown_address(world)
    asked = []
    for email, password in (known, unknown):
        client.get("/login")  # what was asked last is the same
        with statements() as block:
            client.post("/login", data={"email": email, "password": password, "csrf_token": token})
        asked.append(block)
    assert asked[0] == asked[1] != []


def test_refusal_is_said_once(client: FlaskClient, ada: Person) -> None:
    assert sign_in(client, "ada@example.org", WRONG).text.count("do not belong together") == 1


def test_refused_form_keeps_the_address_and_forgets_the_password(client: FlaskClient, ada: Person) -> None:
    answer = sign_in(client, "ada@example.org", WRONG)
    [email] = Page(answer).named("email")
    assert email.attributes["value"] == "ada@example.org"
    assert WRONG not in answer.text


@pytest.mark.parametrize(
    ("fields", "invalid"),
    [
        ({}, ["email", "password"]),
        ({"email": "ada@example.org"}, ["password"]),
        ({"password": PASSWORD}, ["email"]),
        ({"email": "not an address", "password": PASSWORD}, ["email"]),
        ({"email": ["ada@example.org,mia@example.org"], "password": PASSWORD}, ["email"]),
    ],
)
def test_invalid_form_is_shown_again_and_counts_for_nobody(
    client: FlaskClient, world: World, ada: Person, fields: dict[str, Any], invalid: list[str]
) -> None:
    before = world.dump()
    answer = post(client, "/login", **fields)
    assert answer.status_code == 422
    elements = Page(answer).elements
    assert [e.attributes["name"] for e in elements if e.attributes.get("aria-invalid") == "true"] == invalid
    assert world.dump() == before


def test_next_page_is_kept_in_the_form(client: FlaskClient, ada: Person) -> None:
    sent_away = client.get("/orgs/?x=1")
    assert sent_away.status_code == 303
    login = sent_away.headers["Location"]
    [form] = [element for element in Page(client.get(login)).elements if element.tag == "form"]
    refused = post(client, form.attributes["action"], page=login, email=ada.email, password=WRONG)
    [form] = [element for element in Page(refused).elements if element.tag == "form"]
    answer = post(client, form.attributes["action"], page=login, email=ada.email, password=PASSWORD)
    assert answer.headers["Location"] == "/orgs/?x=1"
