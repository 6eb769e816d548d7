"""The link that proves an address, after it has expired: the way to a new one for who cannot sign in."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.acme import Acme, build
from tests.support.pages import Page
from tests.support.unproven import unproven
from tests.support.worlds import PASSWORD, Person, World, post
from webapp.db import db
from webapp.errors import WrongCredentials
from webapp.mail import housekeeping
from webapp.models import User

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
WRONG = "wrong horse battery staple"


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as travelled:
        yield travelled


@pytest.fixture
def acme(clock: time_machine.Traveller, world: World) -> Acme:
    return build(world)


@pytest.fixture
def una(clock: time_machine.Traveller, acme: Acme) -> tuple[Person, str]:
    """Somebody whose letter came more than a day ago, and its token."""
    found = unproven(acme.world, "una@example.net")
    clock.shift(timedelta(days=1))
    return found


def follow(browser: FlaskClient, token: str, password: str = PASSWORD) -> TestResponse:
    return post(browser, f"/verify-email/{token}", password=password)


def letters(acme: Acme) -> list[str]:
    return [letter.to_address for letter in acme.world.letters("verify_address")]


def test_page_says_so_and_asks_for_the_password(acme: Acme, una: tuple[Person, str]) -> None:
    with acme.unchanged():
        page = Page(acme.browser().get(f"/verify-email/{una[1]}"))
    assert "This link has expired" in page.text
    assert "una@example.net" in page.text
    assert len(page.named("password")) == 1


def test_password_sends_a_letter_whose_link_opens_the_account(acme: Acme, una: tuple[Person, str]) -> None:
    browser = acme.browser()
    answer = follow(browser, una[1])
    assert (answer.status_code, answer.location) == (303, "/login")
    assert "is on its way to una@example.net" in Page(browser.get("/login")).text
    assert letters(acme) == ["una@example.net"] * 2
    assert post(acme.browser(), "/login", email="una@example.net", password=PASSWORD).status_code == 422
    newest = acme.world.token_of(acme.world.letters("verify_address")[-1])
    assert follow(acme.browser(), newest).status_code == 303
    assert post(acme.browser(), "/login", email="una@example.net", password=PASSWORD).status_code == 303


def test_who_is_signed_in_needs_no_password(acme: Acme, una: tuple[Person, str]) -> None:
    browser = acme.world.browser(una[0])
    assert Page(browser.get(f"/verify-email/{una[1]}")).named("password") == []
    assert post(browser, f"/verify-email/{una[1]}").status_code == 303
    assert len(letters(acme)) == 2


def test_C06_expired_link_proves_nothing(acme: Acme, una: tuple[Person, str]) -> None:
    follow(acme.browser(), una[1])
    post(acme.world.browser(una[0]), f"/verify-email/{una[1]}")
    assert post(acme.browser(), "/login", email="una@example.net", password=PASSWORD).status_code == 422


@pytest.mark.parametrize("password", ["", WRONG])
def test_wrong_password_sends_nothing(acme: Acme, una: tuple[Person, str], password: str) -> None:
    for browser in (acme.browser(), acme.browser(acme.owner)):
        with acme.unchanged():
            assert follow(browser, una[1], password).status_code == 422
    assert len(letters(acme)) == 1


def test_wrong_password_is_the_sentence_of_a_link_that_still_works(acme: Acme, una: tuple[Person, str]) -> None:
    _, fresh = unproven(acme.world, "una.two@example.net")
    for token in (una[1], fresh):
        assert str(WrongCredentials.sentence) in Page(follow(acme.browser(), token, WRONG)).text


def test_passwords_cannot_be_guessed_here(acme: Acme, una: tuple[Person, str]) -> None:
    browser = acme.browser()
    assert [follow(browser, una[1], WRONG).status_code for _ in range(11)] == [422] * 10 + [429]
    with acme.unchanged():
        assert follow(browser, una[1]).status_code == 429


def test_C14_letters_of_a_day_are_limited(acme: Acme, una: tuple[Person, str]) -> None:
    browser = acme.world.browser(una[0])
    assert [post(browser, f"/verify-email/{una[1]}").status_code for _ in range(11)] == [303] * 10 + [429]
    assert len(letters(acme)) == 11


def test_link_of_an_inactive_account_leads_nowhere(acme: Acme, una: tuple[Person, str]) -> None:
    def close() -> None:
        db.session.get_one(User, una[0].user_id).is_active = False

    acme.world.write(close)
    assert acme.browser().get(f"/verify-email/{una[1]}").status_code == 404


def test_link_leads_on_for_as_long_as_its_letter_is_kept(
    acme: Acme, una: tuple[Person, str], clock: time_machine.Traveller
) -> None:
    clock.shift(timedelta(days=80))
    with acme.world.app.app_context():
        housekeeping.clear_all()
    assert follow(acme.browser(), una[1]).status_code == 303
    clock.shift(timedelta(days=20))
    with acme.world.app.app_context():
        housekeeping.clear_all()
    assert acme.browser().get(f"/verify-email/{una[1]}").status_code == 404
