"""Many tabs of one browser: each sign-in that was begun there finishes, and nobody's session is one chosen before."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.acme import Acme
from tests.support.sso import Desk, at_provider, signed_in_as
from tests.support.worlds import PASSWORD, World, csrf_token, post

TABS = 20
MOST_BYTES = 1024


def kept_in(browser: FlaskClient) -> dict[str, object]:
    with browser.session_transaction() as cookie:
        return dict(cookie)


def size_of_cookie(browser: FlaskClient) -> int:
    cookie = browser.get_cookie("vestibule")
    assert cookie
    return len(cookie.key) + len(cookie.value)


@pytest.fixture
def mine(world: World, acme: Acme, desk: Desk) -> FlaskClient:
    """A browser in which nobody is signed in; who will be is linked."""
    desk.know(acme.member)
    return world.browser()


def test_R26_twenty_sign_ins_begun_in_one_browser_all_finish(desk: Desk, mine: FlaskClient) -> None:
    backs = [at_provider(desk.way_out(mine)) for _ in range(TABS)]
    assert size_of_cookie(mine) < MOST_BYTES
    assert [mine.get(back).status_code for back in backs] == TABS * [303]
    assert signed_in_as(mine) == "Mina Member"
    assert size_of_cookie(mine) < MOST_BYTES


def test_R26_twenty_sign_ins_of_one_browser_finish_at_the_same_moment(
    app: Flask, desk: Desk, mine: FlaskClient
) -> None:
    backs = [at_provider(desk.way_out(mine)) for _ in range(TABS)]
    cookie = kept_in(mine)

    def finish(back: str) -> tuple[int, str | None]:
        tab = app.test_client()
        with tab.session_transaction() as its:
            its.update(cookie)
        return tab.get(back).status_code, signed_in_as(tab)

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(finish, backs)) == TABS * [(303, "Mina Member")]


def test_R26_sign_in_with_a_password_leaves_the_other_tabs_theirs(acme: Acme, desk: Desk, mine: FlaskClient) -> None:
    back = at_provider(desk.way_out(mine))
    assert post(mine, "/login", page="/login", email=acme.admin.email, password=PASSWORD).status_code == 303
    assert mine.get(back).status_code == 303
    assert signed_in_as(mine) == "Mina Member"


def test_E01_token_and_form_secret_are_new_at_each_sign_in(desk: Desk, mine: FlaskClient) -> None:
    csrf_token(mine)
    before = kept_in(mine)
    desk.sign_in(mine)
    first = kept_in(mine)
    post(mine, "/logout")
    desk.sign_in(mine)
    second = kept_in(mine)
    assert set(first) == {"_permanent", "browser", "token"}
    assert before["csrf_token"] not in first.values()
    assert not {first["token"], first["browser"]} & set(second.values())


def test_E02_whoever_signs_out_leaves_nothing_to_finish(acme: Acme, desk: Desk, mine: FlaskClient) -> None:
    backs = [at_provider(desk.way_out(mine)) for _ in range(2)]
    assert mine.get(backs[0]).status_code == 303
    post(mine, "/logout")
    csrf_token(mine)
    with acme.unchanged():
        assert mine.get(backs[1]).status_code == 400
    assert signed_in_as(mine) is None


def test_A09_link_that_somebody_began_is_not_finished_by_the_next_in_the_same_browser(
    acme: Acme, desk: Desk, mine: FlaskClient
) -> None:
    post(mine, "/login", page="/login", email=acme.admin.email, password=PASSWORD)
    desk.theirs.person = "u-2"
    back = at_provider(desk.way_out(mine, "link"))
    post(mine, "/login?again=1", page="/login?again=1", email=acme.owner.email, password=PASSWORD)
    with acme.unchanged():
        assert mine.get(back).status_code == 400
    assert [subject for subject, _user in desk.identities()] == ["u-1"]
