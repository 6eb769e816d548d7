"""Signing out ends the session on the server."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from tests.support.worlds import Person, World, post
from webapp.db import db
from webapp.models import User
from webapp.services import sessions


@pytest.fixture
def browser(world: World, ada: Person) -> FlaskClient:
    """Ada's browser."""
    return world.browser(ada)


def copy_of(browser: FlaskClient) -> FlaskClient:
    """Return another browser with the same cookie."""
    thief = browser.application.test_client()
    cookie = browser.get_cookie("vestibule")
    assert cookie
    thief.set_cookie("vestibule", cookie.value)
    assert is_signed_in(thief)
    return thief


def is_signed_in(browser: FlaskClient) -> bool:
    return browser.get("/orgs/").status_code == 200


def test_E02_copied_cookie_is_dead_after_signing_out(browser: FlaskClient, events: Callable[[], list[str]]) -> None:
    thief = copy_of(browser)
    answer = post(browser, "/logout")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert not is_signed_in(thief)
    assert not is_signed_in(browser)
    assert events() == ["account.signed_out"]


def test_other_browsers_stay_signed_in(world: World, ada: Person, browser: FlaskClient) -> None:
    other = world.browser(ada)
    post(browser, "/logout")
    assert is_signed_in(other)


def test_E02_copied_cookie_is_dead_once_the_account_is_inactive(world: World, browser: FlaskClient) -> None:
    thief = copy_of(browser)
    world.write(lambda: db.session.execute(update(User).values(is_active=False)))
    assert not is_signed_in(thief)


def test_E02_copied_cookie_is_dead_once_all_sessions_end(world: World, ada: Person, browser: FlaskClient) -> None:
    thief = copy_of(browser)
    world.write(sessions.end_all_of, ada.user_id)
    assert not is_signed_in(thief)
    assert not is_signed_in(browser)


def test_signing_out_twice_says_the_same_and_notes_nothing(
    world: World, browser: FlaskClient, events: Callable[[], list[str]]
) -> None:
    post(browser, "/logout")
    before = world.dump()
    assert post(browser, "/logout").headers["Location"] == "/login"
    assert world.dump() == before
    assert events() == ["account.signed_out"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_C11_only_a_form_signs_out(world: World, browser: FlaskClient, method: str) -> None:
    before = world.dump()
    browser.open("/logout", method=method)
    assert world.dump() == before
    assert is_signed_in(browser)
