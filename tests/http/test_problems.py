"""Every error is a page like all others, or the fragment HTMX asked for, and shows nothing of the inside."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from tests.support.acme import Acme
from tests.support.applications import Applications
from tests.support.pages import PANEL, Page
from tests.support.routes import Routes
from tests.support.worlds import World, csrf_token, post
from webapp.access.actor import Actor
from webapp.config import Settings
from webapp.db import db
from webapp.http.rules import PUBLIC, access
from webapp.services import audit
from webapp.services.audit import Event, Target

INSIDE = re.compile(r"Traceback|File \"|[Ss]qlalchemy|psycopg|sqlite3|Error\b|SELECT|no such|canary|/webapp/")
REFERENCE = re.compile(r"[0-9a-f]{12}")

Ask = Callable[[FlaskClient, Acme, dict[str, str]], TestResponse]


def add_failing_pages(app: Flask) -> None:
    """Let one page fail with a secret in its error, and one after it has stored something."""

    @access(PUBLIC)
    def fails() -> str:
        raise RuntimeError("canary-1234")

    @access(PUBLIC)
    def stores_and_fails() -> str:
        db.session.execute(text("update organization set name = 'canary'"))
        audit.record(Actor.system(), Event.SIGNED_OUT, Target("user", None, "canary"))
        raise RuntimeError

    app.add_url_rule("/fails", "fails", fails)
    app.add_url_rule("/stores-and-fails", "stores_and_fails", stores_and_fails, methods=["POST"])


@pytest.fixture
def app(applications: Applications, settings: Settings) -> Iterator[Flask]:
    """An application some pages of which fail."""
    with applications.on(settings, add_failing_pages) as application:
        yield application


def revoke_twice(client: FlaskClient, acme: Acme, headers: dict[str, str]) -> TestResponse:
    invited = acme.world.invite(acme.slug, acme.owner, "mia@example.org")
    address = acme.address(f"invitations/{invited.id}/revoke")
    post(client, address)
    return post(client, address, headers=headers)


PROBLEMS: dict[int, Ask] = {
    403: lambda c, a, h: a.browser(a.member).get(a.address("audit"), headers=h),
    404: lambda c, a, h: c.get("/orgs/nowhere/members", headers=h),
    405: lambda c, a, h: c.get("/logout", headers=h),
    409: revoke_twice,
    413: lambda c, a, h: c.post("/login", data={"email": "x" * 2_000_000}, headers=h),
    500: lambda c, a, h: c.get("/fails", headers=h),
}


@pytest.fixture
def owner(acme: Acme) -> FlaskClient:
    """A browser of Acme's owner."""
    return acme.browser(acme.owner)


@pytest.mark.parametrize("status", list(PROBLEMS))
def test_problem_is_a_whole_page_with_a_reference(owner: FlaskClient, acme: Acme, status: int) -> None:
    answer = PROBLEMS[status](owner, acme, {})
    assert answer.status_code == status
    page = Page(answer)
    assert [e.tag for e in page.roots] == ["html"]
    assert str(status) in page.text
    assert (answer.headers["X-Request-Id"] in page.text) == (status != 404), "a dead link is nothing to report"
    assert REFERENCE.fullmatch(answer.headers["X-Request-Id"])
    assert not INSIDE.search(answer.text)


@pytest.mark.parametrize("status", list(PROBLEMS))
def test_htmx_gets_the_same_problem_as_a_fragment(owner: FlaskClient, acme: Acme, status: int) -> None:
    answer = PROBLEMS[status](owner, acme, PANEL)
    assert answer.status_code == status
    [root] = Page(answer).roots
    assert root.tag == "div"
    assert (answer.headers["X-Request-Id"] in root.text) == (status != 404)
    assert not INSIDE.search(answer.text)


def test_reference_is_another_one_each_time(client: FlaskClient) -> None:
    references = {client.get("/nowhere").headers["X-Request-Id"] for _ in range(3)}
    assert len(references) == 3


def test_U03_reference_cannot_be_chosen(client: FlaskClient) -> None:
    assert client.get("/nowhere", headers={"X-Request-Id": "chosen"}).headers["X-Request-Id"] != "chosen"


def test_K05_failure_is_logged_once_under_the_reference(
    owner: FlaskClient, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    reference = owner.get("/fails").headers["X-Request-Id"]
    [failure] = [line for line in lines() if line["levelname"] == "ERROR"]
    assert failure["request_id"] == reference
    assert "canary-1234" in failure["exc_info"]


TABLES = ["session", "member", "organization", "email_address"]


@pytest.mark.parametrize("table", TABLES)
def test_K05_no_page_shows_why_it_fails(world: World, acme: Acme, routes: Routes, table: str) -> None:
    """Takes a table away, so that almost every page fails somewhere inside: as a page, or in turn as a fragment."""
    browser = acme.browser(acme.owner)
    token = csrf_token(browser)
    requests = [(route, routes.request(route)) for route in routes]
    world.write(lambda: db.session.execute(text(f'alter table "{table}" rename to canary')))
    failed = 0
    for number, (route, request) in enumerate(requests, TABLES.index(table)):
        data, headers = {**request.form, "csrf_token": token}, PANEL if number % 2 else {}
        answer = browser.open(request.path, method=route.method, data=data, headers=headers, buffered=True)
        shown = answer.get_data(as_text=True)
        assert not INSIDE.search(shown), route
        if answer.status_code >= 500:
            failed += 1
            assert answer.headers["X-Request-Id"] in shown, route
            assert answer.headers["Content-Security-Policy"], route
    assert failed > 5


def test_K05_failure_leaves_nothing_behind(world: World, acme: Acme) -> None:
    before = world.dump(), len(acme.events())
    assert post(acme.browser(acme.owner), "/stores-and-fails").status_code == 500
    assert (world.dump(), len(acme.events())) == before


def test_host_that_a_demo_does_not_have_is_told_so_before_any_other_was_asked_for(
    applications: Applications, settings: Settings
) -> None:
    with applications.fresh(replace(settings, demo=True)) as demo:
        for headers in ({}, PANEL):
            answer = demo.test_client().get("/login", headers={"Host": "evil.example", **headers})
            assert (answer.status_code, answer.mimetype) == (400, "text/plain")
            assert "evil" not in answer.text
