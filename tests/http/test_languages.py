"""The language of a page: the account's, else the browser's, else English."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from sqlalchemy import update

from tests.support.acme import Acme
from tests.support.pages import PANEL
from tests.support.worlds import Person, World, post
from webapp.db import db
from webapp.http.languages import LANGUAGES, current_language
from webapp.models import User


@pytest.fixture
def ada(world: World) -> Person:
    """Somebody with an account."""
    return world.person("Ada Example", "ada@example.org")


def speak(world: World, language: str | None) -> None:
    world.write(lambda: db.session.execute(update(User).values(language=language)))


def language_of(client: FlaskClient, asked_for: str | None = None, page: str = "/forgot-password") -> str:
    headers = {"Accept-Language": asked_for} if asked_for is not None else {}
    found = re.search('<html lang="([^"]*)"', client.get(page, headers=headers).text)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("asked_for", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("de-AT", "de"),
        ("de-CH,de;q=0.9,en;q=0.8", "de"),
        ("fr,de;q=0.5,en;q=0.4", "de"),
        ("en-GB,de;q=0.9", "en"),
        ("fr", "en"),
        ("*", "en"),
        ("de;q=0, en", "en"),
        ("../../de", "en"),
        ("d" * 5000, "en"),
        ("\x7f;q=\u00e4", "en"),
    ],
)
def test_browser_decides_for_visitors(client: FlaskClient, asked_for: str | None, language: str) -> None:
    assert language_of(client, asked_for) == language


def test_account_decides_before_the_browser(world: World, ada: Person) -> None:
    browser = world.browser(ada)
    assert language_of(browser, "de", "/account/") == "de"
    speak(world, "en")
    assert language_of(browser, "de", "/account/") == "en"
    speak(world, "de")
    assert language_of(browser, "en", "/account/") == "de"
    assert language_of(browser, "en", "/orgs/nowhere/members") == "de"


def test_language_of_another_version_is_that_of_the_browser(world: World, ada: Person) -> None:
    speak(world, "tlh")
    assert language_of(world.browser(ada), "de", "/account/") == "de"


def test_page_after_the_choice_speaks_it(world: World, ada: Person) -> None:
    browser = world.browser(ada)
    assert post(browser, "/account/", name=ada.name, language="de").status_code == 303
    assert language_of(browser, "en", "/account/") == "de"
    assert post(browser, "/account/", name=ada.name, language="").status_code == 303
    assert language_of(browser, "en", "/account/") == "en"


def test_fragments_speak_it_too(world: World, ada: Person) -> None:
    speak(world, "de")
    with time_machine.travel(datetime(2027, 10, 8, 14, 3, tzinfo=UTC), tick=False):
        world.organization("Acme", ada)
        shown = world.browser(ada).get("/orgs/acme/members", headers=PANEL).text
    assert "8. Okt. 2027, 14:03 UTC" in shown


def test_E09_pages_that_differ_by_language_are_kept_by_no_cache(client: FlaskClient) -> None:
    for page in ("/login", "/forgot-password", "/nowhere"):
        assert client.get(page).headers["Cache-Control"] == "no-store"


def test_every_language_names_itself(client: FlaskClient, world: World, ada: Person) -> None:
    shown = world.browser(ada).get("/account/").text
    assert all(name in shown for name in LANGUAGES.values())


def test_outside_of_requests_it_is_english(app: Flask) -> None:
    with app.app_context():
        assert current_language() == "en"
        assert render_template_string("{{ language() }}") == "en"


def test_invitation_is_written_in_the_language_of_whoever_invites(world: World, ada: Person) -> None:
    slug, browser = world.organization("Acme", ada), world.browser(ada)
    form: dict[str, Any] = {"role": "member", "lifetime_days": "7", "headers": {"Accept-Language": "de-AT"}}
    post(browser, f"/orgs/{slug}/members/new", emails="mia@example.org", **form)
    speak(world, "en")
    post(browser, f"/orgs/{slug}/members/new", emails="noa@example.org", **form)
    assert [letter.language for letter in world.letters("invitation")] == ["de", "en"]


def test_reset_letter_speaks_the_language_of_the_account_or_of_the_browser(world: World, ada: Person) -> None:
    for language in (None, "en"):
        speak(world, language)
        post(world.browser(), "/forgot-password", email=ada.email, headers={"Accept-Language": "de"})
    assert [letter.language for letter in world.letters("password_reset")] == ["de", "en"]


def test_whoever_has_chosen_none_reads_letters_in_the_language_of_whoever_acts(acme: Acme) -> None:
    german: dict[str, Any] = {"headers": {"Accept-Language": "de"}}
    post(acme.browser(acme.member), acme.address("members/requests/new"), email="mia@example.org", **german)
    suspend = acme.address(f"members/{acme.member_id(acme.member)}/suspend")
    post(acme.browser(acme.owner), suspend, confirm="1", **german)
    letters = {(letter.kind, letter.language) for letter in acme.world.letters()}
    assert letters == {("request_received", "de"), ("suspended", "de")}
