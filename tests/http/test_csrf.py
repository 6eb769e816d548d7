"""E06: every form must come from a page of ours, opened in the same browser."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.acme import Acme
from tests.support.applications import close
from tests.support.dumps import Dump
from tests.support.pages import PANEL
from tests.support.routes import Request, Routes
from tests.support.tabs import Tab
from tests.support.worlds import PASSWORD, World, csrf_token
from webapp import create_app
from webapp.config import Settings

Forge = Callable[[Request, str], dict[str, Any]]
"""Makes the arguments of a forged POST from a request and from the CSRF token of another browser."""


def without_token(request: Request, _other: str) -> dict[str, Any]:
    return {"data": request.form}


def with_empty_token(request: Request, _other: str) -> dict[str, Any]:
    return {"data": {**request.form, "csrf_token": ""}}


def with_token_of_another_browser(request: Request, other: str) -> dict[str, Any]:
    return {"data": {**request.form, "csrf_token": other}}


def with_invented_token(request: Request, other: str) -> dict[str, Any]:
    return {"data": {**request.form, "csrf_token": f"{other[:-4]}AAAA"}}


def with_token_in_the_address(request: Request, other: str) -> dict[str, Any]:
    return {"data": request.form, "query_string": {"csrf_token": other}}


def as_plain_text(request: Request, other: str) -> dict[str, Any]:
    fields = {**request.form, "csrf_token": other}
    return {"data": "\r\n".join(f"{name}={value}" for name, value in fields.items()), "content_type": "text/plain"}


def as_json_in_plain_text(request: Request, other: str) -> dict[str, Any]:
    return {"data": json.dumps({**request.form, "csrf_token": other}), "content_type": "text/plain"}


def only_as_htmx(request: Request, _other: str) -> dict[str, Any]:
    return {"data": request.form, "headers": PANEL}


def from_another_origin(request: Request, _other: str) -> dict[str, Any]:
    return {"data": request.form, "headers": {"Origin": "null", "Sec-Fetch-Site": "cross-site"}}


FORGED: list[Forge] = [
    without_token,
    with_empty_token,
    with_token_of_another_browser,
    with_invented_token,
    with_token_in_the_address,
    as_plain_text,
    as_json_in_plain_text,
    only_as_htmx,
    from_another_origin,
]


def test_E06_forged_form_is_refused_at_every_address(
    world: World, acme: Acme, routes: Routes, dump: Callable[[], Dump]
) -> None:
    victim, other = world.browser(acme.owner), csrf_token(world.browser(acme.member))
    csrf_token(victim)
    for route in routes:
        if route.method == "POST":
            request = routes.request(route)
            before = dump()
            for forge in FORGED:
                answer = victim.post(request.path, **forge(request, other))
                assert answer.status_code == 403, (route, forge)
                assert "nothing was stored" in answer.text, (route, forge)
            assert dump() == before, route


def test_same_forms_with_the_token_of_the_browser_are_taken(world: World, acme: Acme, routes: Routes) -> None:
    victim = Tab(world, acme.owner)
    for route in routes:
        if route.method == "POST":
            request = routes.request(route)
            answer = victim.browser.post(request.path, data=victim.form(request.form))
            assert "The form could not be checked" not in answer.text, route
            victim.after(route)


def test_token_travels_in_a_header_too(world: World, acme: Acme) -> None:
    browser = world.browser(acme.owner)
    assert browser.post("/logout", headers={"X-CSRFToken": csrf_token(browser)}).status_code == 303


def test_every_form_of_a_page_carries_the_token(world: World, acme: Acme, routes: Routes) -> None:
    browser = world.browser(acme.owner)
    for route in routes:
        if route.method == "GET":
            page = browser.get(routes.request(route).path, buffered=True).get_data(as_text=True)
            forms = page.lower().split("<form")[1:]
            for form in forms:
                is_post = 'method="post"' in form.partition(">")[0]
                assert ('name="csrf_token"' in form.partition("</form>")[0]) == is_post, route


@pytest.fixture
def secure_client(settings: Settings, app: Flask) -> Iterator[FlaskClient]:
    """A browser that reaches the application by https, through a proxy."""
    application = create_app(replace(settings, base_url="https://vestibule.example.org"))
    yield application.test_client()
    close(application)


def test_form_without_referrer_is_taken_over_https(secure_client: FlaskClient, acme: Acme) -> None:
    """Our pages send no referrer, so a server that sees https by its proxy's word must not ask for one."""
    over_tls = {"base_url": "https://vestibule.example.org"}
    page = secure_client.get("/login", **over_tls)
    token = page.text.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]
    data = {"email": acme.owner.email, "password": PASSWORD, "csrf_token": token}
    answer = secure_client.post("/login", data=data, headers={"Origin": "null"}, **over_tls)
    assert answer.status_code == 303
