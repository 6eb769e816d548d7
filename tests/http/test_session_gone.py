"""A session that has ended leads to the sign-in page, never into a table."""

import pytest
from flask.testing import FlaskClient

from tests.support.acme import Acme
from tests.support.pages import PANEL, RESULTS, Page
from tests.support.worlds import csrf_token
from webapp.services import sessions

RESTORED = {"HX-Request": "true", "HX-History-Restore-Request": "true"}


@pytest.fixture
def browser(acme: Acme) -> FlaskClient:
    """The browser of a manager whose session has ended meanwhile."""
    browser = acme.browser(acme.manager)
    csrf_token(browser)
    acme.world.write(sessions.end_all_of, acme.manager.user_id)
    return browser


@pytest.mark.parametrize("headers", [PANEL, RESULTS, {"HX-Request": "true"}])
@pytest.mark.parametrize("page", ["members", "members/pending", "members/new", "audit"])
def test_htmx_is_told_to_leave_the_page(browser: FlaskClient, acme: Acme, page: str, headers: dict[str, str]) -> None:
    answer = browser.get(acme.address(page), headers=headers)
    assert (answer.status_code, answer.headers["HX-Redirect"], answer.data) == (401, "/login", b"")


def test_htmx_form_is_told_to_leave_the_page(browser: FlaskClient, acme: Acme) -> None:
    invited = acme.world.invite(acme.slug, acme.owner, "mia@example.org")
    before = acme.world.dump()
    address = acme.address(f"invitations/{invited.id}/revoke")
    answer = browser.post(address, data={"csrf_token": csrf_token(browser)}, headers=PANEL)
    assert (answer.status_code, answer.headers["HX-Redirect"], answer.data) == (401, "/login", b"")
    assert acme.world.dump() == before


@pytest.mark.parametrize("headers", [{}, RESTORED])
def test_browser_is_led_to_sign_in_and_back(browser: FlaskClient, acme: Acme, headers: dict[str, str]) -> None:
    answer = browser.get(acme.address("members?q=mia&after="), headers=headers)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/login?next=/orgs/{acme.slug}/members%3Fq%3Dmia%26after%3D"
    assert "HX-Redirect" not in answer.headers


def test_form_is_led_to_sign_in_and_not_back_and_it_is_said_that_nothing_was_stored(
    browser: FlaskClient, acme: Acme
) -> None:
    form = {"emails": "mia@example.org", "csrf_token": csrf_token(browser)}
    with acme.unchanged():
        answer = browser.post(acme.address("members/new"), data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert "Nothing was stored. Sign in first, then send it again." in Page(browser.get(answer.location)).text
