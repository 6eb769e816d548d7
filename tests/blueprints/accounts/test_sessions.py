"""Where somebody is signed in, and signing other browsers out."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.support.pages import Page
from tests.support.worlds import Person, World, post
from webapp.db import db
from webapp.models import AuditEntry, Session
from webapp.services import sessions

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Safari/604.1"


@pytest.fixture
def browser(world: World, ada: Person) -> FlaskClient:
    """Ada's browser."""
    return world.browser(ada)


def session_ids(world: World, person: Person) -> list[int]:
    found = select(Session.id).where(Session.user_id == person.user_id).order_by(Session.id)
    return list(world.read(lambda: db.session.scalars(found).all()))


def is_signed_in(browser: FlaskClient) -> bool:
    return browser.get("/orgs/").status_code == 200


def test_page_lists_browsers_and_marks_this_one(world: World, ada: Person, browser: FlaskClient) -> None:
    world.write(sessions.begin, ada.user_id, ip="203.0.113.9", user_agent=PHONE)
    this, phone = session_ids(world, ada)
    page = Page(browser.get("/account/"))
    assert "Safari, iPhone 203.0.113.9" in page.by_id(f"session-{phone}").text
    assert "Unknown browser This browser 127.0.0.1" in page.by_id(f"session-{this}").text
    assert "Sign out" in page.by_id(f"session-{phone}").text
    assert "Sign out" not in page.by_id(f"session-{this}").text


def test_page_lists_no_session_that_has_ended(world: World, ada: Person) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        world.write(sessions.begin, ada.user_id, ip="203.0.113.9", user_agent=PHONE)
        clock.shift(sessions.IDLE)
        assert "203.0.113.9" not in world.browser(ada).get("/account/").text


def test_C14_what_a_browser_calls_itself_is_text(world: World, ada: Person, browser: FlaskClient) -> None:
    world.write(sessions.begin, ada.user_id, ip="203.0.113.9", user_agent="<script>Firefox/1</script> Linux")
    text = browser.get("/account/").text
    assert "Firefox, Linux" in text
    assert "<script>Firefox" not in text


def test_E02_another_browser_is_signed_out_by_its_number(
    world: World, ada: Person, browser: FlaskClient, events: Callable[[], list[str]]
) -> None:
    other, third = world.browser(ada), world.browser(ada)
    answer = post(browser, f"/account/sessions/{session_ids(world, ada)[1]}/end")
    assert (answer.status_code, answer.location) == (303, "/account/")
    assert [is_signed_in(b) for b in (browser, other, third)] == [True, False, True]
    assert events() == ["account.session_ended"]
    entry = world.read(lambda: db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one())
    assert (entry.actor_name, entry.before) == ("Ada Example", {"ip": "127.0.0.1"})


def test_E03_session_of_somebody_else_is_not_there(world: World, ada: Person, browser: FlaskClient) -> None:
    mia = world.person("Mia Example", "mia@example.org")
    hers = world.browser(mia)
    [number] = session_ids(world, mia)
    before = world.dump()
    for wrong in (number, 999_999, 10**17):
        assert post(browser, f"/account/sessions/{wrong}/end").status_code == 404
    assert world.dump() == before
    assert is_signed_in(hers)


def test_session_ends_once(world: World, ada: Person, browser: FlaskClient) -> None:
    world.browser(ada)
    address = f"/account/sessions/{session_ids(world, ada)[1]}/end"
    assert [post(browser, address).status_code for _ in range(2)] == [303, 404]


def test_E02_everywhere_else_leaves_this_browser_alone(
    world: World, ada: Person, browser: FlaskClient, events: Callable[[], list[str]]
) -> None:
    mia = world.browser(world.person("Mia Example", "mia@example.org"))
    others = [world.browser(ada), world.browser(ada)]
    assert post(browser, "/account/sessions/end").status_code == 303
    assert "2 other browsers are signed out" in browser.get("/account/").text
    assert [is_signed_in(other) for other in others] == [False, False]
    assert is_signed_in(browser)
    assert is_signed_in(mia)
    assert events() == ["account.session_ended"]


def test_everywhere_else_where_there_is_none_notes_nothing(
    world: World, browser: FlaskClient, events: Callable[[], list[str]]
) -> None:
    before = world.dump()
    assert post(browser, "/account/sessions/end").status_code == 303
    assert world.dump() == before
    assert events() == []


def test_list_stays_short_however_often_somebody_signs_in(world: World, ada: Person, browser: FlaskClient) -> None:
    def begin() -> None:
        for _ in range(120):
            sessions.begin(ada.user_id, ip="203.0.113.9", user_agent=PHONE)

    world.write(begin)
    assert len(Page(browser.get("/account/")).rows("session")) == 100


@pytest.mark.parametrize("days", [0, 14])
def test_times_are_those_of_the_last_activity(world: World, ada: Person, days: int) -> None:
    with time_machine.travel(NOON + timedelta(days=days), tick=False) as clock:
        browser = world.browser(ada)
        clock.shift(timedelta(minutes=4))
        assert "last seen 4 minutes ago" in Page(browser.get("/account/")).text
