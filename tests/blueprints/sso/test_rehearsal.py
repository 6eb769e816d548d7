"""Rehearsing that single sign-on is required: who would have been refused, who is reminded, and how it ends."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import update

from tests.support import sso
from tests.support.acme import Acme
from tests.support.pages import RESULTS
from tests.support.sso import Desk
from tests.support.visitor import at_once
from tests.support.worlds import World, post
from webapp import clock
from webapp.db import db
from webapp.mail import rehearsals
from webapp.models import Enforcement, Identity, IdentityProvider, Member, Role, Session

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
BEGINS = datetime(2027, 1, 21, tzinfo=UTC)


@pytest.fixture
def rehearsed(desk: Desk) -> Desk:
    """The connection, of which Acme rehearses that it is required from a day in three weeks on."""
    desk.set(enforcement=Enforcement.REQUIRED, required_from=BEGINS, rehearsed_since=NOON)
    return desk


def active_at(acme: Acme, moment: datetime | None, *people: str) -> None:
    """Let people have been active at a moment, and nobody else ever."""
    for name in ("owner", "manager", "admin", "member"):
        acme.change(getattr(acme, name), last_active_at=moment if name in people else None)


def work(acme: Acme) -> None:
    """Let the worker do what it does each minute."""
    with acme.world.app.app_context():
        rehearsals.go_on(threading.Event())
    sso.work(acme.world.app)


def keep_awake(acme: Acme) -> None:
    """Let nobody's session have ended since."""
    acme.world.write(lambda: db.session.execute(update(Session).values(last_seen_at=clock.now())))


def state(acme: Acme, desk: Desk) -> tuple[Enforcement, datetime | None, datetime | None]:
    def read() -> tuple[Enforcement, datetime | None, datetime | None]:
        row = db.session.get_one(IdentityProvider, desk.provider_id)
        return row.enforcement, row.required_from, row.rehearsed_since

    found: tuple[Enforcement, datetime | None, datetime | None] = acme.world.read(read)
    return found


def reminded(acme: Acme) -> list[str]:
    return sorted(letter.to_address for letter in acme.world.letters("sso_required_soon"))


def test_pages_list_who_came_and_would_have_been_refused(acme: Acme, rehearsed: Desk) -> None:
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        rehearsed.know(acme.owner)
        active_at(acme, NOON - timedelta(minutes=1), "admin")
        acme.change(acme.member, last_active_at=NOON)
        browser = acme.world.browser(acme.owner)
        for path in ("", "enforce", "rehearsal"):
            page = browser.get(rehearsed.address(path).rstrip("/")).text
            listed = page.partition("Who would be kept out now")[0]
            assert "Mina Member" in listed, path
            assert "Adam Admin" not in listed, path
        assert "Not linked" in page


def test_members_who_are_linked_but_came_through_too_long_ago_are_listed_as_such(acme: Acme, rehearsed: Desk) -> None:
    with time_machine.travel(NOON - timedelta(days=30), tick=False):
        rehearsed.know(acme.member)
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        active_at(acme, NOON, "member")
        rows = acme.world.browser(acme.owner).get(rehearsed.address("rehearsal"), headers=RESULTS).text
    assert "Came through it too long ago" in rows


def test_linked_who_come_by_another_session_are_listed_until_they_come_through_the_provider(
    acme: Acme, rehearsed: Desk
) -> None:
    """They would have been refused in that browser, though the provider vouches for them."""
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        rehearsed.know(acme.member)
        active_at(acme, NOON - timedelta(days=1))
        his = acme.world.browser(acme.member)
        assert his.get(acme.address("members")).status_code == 200
        rows = acme.world.browser(acme.owner).get(rehearsed.address("rehearsal"), headers=RESULTS).text
        assert ("Mina Member" in rows, "Signed in otherwise" in rows) == (True, True)
    with time_machine.travel(NOON + timedelta(hours=2), tick=False):
        rehearsed.sign_in(his)
        rows = acme.world.browser(acme.owner).get(rehearsed.address("rehearsal"), headers=RESULTS).text
        assert "Mina Member" not in rows


def test_session_that_came_through_it_too_long_ago_is_listed_though_another_has_since(
    acme: Acme, rehearsed: Desk
) -> None:
    rehearsed.set(verification_days=1)
    with time_machine.travel(NOON, tick=False):
        rehearsed.know(acme.member)
        old = acme.world.browser(acme.member)
        rehearsed.sign_in(old)
    with time_machine.travel(NOON + timedelta(days=2), tick=False):
        keep_awake(acme)
        rehearsed.sign_in(acme.world.browser())
    with time_machine.travel(NOON + timedelta(days=2, minutes=6), tick=False):
        assert old.get(acme.address("members")).status_code == 200
        rows = acme.world.browser(acme.owner).get(rehearsed.address("rehearsal"), headers=RESULTS).text
    assert ("Mina Member" in rows, "Came through it too long ago" in rows) == (True, True)


def test_who_was_found_invalid_is_listed_as_such_and_led_to_sign_in_again(acme: Acme, rehearsed: Desk) -> None:
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        number = rehearsed.know(acme.member)
        acme.world.write(lambda: setattr(db.session.get_one(Identity, number), "invalid_since", clock.now()))
        active_at(acme, NOON, "member")
        browser = acme.world.browser(acme.owner)
        rows = browser.get(rehearsed.address("rehearsal"), headers=RESULTS).text
        assert "The provider has taken its word back" in rows
        post(browser, rehearsed.address("remind"), whom="refused", member=acme.member_id(acme.member))
        [letter] = acme.world.letters("sso_required_soon")
        assert (letter.to_address, letter.data["is_linked"]) == (acme.member.email, True)
        page = acme.world.browser(acme.member).get(rehearsed.address("link")).text
        assert rehearsed.address("login") in page


def test_list_says_when_they_signed_in_last_here(acme: Acme, rehearsed: Desk) -> None:
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        his = acme.world.browser(acme.member)
    with time_machine.travel(NOON + timedelta(hours=3), tick=False):
        his.get(acme.address("members"))
        for path in ("rehearsal", "enforce"):
            page = acme.world.browser(acme.owner).get(rehearsed.address(path)).text
            assert "1 Jan 2027, 13:00" in page, path


def test_all_of_the_list_are_reminded_and_nobody_else(acme: Acme, rehearsed: Desk) -> None:
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        browser = acme.world.browser(acme.owner)
        active_at(acme, NOON, "member", "admin")
        answer = post(browser, rehearsed.address("remind"), whom="refused", all="1")
        assert answer.location == rehearsed.address("rehearsal")
        active_at(acme, NOON, "member", "admin")
        sso.work(acme.world.app)
    assert reminded(acme) == sorted([acme.member.email, acme.admin.email])


def test_list_is_cut_into_pages(acme: Acme, rehearsed: Desk) -> None:
    for number in range(60):
        person = acme.world.person(f"Person {number:02}", f"person{number}@example.org")
        acme.world.member(acme.slug, person, Role.MEMBER)

    def wake() -> None:
        for member in db.session.query(Member).filter(Member.sort_name.startswith("person")):
            member.last_active_at = NOON

    acme.world.write(wake)
    active_at(acme, None)
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        browser = acme.world.browser(acme.owner)
        page = browser.get(rehearsed.address("rehearsal")).text
        assert ("Person 49" in page, "Person 50" in page) == (True, False)
        following = page.partition("rehearsal?after=")[2].partition('"')[0]
        page = browser.get(rehearsed.address(f"rehearsal?after={following}")).text
        assert ("Person 49" in page, "Person 50" in page, "Person 59" in page) == (False, True, True)
        assert browser.get(rehearsed.address("rehearsal?after=nonsense")).status_code == 404


def test_there_is_no_list_where_nothing_is_rehearsed(acme: Acme, desk: Desk) -> None:
    assert acme.browser(acme.owner).get(desk.address("rehearsal")).status_code == 404
    desk.set(enforcement=Enforcement.REQUIRED, required_from=clock.now() + timedelta(minutes=30))  # a bypass
    desk.know(acme.owner)
    assert acme.browser(acme.owner).get(desk.address("rehearsal")).status_code == 404


def test_another_day_goes_on_with_the_rehearsal_and_no_day_ends_it(acme: Acme, world: World, rehearsed: Desk) -> None:
    with time_machine.travel(NOON + timedelta(days=1), tick=False):
        rehearsed.know(acme.owner)
        browser = world.browser(acme.owner)
        rehearsed.sign_in(browser)
        form = {"enforcement": "required", "confirm": "1"}
        assert post(browser, rehearsed.address("enforce"), **form, from_date="2027-02-01").status_code == 303
        assert state(acme, rehearsed) == (Enforcement.REQUIRED, datetime(2027, 2, 1, tzinfo=UTC), NOON)
        assert post(browser, rehearsed.address("enforce"), **form, from_date="").status_code == 303
        assert state(acme, rehearsed) == (Enforcement.REQUIRED, None, None)


def test_those_who_would_be_locked_out_are_reminded_seven_three_and_one_day_before(acme: Acme, rehearsed: Desk) -> None:
    expected = []
    for days, number in ((20, 0), (8, 0), (6.9, 1), (5, 1), (2.9, 2), (2, 2), (0.9, 3), (0.5, 3)):
        with time_machine.travel(BEGINS - timedelta(days=days), tick=False):
            if days == 20:
                rehearsed.know(acme.member)
            work(acme)
            work(acme)
        expected.append(len(acme.world.letters("sso_rehearsal")) == number)
    assert all(expected), expected
    unlinked = [acme.owner.email, acme.manager.email, acme.admin.email]
    assert [address for address in reminded(acme) if address != acme.member.email] == sorted(3 * unlinked)
    summaries = acme.world.letters("sso_rehearsal")
    assert {(letter.to_address, letter.data["what"], letter.data["has_owner"]) for letter in summaries} == {
        (acme.owner.email, "soon", False)
    }
    assert acme.events().count("sso.reminded") == 3


def test_worker_that_was_away_sends_the_last_reminder_only(acme: Acme, rehearsed: Desk) -> None:
    with time_machine.travel(BEGINS - timedelta(hours=2), tick=False):
        work(acme)
    assert len(acme.world.letters("sso_rehearsal")) == 1


def test_nobody_is_reminded_twice_a_day_also_where_the_day_is_moved(acme: Acme, rehearsed: Desk) -> None:
    with time_machine.travel(BEGINS - timedelta(days=2), tick=False):
        work(acme)
        rehearsed.set(required_from=BEGINS + timedelta(days=1), reminded_days=None)
        work(acme)
    assert len(reminded(acme)) == len(set(reminded(acme))) == 4
    assert len(acme.world.letters("sso_rehearsal")) == 2


@pytest.mark.parametrize("before", [timedelta(days=2), timedelta(0)], ids=["reminders", "end"])
def test_R23_two_workers_at_once_write_once(acme: Acme, rehearsed: Desk, before: timedelta) -> None:
    with time_machine.travel(BEGINS - before, tick=False):
        at_once(2, lambda _index: work(acme))
    assert len(acme.world.letters("sso_rehearsal")) == 1
    if before:
        assert reminded(acme) == sorted(one.email for one in (acme.owner, acme.manager, acme.admin, acme.member))
    else:
        assert acme.events().count("sso.enforced") == 1


def test_A22_it_is_required_once_the_worker_has_found_an_owner_who_can_come_in(acme: Acme, rehearsed: Desk) -> None:
    with time_machine.travel(BEGINS - timedelta(days=1), tick=False):
        rehearsed.know(acme.owner)
    with time_machine.travel(BEGINS, tick=False):
        member = acme.world.browser(acme.member)
        assert member.get(acme.address("members")).status_code == 200
        work(acme)
        assert member.get(acme.address("members")).status_code == 303
    assert state(acme, rehearsed) == (Enforcement.REQUIRED, None, None)
    [letter] = acme.world.letters("sso_rehearsal")
    assert (letter.to_address, letter.data["what"], letter.data["people"]) == (acme.owner.email, "required", 3)
    entry = acme.entries()[-1]
    assert (entry.event, entry.actor_name) == ("sso.enforced", "Vestibule")
    assert entry.after == {"enforcement": "required", "required_from": None}


def nobody(_acme: Acme, _desk: Desk) -> None:
    """Let no owner be linked."""


def took_back(acme: Acme, desk: Desk) -> None:
    """Let the provider have taken the owner's identity back."""
    number = desk.know(acme.owner)

    def invalidate() -> None:
        db.session.get_one(Identity, number).invalid_since = clock.now()

    acme.world.write(invalidate)


def long_ago(acme: Acme, desk: Desk) -> None:
    """Let the owner have come through the provider longer ago than it counts."""
    number = desk.know(acme.owner)

    def age() -> None:
        db.session.get_one(Identity, number).last_verified_at = clock.now() - timedelta(days=8)

    acme.world.write(age)


def suspended(acme: Acme, desk: Desk) -> None:
    """Let only an owner be linked whose membership is suspended."""
    desk.know(acme.suspended)


def another_role(acme: Acme, desk: Desk) -> None:
    """Let only somebody else be linked."""
    desk.know(acme.manager)


def fails(acme: Acme, desk: Desk) -> None:
    """Let the provider have failed its last check, though an owner has come through it of late."""
    desk.know(acme.owner)
    desk.set(probe_problem="unreachable")


@pytest.mark.parametrize(
    "happens", [nobody, took_back, long_ago, suspended, another_role, fails], ids=lambda step: step.__name__
)
def test_A22_it_stays_optional_where_no_owner_could_come_in(
    acme: Acme, rehearsed: Desk, happens: Callable[[Acme, Desk], None]
) -> None:
    with time_machine.travel(BEGINS + timedelta(minutes=1), tick=False):
        happens(acme, rehearsed)
        work(acme)
        browser = acme.world.browser(acme.owner)
        assert browser.get(acme.address("members")).status_code == 200
        assert state(acme, rehearsed) == (Enforcement.OPTIONAL, None, None)
        for path in ("/sso", "/sso/enforce"):
            assert "no owner could have come in" in browser.get(f"/orgs/{acme.slug}{path}").text
        work(acme)
        assert post(browser, rehearsed.address("enforce"), enforcement="optional", from_date="").status_code == 303
        assert "no owner could have come in" not in browser.get(acme.address("sso")).text
    [letter] = acme.world.letters("sso_rehearsal")
    assert (letter.to_address, letter.data["what"]) == (acme.owner.email, "kept")


def test_worker_that_never_comes_locks_nobody_out(acme: Acme, rehearsed: Desk) -> None:
    with time_machine.travel(BEGINS + timedelta(days=30), tick=False):
        assert acme.world.browser(acme.member).get(acme.address("members")).status_code == 200
