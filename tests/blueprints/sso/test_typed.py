"""What was typed into a form that needs a fresh sign-in: it comes back with whoever signs in again, but for secrets."""

from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from flask.testing import FlaskClient

from tests.support.acme import Acme
from tests.support.pages import Page
from tests.support.sso import Desk
from tests.support.teams import make_group, make_project, make_team
from tests.support.worlds import Person, post
from webapp import clock
from webapp.models import Enforcement, Role

SECRET = "not to be sent back"


@pytest.fixture
def browser(acme: Acme) -> Iterator[FlaskClient]:
    """The browser of the owner, who signed in eleven minutes ago."""
    browser = acme.browser(acme.owner)
    with time_machine.travel(clock.now() + timedelta(minutes=11), tick=False):
        yield browser


OLD = "sign-in with your password that is at most ten minutes old"


def sent(acme: Acme, browser: FlaskClient, path: str, form: dict[str, str], said: str = OLD) -> tuple[str, str]:
    """Send a form that is refused; return its page, and where that leads once somebody has signed in again."""
    with acme.unchanged("session", "member"):
        answer = post(browser, acme.address(path), **form)
    assert answer.status_code == 403, answer.text
    assert said in answer.text
    return answer.text, led_back_by(answer.text)


def led_back_by(page: str) -> str:
    """Return where a page leads once somebody has signed in again."""
    [link] = [one for one in page.split('href="') if one.startswith("/login?") and "again=1" in one.split('"')[0]]
    return parse_qs(urlsplit(unescape(link.partition('"')[0])).query)["next"][0]


def again(acme: Acme, person: Person, back: str) -> Page:
    """Sign in again, and come back."""
    return Page(acme.world.browser(person).get(back))


def test_mapping_comes_back(acme: Acme, desk: Desk, browser: FlaskClient) -> None:
    red = make_team(acme, "Red")
    group = make_group(acme, red, "Readers", Role.MEMBER, ([make_project(acme, "Payroll", red)], [acme.member]))
    form = {"claim": "roles", "value": "reader", "group": str(group)}
    page, back = sent(acme, browser, "sso/mappings", form)
    assert 'value="reader"' in page
    assert again(acme, acme.owner, back).by_id("value").attributes["value"] == "reader"


def test_rules_come_back(acme: Acme, desk: Desk, browser: FlaskClient) -> None:
    form = {"joining": "allowed", "domains": "a.example.org", "default_role": "admin", "verification_days": "9"}
    page, back = sent(acme, browser, "sso", form)
    assert "a.example.org</textarea>" in page
    shown = again(acme, acme.owner, back)
    assert shown.by_id("verification_days").attributes["value"] == "9"
    assert "a.example.org" in shown.by_id("domains").text


def test_what_is_too_long_for_an_address_does_not_come_back_and_the_page_says_so(
    acme: Acme, desk: Desk, browser: FlaskClient
) -> None:
    form = {"joining": "allowed", "domains": "x" * 3_000, "default_role": "admin", "verification_days": "9"}
    page, back = sent(acme, browser, "sso", form)
    assert "Copy what you typed first" in page
    assert back == acme.address("sso")


def test_choice_whether_it_is_required_comes_back(acme: Acme, desk: Desk, browser: FlaskClient) -> None:
    desk.set(enforcement=Enforcement.OPTIONAL)
    answer = post(browser, desk.address("enforce"), enforcement="off", from_date="")
    assert answer.status_code == 403
    [back] = {one.partition('"')[0] for one in answer.text.split('href="') if one.startswith("/login?")}
    wanted = parse_qs(urlsplit(unescape(back)).query)["next"][0]
    assert "checked" in again(acme, acme.owner, wanted).by_id("enforcement").attributes


def test_A23_secret_of_a_set_up_does_not_come_back_and_the_rest_does(acme: Acme, browser: FlaskClient) -> None:
    post(acme.world.browser(acme.owner), acme.address("sso/setup/kind"), kind="oidc")
    form = {"kind": "oidc", "issuer": "https://id.example.org", "client_id": "hall", "client_secret": SECRET}
    page, back = sent(acme, browser, "sso/setup", form)
    assert "The secret has to be typed again." in page
    assert SECRET not in page
    shown = again(acme, acme.owner, back)
    assert [shown.by_id(name).attributes["value"] for name in ("client_id", "client_secret")] == ["hall", ""]


def test_A01_what_is_typed_at_the_word_of_a_provider_does_not_come_back(acme: Acme, desk: Desk) -> None:
    desk.know(acme.owner)
    browser = acme.world.browser()
    desk.sign_in(browser)
    form = {"joining": "allowed", "domains": "a.example.org", "default_role": "admin", "verification_days": "9"}
    page, back = sent(acme, browser, "sso", form, "You came in through single sign-on alone, and this needs")
    assert "You signed in more than ten minutes ago." not in page
    assert "Copy what you typed first" in page
    assert back == acme.address("sso")


def test_what_was_typed_comes_back_for_half_an_hour(acme: Acme, desk: Desk, browser: FlaskClient) -> None:
    form = {"joining": "allowed", "domains": "a.example.org", "default_role": "admin", "verification_days": "9"}
    _page, back = sent(acme, browser, "sso", form)
    began = clock.now()
    for minutes, is_kept in ((29, True), (31, False)):
        with time_machine.travel(began + timedelta(minutes=minutes), tick=False):
            assert ("a.example.org" in str(again(acme, acme.owner, back).by_id("domains").text)) is is_kept


def test_what_was_typed_comes_back_by_a_page_that_asks_for_a_sign_in_once_more(acme: Acme, desk: Desk) -> None:
    form = {"joining": "allowed", "domains": "a.example.org", "default_role": "admin", "verification_days": "9"}
    desk.know(acme.owner)
    in_by_provider = acme.world.browser()
    desk.sign_in(in_by_provider)
    old = acme.browser(acme.owner)
    with time_machine.travel(clock.now() + timedelta(minutes=11), tick=False):
        _page, back = sent(acme, old, "sso", form)
        for browser in (old, in_by_provider):
            shown = browser.get(back).text
            assert "What you typed comes back with you." in shown
            assert "a.example.org" in again(acme, acme.owner, led_back_by(shown)).by_id("domains").text


def test_what_one_typed_is_shown_to_nobody_else(acme: Acme, desk: Desk, browser: FlaskClient) -> None:
    acme.change(acme.manager, role=Role.OWNER)
    form = {"joining": "allowed", "domains": "evil.example.org", "default_role": "admin", "verification_days": "9"}
    _page, back = sent(acme, browser, "sso", form)
    for address in (back, back + "x", acme.address("sso?typed=x")):
        assert "evil.example.org" not in str(again(acme, acme.manager, address).by_id("domains").text)
