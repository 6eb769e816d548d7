"""E15: links and redirects come from the settings, whatever a request says of its host."""

from collections.abc import Iterator
from itertools import cycle

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.acme import Acme
from tests.support.routes import Routes
from tests.support.smtp import SmtpSink
from tests.support.tabs import ENDING, Tab
from tests.support.worlds import csrf_token
from webapp.config import Settings
from webapp.http.settings import settings as settings_at_hand
from webapp.mail.deliver import Worker
from webapp.mail.transport import transport_for
from webapp.models import LetterState

BASE_URL = "https://vestibule.example.org"
PASSED_ON = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Server": "evil.example",
    "X-Host": "evil.example",
    "X-Original-Host": "evil.example",
    "Forwarded": "for=192.0.2.1;host=evil.example;proto=http",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Port": "evil.example",
    "X-Forwarded-Prefix": "//evil.example",
    "X-Forwarded-For": "192.0.2.1, evil.example",
    "Referer": "https://evil.example/",
    "Origin": "https://evil.example",
}
# Every page is asked for with each: a header that has no say alone has none among others.
INVENTED: dict[str, dict[str, str]] = {
    "host": {"Host": "evil.example", **PASSED_ON},
    "host with a port": {"Host": "vestibule.example.org:evil.example", **PASSED_ON},
    "host with a name before it": {"Host": "vestibule.example.org@evil.example"},
    "passed on": PASSED_ON,
    "htmx": {"HX-Request": "true", "HX-Current-URL": "https://evil.example/", "HX-Prompt": "evil.example"},
}


@pytest.fixture(params=[0, 1], ids=["no proxy", "one proxy"])
def settings(request: pytest.FixtureRequest, environment: dict[str, str], smtp_sink: SmtpSink) -> Settings:
    """Settings of a public server that sends its letters to the sink, with and without a trusted proxy."""
    more = {"VESTIBULE_BASE_URL": BASE_URL, "VESTIBULE_TRUSTED_PROXIES": str(request.param)}
    mail = {"VESTIBULE_MAIL_SERVER": smtp_sink.host, "VESTIBULE_MAIL_PORT": str(smtp_sink.port)}
    return Settings.from_environment({**environment, **more, **mail, "VESTIBULE_MAIL_SECURITY": "none"})


def carry_cookie(browser: FlaskClient) -> None:
    """Let a browser send its cookie to the invented host too, as a proxy that passes any host on would."""
    if cookie := browser.get_cookie("__Host-vestibule"):
        browser.set_cookie("__Host-vestibule", cookie.value, domain="evil.example")


def assert_not_led_astray(browser: FlaskClient, method: str, path: str, form: dict[str, str], invented: str) -> str:
    """Look at an answer; return where it leads, which is nowhere but for a redirect."""
    carry_cookie(browser)
    answer = browser.open(path, method=method, data=form, headers=INVENTED[invented], buffered=True)
    assert "evil" not in answer.get_data(as_text=True), (path, invented)
    assert "evil" not in str(answer.headers), (path, invented)
    location = answer.headers.get("Location", "/")
    assert location.startswith("/"), (path, invented)
    assert not location.startswith("//"), (path, invented)
    return location


@pytest.fixture
def invented(settings: Settings, database_url: str) -> Iterator[str]:
    """All of them in turn, beginning elsewhere in each way to run: together they ask each address with most of them."""
    kinds, place = list(INVENTED), 2 * settings.trusted_proxies + database_url.startswith("sqlite")
    return cycle(kinds[place:] + kinds[:place])


def test_E15_invented_host_is_in_no_page(acme: Acme, routes: Routes, invented: Iterator[str]) -> None:
    """Each page is asked for with two of them by its owner and with one by a visitor, all in turn."""
    pages = [routes.request(route).path for route in routes if route.method == "GET"]
    owner, visitor = acme.browser(acme.owner), acme.browser()
    for path in [*pages, "/orgs", "/orgs//", f"/orgs/{acme.slug}/members/", "/nowhere"]:
        for browser in (owner, owner, visitor):
            assert_not_led_astray(browser, "GET", path, {}, next(invented))


def test_E15_invented_host_is_in_no_redirect(acme: Acme, routes: Routes, invented: Iterator[str]) -> None:
    """Each form is sent with one of them by its owner and with one by a visitor, all in turn."""
    owner, visitor = Tab(acme.world, acme.owner), Tab(acme.world)
    for route in (route for route in routes if route.method == "POST"):
        for tab in (owner, visitor):
            request = routes.request(route)
            location = assert_not_led_astray(tab.browser, "POST", request.path, tab.form(request.form), next(invented))
            assert tab is visitor or route.endpoint in ENDING or "/login" not in location, f"{route}: signed out"
            tab.after(route)


@pytest.mark.parametrize("invented", INVENTED.values(), ids=INVENTED)
def test_E15_invented_host_is_in_no_letter(
    app: Flask, client: FlaskClient, acme: Acme, smtp_sink: SmtpSink, invented: dict[str, str]
) -> None:
    data = {"email": acme.member.email, "csrf_token": csrf_token(client)}
    carry_cookie(client)
    assert client.post("/forgot-password", data=data, headers=invented).status_code == 303
    owner = acme.browser(acme.owner)
    form = {"emails": "mia@example.org", "role": "member", "lifetime_days": "7", "csrf_token": csrf_token(owner)}
    carry_cookie(owner)
    assert owner.post(acme.address("members/new"), data=form, headers=invented).status_code == 303
    with app.app_context():
        transport = transport_for(settings_at_hand())
    Worker(app, transport).run_once()
    letters = smtp_sink.wait_for(2)
    for letter in letters:
        assert b"evil" not in letter.raw
        assert letter.links
        assert all(link.startswith(f"{BASE_URL}/") for link in letter.links)


EVERYWHERE = {name: value for headers in INVENTED.values() for name, value in headers.items()}


@pytest.mark.parametrize(
    "settings",
    [pytest.param(0, marks=pytest.mark.soak, id="no proxy"), pytest.param(1, id="one proxy")],
    indirect=True,
)
def test_E15_letters_of_all_forms_lead_here(app: Flask, acme: Acme, routes: Routes, smtp_sink: SmtpSink) -> None:
    owner = Tab(acme.world, acme.owner)
    for route in (route for route in routes if route.method == "POST"):
        request = routes.request(route)
        carry_cookie(owner.browser)
        headers = EVERYWHERE | {"Host": "evil.example"}
        owner.browser.post(request.path, data=owner.form(request.form), headers=headers)
        owner.after(route)
    with app.app_context():
        transport = transport_for(settings_at_hand())
    Worker(app, transport).run_once()
    sent = {letter.message_id: letter.kind for letter in acme.world.letters() if letter.state is LetterState.SENT}
    assert len(set(sent.values())) > 8
    letters = smtp_sink.wait_for(len(sent))
    for letter in letters:
        assert b"evil" not in letter.raw
        assert all(link.startswith(f"{BASE_URL}/") for link in letter.links), letter.message["Subject"]
