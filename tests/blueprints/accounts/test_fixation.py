"""Signing in starts a new session: nothing that was in the browser before goes on."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from tests.support.worlds import PASSWORD, Person, World, csrf_token
from webapp.db import db
from webapp.models import Session

SignIn = Callable[[FlaskClient], str]


@pytest.fixture
def sign_in(ada: Person) -> SignIn:
    """Signs Ada in with the CSRF token a browser has, and returns that token."""

    def send(client: FlaskClient) -> str:
        csrf = csrf_token(client)
        data = {"email": ada.email, "password": PASSWORD, "csrf_token": csrf}
        assert client.post("/login", data=data).status_code == 303
        return csrf

    return send


def cookie_of(client: FlaskClient) -> dict[str, str]:
    with client.session_transaction() as cookie:
        return dict(cookie)


def test_E01_token_set_before_signing_in_opens_nothing(client: FlaskClient, world: World, sign_in: SignIn) -> None:
    with client.session_transaction() as cookie:
        cookie["token"] = "chosen by somebody else"
        cookie["planted"] = "yes"
    sign_in(client)
    assert cookie_of(client)["token"] != "chosen by somebody else"
    assert "planted" not in cookie_of(client)
    thief = world.browser()
    with thief.session_transaction() as cookie:
        cookie["token"] = "chosen by somebody else"
    assert thief.get("/orgs/").status_code == 303


def test_E01_csrf_secret_is_new_after_signing_in(client: FlaskClient, world: World, sign_in: SignIn) -> None:
    old_csrf = sign_in(client)
    before = world.dump()
    assert client.post("/logout", data={"csrf_token": old_csrf}).status_code == 403
    assert world.dump() == before
    assert client.post("/logout", data={"csrf_token": csrf_token(client)}).status_code == 303


def test_E01_cookie_from_before_signing_in_is_signed_in_nowhere(
    client: FlaskClient, world: World, sign_in: SignIn
) -> None:
    csrf_token(client)
    earlier = client.get_cookie("vestibule")
    sign_in(client)
    thief = world.browser()
    assert earlier
    thief.set_cookie("vestibule", earlier.value)
    assert thief.get("/orgs/").status_code == 303


def test_E01_signing_in_again_ends_the_session_of_this_browser(world: World, ada: Person, sign_in: SignIn) -> None:
    mia = world.browser(world.person("Mia Example", "mia@example.org"))
    old_token = cookie_of(mia)["token"]
    sign_in(mia)
    assert cookie_of(mia)["token"] != old_token
    holders = world.read(lambda: db.session.scalars(select(Session.user_id)).all())
    assert holders == [ada.user_id]


def test_every_browser_has_a_session_of_its_own(world: World, sign_in: SignIn) -> None:
    browsers = [world.browser(), world.browser()]
    for browser in browsers:
        sign_in(browser)
    assert cookie_of(browsers[0])["token"] != cookie_of(browsers[1])["token"]
    assert world.read(lambda: db.session.scalar(select(func.count(Session.id)))) == 2


def test_signing_out_leaves_nothing_but_the_notice(client: FlaskClient, sign_in: SignIn) -> None:
    sign_in(client)
    client.post("/logout", data={"csrf_token": csrf_token(client)})
    assert set(cookie_of(client)) == {"_flashes"}
