"""Cancel of a question that a form asked: the form is there again as it was filled in, and nothing is stored."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.acme import Acme
from tests.support.pages import PANEL, Page
from tests.support.statements import collected
from tests.support.teams import Office
from tests.support.worlds import post
from webapp import clock

WRITES = ("BEGIN IMMEDIATE", "FOR NO KEY UPDATE", "UPDATE ", "INSERT ", "DELETE ", "SAVEPOINT")
HEADERS = pytest.mark.parametrize("headers", [{}, PANEL], ids=["page", "htmx"])


@pytest.fixture
def browser(office: Office) -> FlaskClient:
    """The browser of Acme's manager."""
    return office.acme.browser(office.acme.manager)


def cancelled(acme: Acme, browser: FlaskClient, path: str, form: dict[str, Any], headers: dict[str, str]) -> Page:
    """Send a form that is asked back about, and press Cancel; nothing is stored by either."""
    shown = Page(browser.get(path)).named("shown")
    with acme.unchanged():
        asked = post(browser, path, **form, shown=shown[0].attributes["value"] if shown else "")
        answer = post(browser, path, **Page(asked).cancel(), headers=headers)
    assert (asked.status_code, answer.status_code) == (422, 200)
    page = Page(answer)
    assert [field.attributes["value"] for field in page.named("shown")[:1]] == [
        field.attributes["value"] for field in shown[:1]
    ], "what somebody else changes meanwhile is still noticed"
    assert page.named("confirm") == []
    assert not [element for element in page.elements if element.attributes.get("aria-invalid")]
    return page


@HEADERS
def test_access_group_is_filled_in_as_it_was(office: Office, browser: FlaskClient, headers: dict[str, str]) -> None:
    acme = office.acme
    mina = str(acme.member_id(acme.member))
    wanted = {"name": "Writers", "level": "admin", "projects": [office.rota], "members": [mina]}
    page = cancelled(acme, browser, office.address(f"groups/{office.readers}"), wanted, headers)
    assert page.by_id("name").attributes["value"] == "Writers"
    chosen = [page.checked(name) for name in ("level", "projects", "members")]
    assert chosen == [["admin"], [str(office.rota)], [mina]]


@HEADERS
def test_project_is_filled_in_as_it_was(office: Office, browser: FlaskClient, headers: dict[str, str]) -> None:
    wanted = {"name": "Salaries", "teams": [office.blue]}
    page = cancelled(office.acme, browser, office.acme.address("projects/payroll/settings"), wanted, headers)
    assert (page.by_id("name").attributes["value"], page.checked("teams")) == ("Salaries", [str(office.blue)])


@HEADERS
def test_membership_is_filled_in_as_it_was(office: Office, browser: FlaskClient, headers: dict[str, str]) -> None:
    acme = office.acme
    path = acme.address(f"members/{acme.member_id(acme.member)}")
    wanted = {"role": "admin", "has_global_access": "0", "teams": [office.blue]}
    page = cancelled(acme, browser, path, wanted, headers)
    chosen = [page.checked(name) for name in ("role", "has_global_access", "teams")]
    assert chosen == [["admin"], ["0"], [str(office.blue)]]


@HEADERS
def test_end_of_a_membership_is_filled_in_as_it_was(
    office: Office, browser: FlaskClient, headers: dict[str, str]
) -> None:
    acme, day = office.acme, str(clock.now().date() + timedelta(days=9))
    path = acme.address(f"members/{acme.member_id(acme.member)}/end")
    asked = Page(browser.get(f"{path}?last_day={day}"))
    with acme.unchanged():
        answer = post(browser, path, **asked.cancel(), headers=headers)
    assert answer.status_code == 200
    assert [field.attributes["value"] for field in Page(answer).named("last_day")] == [day]


def test_going_back_holds_nobody_up_and_asks_nothing_again(office: Office, browser: FlaskClient) -> None:
    """It reads as a page does: no lock is taken, and what the change would do is not tried once more."""
    acme, path = office.acme, office.acme.address("projects/payroll/settings")
    sent = Page(post(browser, path, name="Payroll", teams=[office.blue])).cancel()
    with collected(acme.world.app) as asked:
        assert post(browser, path, **sent).status_code == 200
    with collected(acme.world.app) as read:
        browser.get(path)
    assert len(asked) <= len(read) + 1
    assert not [one for one in asked if any(word in one.upper() for word in WRITES)]


def test_who_may_not_change_it_does_not_get_the_form_back_either(office: Office) -> None:
    acme = office.acme
    for person, status in ((acme.member, 403), (acme.stranger, 404), (None, 303)):
        browser = acme.browser(person)
        answer = post(browser, acme.address("projects/payroll/settings"), name="x", teams=[office.blue], back="1")
        assert answer.status_code == status
