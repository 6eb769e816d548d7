"""The one cookie: its flags, and that nothing but our own signature is believed."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from tests.support.acme import Acme
from tests.support.applications import close
from tests.support.settings import SECRET_KEY
from tests.support.worlds import PASSWORD, csrf_token
from webapp import create_app
from webapp.config import Settings

NEW_KEY = "k3J9dLw0qPz8mX5vT2bN7rC4yH6sG1fA"


@pytest.fixture
def owner(acme: Acme) -> FlaskClient:
    """The browser of Acme's owner."""
    return acme.browser(acme.owner)


def flags_of(client: FlaskClient, base_url: str) -> tuple[str, set[str]]:
    """Return the name of the only cookie a form sets, and its flags."""
    [line] = client.get("/login", base_url=base_url).headers.getlist("Set-Cookie")
    pair, *flags = line.split("; ")
    return pair.partition("=")[0], set(flags)


def value_of(client: FlaskClient) -> str:
    cookie = client.get_cookie("vestibule")
    assert cookie
    return cookie.value


def is_believed(app: Flask, value: str) -> bool:
    browser = app.test_client()
    browser.set_cookie("vestibule", value)
    answer = browser.get("/orgs/")
    assert answer.status_code in (200, 303)
    return answer.status_code == 200


def test_E13_flags_without_https(client: FlaskClient) -> None:
    assert flags_of(client, "http://localhost") == ("vestibule", {"HttpOnly", "Path=/", "SameSite=Lax"})


def test_E13_flags_with_https(settings: Settings, app: Flask) -> None:
    secure = create_app(replace(settings, base_url="https://vestibule.example.org"))
    for seen_by_server in ("http://localhost", "https://vestibule.example.org"):
        name, flags = flags_of(secure.test_client(), seen_by_server)
        assert (name, flags) == ("__Host-vestibule", {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"})
    close(secure)


def test_cookie_stays_small_and_holds_no_names(owner: FlaskClient, acme: Acme) -> None:
    owner.get(acme.address("members"))
    with owner.session_transaction() as cookie:
        assert set(cookie) <= {"token", "csrf_token", "_flashes"}
    assert len(value_of(owner)) < 1024


def test_nobody_gets_a_cookie_without_a_form(client: FlaskClient) -> None:
    for path in ("/", "/orgs/", "/nowhere", "/healthz", "/readyz"):
        assert "Set-Cookie" not in client.get(path).headers


def test_E04_every_flipped_character_signs_out(app: Flask, owner: FlaskClient) -> None:
    value = value_of(owner)
    assert is_believed(app, value)
    for place, character in enumerate(value[:-1]):  # the last one of a signature holds bits that mean nothing
        flipped = value[:place] + ("A" if character != "A" else "B") + value[place + 1 :]
        assert not is_believed(app, flipped), place


@how(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=';,"\\'), max_size=99))
def test_E04_invented_cookie_is_nobody(app: Flask, value: str) -> None:
    assert not is_believed(app, value)


@pytest.mark.parametrize("token", ["", "x", "\x00", "ä", "x" * 3000])
def test_E04_strange_token_is_nobody(client: FlaskClient, token: str) -> None:
    with client.session_transaction() as cookie:
        cookie["token"] = token
    assert client.get("/orgs/").status_code == 303


def test_E04_cookie_signed_with_another_key_is_nobody(app: Flask, settings: Settings, owner: FlaskClient) -> None:
    stranger = create_app(replace(settings, secret_key=NEW_KEY))
    assert not is_believed(stranger, value_of(owner))
    close(stranger)


@pytest.fixture
def rotated(settings: Settings, app: Flask) -> Iterator[Flask]:
    """The application once it has a new key, and the old one to fall back on."""
    application = create_app(replace(settings, secret_key=NEW_KEY, secret_key_fallbacks=(SECRET_KEY,)))
    yield application
    close(application)


def test_K02_cookie_signed_with_an_earlier_key_is_believed(rotated: Flask, owner: FlaskClient) -> None:
    assert is_believed(rotated, value_of(owner))


def test_K02_new_key_signs_from_now_on(app: Flask, settings: Settings, rotated: Flask, owner: FlaskClient) -> None:
    browser = rotated.test_client()
    browser.set_cookie("vestibule", value_of(owner))
    browser.get("/forgot-password")
    assert value_of(browser) != value_of(owner)
    assert not is_believed(app, value_of(browser))
    alone = create_app(replace(settings, secret_key=NEW_KEY))
    assert is_believed(alone, value_of(browser))
    close(alone)


def test_K02_form_opened_before_the_new_key_is_taken_after_it(rotated: Flask, owner: FlaskClient) -> None:
    page = owner.get("/forgot-password").text
    token = page.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]
    browser = rotated.test_client()
    browser.set_cookie("vestibule", value_of(owner))
    answer = browser.post("/forgot-password", data={"email": "mia@example.org", "csrf_token": token})
    assert answer.status_code == 303


def test_E13_flags_once_signed_in(client: FlaskClient, acme: Acme) -> None:
    data = {"email": acme.owner.email, "password": PASSWORD, "csrf_token": csrf_token(client)}
    [line] = client.post("/login", data=data).headers.getlist("Set-Cookie")
    flags = {flag.partition("=")[0] if flag.startswith("Expires") else flag for flag in line.split("; ")[1:]}
    assert flags - {"Expires"} == {"HttpOnly", "Path=/", "SameSite=Lax"}


def test_E09_what_may_be_kept_sets_no_cookie(client: FlaskClient, acme: Acme) -> None:
    data = {"email": acme.owner.email, "password": PASSWORD, "csrf_token": csrf_token(client)}
    client.post("/login", data=data)
    assert "Set-Cookie" not in client.get("/static/css/theme.css", buffered=True).headers
