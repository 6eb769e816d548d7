"""Headers that every answer carries, whatever became of the request."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.acme import Acme
from tests.support.applications import Applications, close
from tests.support.pages import PANEL
from tests.support.routes import Routes
from tests.support.worlds import World, post
from webapp import create_app
from webapp.config import Settings
from webapp.http.rules import PUBLIC, access

ALWAYS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

Ask = Callable[[FlaskClient, Acme], TestResponse]
ANSWERS: dict[str, tuple[int, Ask]] = {
    "page": (200, lambda c, a: c.get(a.address("members"))),
    "fragment": (200, lambda c, a: c.get(a.address("members"), headers=PANEL)),
    "redirect": (303, lambda c, a: c.get("/")),
    "spelling": (308, lambda c, a: c.get("/orgs")),
    "unauthorized": (303, lambda c, a: a.world.browser().get("/orgs/")),
    "unauthorized fragment": (401, lambda c, a: a.world.browser().get("/orgs/", headers=PANEL)),
    "invalid": (422, lambda c, a: post(c, "/login")),
    "malformed link": (404, lambda c, a: c.get("/setup/x")),
    "forged": (403, lambda c, a: c.post("/logout")),
    "forbidden": (403, lambda c, a: a.browser(a.member).get(a.address("audit"))),
    "not found": (404, lambda c, a: c.get("/nowhere")),
    "method": (405, lambda c, a: c.get("/logout")),
    "too large": (413, lambda c, a: c.post("/login", data={"email": "x" * 2_000_000})),
    "options": (200, lambda c, a: c.options("/login")),
    "health": (200, lambda c, a: c.get("/readyz")),
    "failure": (500, lambda c, a: c.get("/fails")),
}


def add_failing_page(app: Flask) -> None:
    @access(PUBLIC)
    def fails() -> str:
        raise RuntimeError("a secret of the inside")

    app.add_url_rule("/fails", "fails", fails)


@pytest.fixture
def app(applications: Applications, settings: Settings) -> Iterator[Flask]:
    """An application one page of which fails."""
    with applications.on(settings, add_failing_page) as application:
        yield application


@pytest.fixture
def owner(acme: Acme) -> FlaskClient:
    """A browser of Acme's owner."""
    return acme.browser(acme.owner)


@pytest.mark.parametrize("kind", list(ANSWERS))
def test_every_answer_is_guarded_and_kept_by_nobody(owner: FlaskClient, acme: Acme, kind: str) -> None:
    status, ask = ANSWERS[kind]
    answer = ask(owner, acme)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Request-Id"]
    assert "Strict-Transport-Security" not in answer.headers
    assert all(len(answer.headers.getlist(name)) == 1 for name in ALWAYS)


def test_E09_no_answer_at_any_address_may_be_kept(world: World, acme: Acme, routes: Routes) -> None:
    browsers = world.browser(), world.browser(acme.owner)
    for route in routes:
        if route.endpoint != "static":
            path = routes.request(route).path
            for browser in browsers:
                answer = browser.open(path, method=route.method, buffered=True)
                assert answer.headers["Cache-Control"] == "no-store", route
                assert "ETag" not in answer.headers, route


@pytest.mark.parametrize("kind", ["page", "fragment", "not found", "forbidden"])
def test_E09_answers_that_depend_on_htmx_say_so(owner: FlaskClient, acme: Acme, kind: str) -> None:
    vary = ANSWERS[kind][1](owner, acme).vary
    assert {"hx-request", "hx-target"} <= {name.lower() for name in vary}


def test_files_of_the_design_are_guarded_and_may_be_kept(client: FlaskClient) -> None:
    answer = client.get("/static/css/theme.css", buffered=True)
    assert answer.status_code == 200
    assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS
    assert "no-store" not in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers


@pytest.fixture
def secure(settings: Settings, app: Flask) -> Iterator[FlaskClient]:
    """A browser of an application with an https address."""
    application = create_app(replace(settings, base_url="https://vestibule.example.org"))
    add_failing_page(application)
    yield application.test_client()
    close(application)


@pytest.mark.parametrize("path", ["/login", "/nowhere", "/healthz", "/static/css/theme.css", "/fails"])
def test_https_is_for_good(secure: FlaskClient, path: str) -> None:
    answer = secure.get(path, buffered=True)
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


ORIGINS = [
    "https://evil.example",
    "null",
    "http://127.0.0.1:8000.evil.example",
    "http://evil.127.0.0.1:8000",
    "http://127.0.0.1:8001",
    "http://127.0.0.1:8000",
    "https://127.0.0.1:8000",
    "",
]


def test_E12_no_other_origin_may_read_anything(world: World, acme: Acme, routes: Routes) -> None:
    """Browsers ask with OPTIONS first; each address is asked that by all origins, and read by one of them in turn."""
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "HX-Request"}
    browser, readers = world.browser(acme.owner), cycle(ORIGINS)
    addresses = {route.rule.rule: route for route in routes}
    for path in (routes.request(route).path for route in addresses.values()):
        asked = [("GET", next(readers)), *(("OPTIONS", origin) for origin in ORIGINS)]
        for method, origin in asked:
            answer = browser.open(path, method=method, headers={**asking, "Origin": origin}, buffered=True)
            allowed = [name for name in dict(answer.headers) if name.lower().startswith("access-control-")]
            assert allowed == [], f"{method} {path} from {origin}"
