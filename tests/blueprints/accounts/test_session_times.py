"""How long a session lasts, and how seldom being active is noted."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.support.worlds import Person, World
from webapp.db import db
from webapp.models import Member, Session

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Noon, until a test moves on."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def browser(clock: time_machine.Traveller, world: World, ada: Person) -> FlaskClient:
    """Ada's browser, signed in at noon."""
    return world.browser(ada)


def is_signed_in(browser: FlaskClient) -> bool:
    return browser.get("/orgs/").status_code == 200


def last_seen(world: World) -> datetime:
    return world.read(lambda: db.session.scalars(select(Session.last_seen_at)).one())


def test_session_ends_after_twelve_idle_hours(browser: FlaskClient, clock: time_machine.Traveller) -> None:
    clock.move_to(NOON + timedelta(hours=12) - MICROSECOND)
    assert is_signed_in(browser)
    clock.shift(timedelta(hours=12))
    assert not is_signed_in(browser)


def test_session_ends_after_fourteen_days_however_active(browser: FlaskClient, clock: time_machine.Traveller) -> None:
    for _ in range(14 * 4 - 1):
        clock.shift(timedelta(hours=6))
        assert is_signed_in(browser)
    clock.move_to(NOON + timedelta(days=14) - MICROSECOND)
    assert is_signed_in(browser)
    clock.shift(MICROSECOND)
    assert not is_signed_in(browser)


def test_being_active_is_noted_every_five_minutes(
    browser: FlaskClient, world: World, clock: time_machine.Traveller
) -> None:
    clock.move_to(NOON + timedelta(minutes=5) - MICROSECOND)
    browser.get("/orgs/")
    assert last_seen(world) == NOON
    clock.shift(MICROSECOND)
    browser.get("/orgs/")
    assert last_seen(world) == NOON + timedelta(minutes=5)


def test_membership_notes_being_active_in_its_organization(
    browser: FlaskClient, world: World, ada: Person, clock: time_machine.Traveller
) -> None:
    slugs = [world.organization(name, ada) for name in ("Harbour Works", "Hill School")]
    for minutes in (4, 5, 9):
        clock.move_to(NOON + timedelta(minutes=minutes))
        browser.get(f"/orgs/{slugs[0]}/members")
    noted = world.read(lambda: db.session.scalars(select(Member.last_active_at).order_by(Member.id)).all())
    assert noted == [NOON + timedelta(minutes=5), NOON]


def test_refused_requests_note_nothing(browser: FlaskClient, world: World, clock: time_machine.Traveller) -> None:
    clock.shift(timedelta(hours=1))
    assert browser.get("/orgs/nowhere/members").status_code == 404
    assert last_seen(world) == NOON


def test_what_is_read_writes_nothing(browser: FlaskClient, world: World) -> None:
    before = world.dump()
    for page in ("/", "/orgs/", "/login", "/forgot-password"):
        browser.get(page)
    assert world.dump() == before
