"""A new password for somebody who knows the present one."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from tests.support.pages import Page
from tests.support.worlds import PASSWORD, Person, World, csrf_token, post
from webapp.access.actor import Actor
from webapp.db import db
from webapp.errors import WrongPassword
from webapp.models import AccountToken, EmailAddress, LetterState, User
from webapp.services import accounts, addresses, profile

NEW_PASSWORD = "pale blue lantern orchard"
WRONG = "wrong horse battery staple"


@pytest.fixture
def browser(world: World, ada: Person) -> FlaskClient:
    """Ada's browser."""
    return world.browser(ada)


def change(browser: FlaskClient, present: str = PASSWORD, new: str = NEW_PASSWORD, **fields: Any) -> TestResponse:
    return post(browser, "/account/password", current_password=present, password=new, **fields)


def is_signed_in(browser: FlaskClient) -> bool:
    return browser.get("/orgs/").status_code == 200


def token_of(browser: FlaskClient) -> str:
    with browser.session_transaction() as cookie:
        return str(cookie["token"])


def can_sign_in(world: World, person: Person, password: str) -> bool:
    return post(world.browser(), "/login", email=person.email, password=password).status_code == 303


def copy_of(browser: FlaskClient) -> FlaskClient:
    thief = browser.application.test_client()
    cookie = browser.get_cookie("vestibule")
    assert cookie
    thief.set_cookie("vestibule", cookie.value)
    return thief


def test_new_password_takes_the_place_of_the_old_one(
    world: World, ada: Person, browser: FlaskClient, events: Callable[[], list[str]]
) -> None:
    answer = change(browser)
    assert (answer.status_code, answer.location) == (303, "/account/")
    assert "Your password is changed" in browser.get("/account/").text
    assert can_sign_in(world, ada, NEW_PASSWORD)
    assert not can_sign_in(world, ada, PASSWORD)
    assert events()[0] == "account.password_changed"


def test_letter_tells_of_it(world: World, ada: Person, browser: FlaskClient) -> None:
    world.write(lambda: db.session.execute(update(User).values(language="de")))
    change(browser)
    [letter] = world.letters()
    assert (letter.kind, letter.to_address, letter.language) == ("password_changed", ada.email, "de")
    assert (letter.state, letter.data) == (LetterState.QUEUED, {"name": "Ada Example"})


def test_letter_goes_to_no_address_that_may_be_somebody_elses(world: World, browser: FlaskClient) -> None:
    world.write(lambda: db.session.execute(update(EmailAddress).values(verified_at=None)))
    change(browser)
    assert [letter.state for letter in world.letters()] == [LetterState.DROPPED]


def test_E01_browser_goes_on_with_a_new_session_and_the_old_one_is_dead(browser: FlaskClient) -> None:
    old, thief = token_of(browser), copy_of(browser)
    change(browser)
    assert token_of(browser) != old
    assert is_signed_in(browser)
    assert not is_signed_in(thief)


def test_E02_every_other_browser_is_signed_out(world: World, ada: Person, browser: FlaskClient) -> None:
    mia = world.browser(world.person("Mia Example", "mia@example.org"))
    others = [world.browser(ada), world.browser(ada)]
    change(browser)
    assert [is_signed_in(other) for other in others] == [False, False]
    assert is_signed_in(mia)


def test_new_password_kills_reset_links(world: World, ada: Person, browser: FlaskClient) -> None:
    world.write(accounts.request_reset, Actor.system(), addresses.parse(ada.email))
    change(browser)
    unused = select(AccountToken.id).where(AccountToken.used_at.is_(None))
    assert world.read(lambda: db.session.scalars(unused).all()) == []


@pytest.mark.parametrize("present", [WRONG, "", NEW_PASSWORD, PASSWORD.upper(), f"{PASSWORD} "])
def test_E14_present_password_is_asked_for(world: World, browser: FlaskClient, present: str) -> None:
    before = world.dump()
    answer = change(browser, present)
    assert answer.status_code == 422
    page = Page(answer)
    assert page.named("current_password")[0].attributes["aria-invalid"] == "true"
    assert NEW_PASSWORD not in answer.text
    assert world.dump() == before
    assert is_signed_in(browser)


def test_E14_account_without_a_password_cannot_make_one_up_here(world: World, browser: FlaskClient) -> None:
    world.write(lambda: db.session.execute(update(User).values(password_hash=None)))
    before = world.dump()
    assert change(browser).status_code == 422
    assert world.dump() == before
    page = Page(browser.get("/account/"))
    assert page.named("current_password") == []
    assert "Choose one by email" in page.text


@pytest.mark.parametrize("given", [WRONG, ""], ids=["wrong", "missing"])
def test_F07_present_password_is_guessed_ten_times(world: World, ada: Person, browser: FlaskClient, given: str) -> None:
    """Also where there is none: to estimate how soon the new one is guessed takes a while."""
    csrf = csrf_token(browser)

    def guess(present: str) -> int:
        data = {"current_password": present, "password": NEW_PASSWORD, "csrf_token": csrf}
        return browser.post("/account/password", data=data).status_code

    assert [guess(given) for _ in range(10)] == [422] * 10
    before = world.dump()
    assert guess(PASSWORD) == 429
    assert world.dump() == before


@pytest.mark.parametrize(
    "password", ["", "fourteen chars", "passwordpassword", "Ada Example 2027!", "football football"]
)
def test_F11_refused_password_changes_nothing(world: World, browser: FlaskClient, password: str) -> None:
    before = world.dump()
    answer = change(browser, new=password)
    assert answer.status_code == 422
    assert Page(answer).named("password")[0].attributes["aria-invalid"] == "true"
    assert world.dump() == before


@pytest.mark.parametrize("present", [WRONG, ""])
@pytest.mark.parametrize("new", ["", "fourteen chars", "Ada Example 2027!"])
def test_all_that_is_wrong_stands_beside_its_field_at_once(
    world: World, browser: FlaskClient, present: str, new: str
) -> None:
    before = world.dump()
    page = Page(change(browser, present, new))
    fields = [page.named(name)[0].attributes for name in ("current_password", "password")]
    assert [(field.get("aria-invalid"), field.get("value", "")) for field in fields] == [("true", "")] * 2
    assert world.dump() == before


@pytest.mark.parametrize("extra", [{"user_id": 2}, {"id": 2}, {"email": "mia@example.org"}, {"password_hash": "x"}])
def test_D07_nothing_in_the_form_names_another_account(
    world: World, ada: Person, browser: FlaskClient, extra: dict[str, Any]
) -> None:
    mia = world.person("Mia Example", "mia@example.org")
    assert change(browser, **extra).status_code == 303
    assert can_sign_in(world, mia, PASSWORD)
    assert can_sign_in(world, ada, NEW_PASSWORD)


def test_E05_password_changed_meanwhile_is_no_longer_the_present_one(world: World, ada: Person) -> None:
    proven = world.read(accounts.by_id, ada.user_id)
    world.write(lambda: db.session.execute(update(User).values(password_hash="the hash of a newer one")))
    before = world.dump()
    with pytest.raises(WrongPassword):
        world.write(profile.change_password, Actor.of(proven, ip=None), proven, "x", ip=None, user_agent="tests")
    assert world.dump() == before


@pytest.mark.parametrize("fields", [{}, {"password": NEW_PASSWORD}, {"current_password": PASSWORD}])
def test_E05_half_a_form_changes_nothing(world: World, browser: FlaskClient, fields: dict[str, str]) -> None:
    before = world.dump()
    assert post(browser, "/account/password", **fields).status_code == 422
    assert world.dump() == before
