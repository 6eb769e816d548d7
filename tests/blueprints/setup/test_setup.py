"""The first run: one link, used once, makes the first owner."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.support.pages import Page
from tests.support.settings import SECRET_KEY
from tests.support.worlds import PASSWORD, World, csrf_token, post
from webapp.cli.setup_link import link_if_possible
from webapp.config import Settings
from webapp.db import db
from webapp.models import AuditEntry, EmailAddress, Instance, User
from webapp.services.first_run import setup_token

LINK = f"/setup/{setup_token(SECRET_KEY)}"
FORM = {
    "organization_name": "Harbour Works",
    "name": "Ada Example",
    "email": "Ada@Example.org",
    "password": PASSWORD,
}


def set_up(client: FlaskClient, link: str = LINK, **changes: object) -> TestResponse:
    return post(client, link, page="/forgot-password", **{**FORM, **changes})


def test_first_visitor_becomes_the_owner(client: FlaskClient, world: World) -> None:
    answer = post(client, LINK, page=LINK, **FORM)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/orgs/harbour-works/members")
    page = client.get("/orgs/harbour-works/members").text
    assert "Harbour Works is ready" in page
    assert "Ada Example" in page
    assert world.roles("harbour-works") == {"Ada Example": "owner"}
    user = world.read(lambda: db.session.scalars(select(User)).one())
    assert user.is_instance_administrator
    address = world.read(lambda: db.session.scalars(select(EmailAddress)).one())
    assert (address.address, address.canonical) == ("Ada@Example.org", "ada@example.org")
    assert address.verified_at
    assert world.letters() == []


def test_first_run_is_in_the_audit_log(client: FlaskClient, world: World) -> None:
    set_up(client)
    statement = select(AuditEntry.event, AuditEntry.actor_name).order_by(AuditEntry.id)
    assert [tuple(row) for row in world.read(lambda: db.session.execute(statement).all())] == [
        ("account.created", ""),
        ("organization.created", "Ada Example"),
        ("member.joined", "Ada Example"),
        ("account.signed_in", "Ada Example"),
    ]
    made = world.read(lambda: db.session.scalars(select(AuditEntry.after).order_by(AuditEntry.id).limit(1)).one())
    assert made == {"name": "Ada Example", "email": "Ada@Example.org", "is_instance_administrator": True}


def test_owner_signs_in_with_the_chosen_password(client: FlaskClient, world: World) -> None:
    set_up(client)
    assert post(world.browser(), "/login", email="ada@example.org", password=PASSWORD).status_code == 303


def test_link_works_once(client: FlaskClient, world: World) -> None:
    set_up(client)
    before = world.dump()
    thief = world.browser()
    refused = thief.get(LINK)
    assert (refused.status_code, "The set-up link worked once" in refused.text) == (404, True)
    assert set_up(thief, email="mia@example.org").status_code == 404
    assert world.dump() == before


def test_form_opened_before_and_sent_after_somebody_else_is_refused(app: Flask, world: World) -> None:
    first, second = app.test_client(), app.test_client()
    token = csrf_token(second, LINK)
    set_up(first)
    before = world.dump()
    assert second.post(LINK, data={**FORM, "csrf_token": token}).status_code == 404
    assert world.dump() == before


def test_link_is_dead_where_anybody_has_an_account(client: FlaskClient, world: World) -> None:
    world.person("Mia Example", "mia@example.org")
    before = world.dump()
    assert client.get(LINK).status_code == 404
    assert set_up(client).status_code == 404
    assert world.dump() == before


def test_link_does_not_come_back_when_the_accounts_go(client: FlaskClient, world: World) -> None:
    set_up(client)
    world.write(lambda: db.session.delete(db.session.scalars(select(User)).one()))
    before = world.dump()
    assert world.browser().get(LINK).status_code == 404
    assert set_up(world.browser(), email="mia@example.org").status_code == 404
    assert world.dump() == before


@pytest.mark.parametrize("token", ["x", setup_token("another key"), LINK[7:].upper(), LINK[7:-1], "%00", "ä" * 64])
def test_wrong_link_is_a_page_that_is_not_there(client: FlaskClient, world: World, token: str) -> None:
    before = world.dump()
    assert client.get(f"/setup/{token}").status_code == 404
    assert set_up(client, f"/setup/{token}").status_code == 404
    assert world.dump() == before


@pytest.mark.parametrize(
    ("changes", "invalid"),
    [
        ({"organization_name": ""}, ["organization_name"]),
        ({"organization_name": " \t"}, ["organization_name"]),
        ({"name": "\x00\x1b"}, ["name"]),
        ({"name": "x" * 201}, ["name"]),
        ({"email": "ada"}, ["email"]),
        ({"email": "ada@example.org, mia@example.org"}, ["email"]),
        ({"password": ""}, ["password"]),
        ({"password": "fourteen chars"}, ["password"]),
        ({"password": "Harbour Works 2027"}, ["password"]),
        ({"password": "Ada Example Ada Example"}, ["password"]),
        ({"name": "", "email": "", "password": "", "organization_name": ""}, list(FORM)),
        ({"name": "", "password": "fourteen chars"}, ["name", "password"]),
        ({"email": "ada", "password": "Harbour Works 2027"}, ["email", "password"]),
        ({"organization_name": "", "email": "ada", "password": "ü" * 600}, ["organization_name", "email", "password"]),
    ],
)
def test_invalid_form_stores_nothing_and_keeps_what_was_typed(
    client: FlaskClient, world: World, changes: dict[str, str], invalid: list[str]
) -> None:
    before = world.dump()
    answer = set_up(client, **changes)
    assert answer.status_code == 422
    fields = {e.attributes["name"]: e.attributes for e in Page(answer).elements if e.attributes.get("name") in FORM}
    assert [name for name, attributes in fields.items() if attributes.get("aria-invalid") == "true"] == invalid
    typed = {**FORM, **changes}
    kept = {name: attributes.get("value", "") for name, attributes in fields.items() if name not in invalid}
    assert kept == {name: typed[name] for name in kept if name != "password"} | dict.fromkeys(
        {"password"} & set(kept), ""
    )
    assert world.dump() == before
    assert set_up(client).status_code == 303


def test_C14_names_are_kept_on_one_line(client: FlaskClient, world: World) -> None:
    set_up(client, name="  Ada\r\nExample\x1b[31m \u202e", organization_name="Harbour\tWorks")
    assert world.roles("harbour-works") == {"Ada Example [31m": "owner"}


@pytest.mark.parametrize("extra", [{"is_instance_administrator": ""}, {"slug": "x"}, {"role": "member"}, {"id": 7}])
def test_D07_other_fields_change_nothing(client: FlaskClient, world: World, extra: dict[str, Any]) -> None:
    assert set_up(client, **extra).headers["Location"] == "/orgs/harbour-works/members"
    assert world.roles("harbour-works") == {"Ada Example": "owner"}


def test_C11_opening_the_link_changes_nothing(client: FlaskClient, world: World) -> None:
    before = world.dump()
    for method in ("GET", "HEAD", "OPTIONS"):
        assert client.open(LINK, method=method).status_code == 200
    assert world.dump() == before


def test_link_is_printed_until_somebody_has_an_account(
    app: Flask, client: FlaskClient, settings: Settings, world: World
) -> None:
    assert link_if_possible(app, settings) == f"{settings.base_url}{LINK}"
    set_up(client)
    assert link_if_possible(app, settings) is None


def test_token_is_stored_nowhere(client: FlaskClient, world: World) -> None:
    set_up(client)
    assert LINK[7:] not in str(world.dump())
    assert world.read(lambda: db.session.scalars(select(Instance.set_up_at)).one())


def test_sign_in_page_says_where_the_link_is_until_it_was_used(client: FlaskClient) -> None:
    client.application.extensions.pop("vestibule.set_up", None)  # other tests share the application, which remembers
    assert "vestibule setup-link" in client.get("/login").text
    assert "No account yet?" not in client.get("/login").text
    set_up(client)
    shown = client.application.test_client().get("/login").text
    assert "setup-link" not in shown
    assert "No account yet?" in shown


def test_wrong_link_does_not_tell_whether_the_instance_is_set_up(client: FlaskClient) -> None:
    before = client.get("/setup/wrong")
    set_up(client)
    after = client.application.test_client().get("/setup/wrong")
    texts = {answer.text.replace(answer.headers["X-Request-Id"], "") for answer in (before, after)}
    assert len(texts) == 1
