"""Memberships that end on a day: setting, changing and clearing it, what happens after it, and what refuses it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import update
from werkzeug.test import TestResponse

from tests.support.acme import Acme
from tests.support.pages import PANEL, Page
from tests.support.teams import make_project, make_team, memberships
from tests.support.worlds import Person, World, csrf_token, post
from webapp import clock
from webapp.access.impact import EVERY_PROJECT
from webapp.db import db
from webapp.models import MemberStatus, RemovedMember, Role
from webapp.services import removals, sessions

MIDNIGHT = time(tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("within_a_day")


def ahead(days: int) -> date:
    return clock.now().date() + timedelta(days=days)


def set_end(acme: Acme, day: date | str | None, actor: Person | None = None, **fields: Any) -> TestResponse:
    """Send the form about Mina Member, or about `person`."""
    number = acme.member_id(fields.pop("person", acme.member))
    form = {"last_day": str(day or ""), "confirm": "1", **fields}
    return post(acme.browser(actor or acme.manager), acme.address(f"members/{number}/end"), **form)


def end(acme: Acme, person: Person) -> str:
    """Let somebody's membership have ended with yesterday; return that day as pages say it."""
    acme.change(person, expires_at=datetime.combine(ahead(0), MIDNIGHT))
    return said(ahead(-1))


def said(day: date) -> str:
    return f"{day.day} {day:%b} {day.year}"


def stored_last(acme: Acme) -> dict[str, Any]:
    """Return what the newest audit entry says is so since."""
    return acme.entries()[-1].after or {}


def page_of(acme: Acme, path: str, viewer: Person | None = None) -> Page:
    return Page(acme.browser(viewer or acme.owner).get(acme.address(path)))


def test_setting_the_end_asks_first_and_shows_what_they_reach_now(acme: Acme) -> None:
    make_project(acme, "Payroll", make_team(acme, "Red"))
    with acme.unchanged():
        asked = Page(set_end(acme, ahead(9), confirm=""))
    assert f"Let the membership of Mina Member end on {said(ahead(9))}?" in asked.text
    assert "1 person reaches less than before." in asked.text
    assert "Every project" in asked.text


@pytest.mark.parametrize("headers", [{}, PANEL], ids=["page", "htmx"])
def test_end_that_is_confirmed_is_kept_audited_and_told(acme: Acme, headers: dict[str, str]) -> None:
    answer = set_end(acme, ahead(9), headers=headers)
    assert (answer.status_code, answer.location) == (303, acme.address(f"members/{acme.member_id(acme.member)}"))
    entry, ends_at = acme.entries()[-1], datetime.combine(ahead(10), MIDNIGHT).isoformat()
    after = {name: value for name, value in (entry.after or {}).items() if name != "impact"}
    assert (entry.event, entry.before, after) == ("member.end_changed", {"expires_at": None}, {"expires_at": ends_at})
    assert [(one.kind, one.data["expires_at"]) for one in acme.world.letters()] == [("end_changed", ends_at)]


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        ([9], "Mona Manager set the last day of the membership of Mina Member: {day}"),
        ([9, None], "Mona Manager took the end of the membership of Mina Member away"),
    ],
)
def test_history_and_audit_log_say_which_day_is_the_last(acme: Acme, days: list[int | None], sentence: str) -> None:
    for day in days:
        set_end(acme, None if day is None else ahead(day))
    for path in ("audit", f"members/{acme.member_id(acme.member)}"):
        assert sentence.format(day=said(ahead(9))) in page_of(acme, path).text


def test_entry_keeps_what_they_reach_now_and_will_lose(acme: Acme) -> None:
    number = acme.member_id(acme.member)
    make_project(acme, "Payroll", make_team(acme, "Red"))
    set_end(acme, ahead(9))
    assert stored_last(acme)["impact"] == {"people": 1, "shifts": [[number, EVERY_PROJECT, "member", None]]}


def test_audit_log_says_the_last_day_as_pages_do(acme: Acme) -> None:
    set_end(acme, ahead(9))
    set_end(acme, ahead(20))
    log = page_of(acme, "audit").text
    assert f"Membership ends before: {said(ahead(9))} after: {said(ahead(20))}" in log
    assert "Expires" not in log


def test_address_of_the_end_asks_about_the_day_in_it_and_leads_to_the_members_page_without_one(acme: Acme) -> None:
    number, browser = acme.member_id(acme.member), acme.browser(acme.manager)
    address, back = acme.address(f"members/{number}/end"), acme.address(f"members/{number}")
    with acme.unchanged():
        asked = browser.get(f"{address}?last_day={ahead(9)}")
        assert f"Let the membership of Mina Member end on {said(ahead(9))}?" in Page(asked).text
        for nothing in ("", "?last_day="):
            answer = browser.get(address + nothing)
            assert (answer.status_code, answer.location) == (303, back)
        assert Page(browser.get(f"{address}?last_day=soon")).by_id("last_day-error").text


def test_end_stands_on_the_members_page_in_the_list_and_in_the_file(acme: Acme) -> None:
    set_end(acme, ahead(9))
    number = acme.member_id(acme.member)
    assert f"Ends on {said(ahead(9))}" in page_of(acme, "members").by_id(f"member-{number}").text
    page = page_of(acme, f"members/{number}")
    assert page.by_id("last_day").attributes["value"] == ahead(9).isoformat()
    assert f"Membership ends {said(ahead(9))}" in page.text
    lines = acme.browser(acme.owner).get(acme.address("members.csv")).text.splitlines()
    [line] = [line for line in lines if "Mina Member" in line]
    assert (lines[0].split(",")[-1], line.split(",")[-1]) == ("last day", ahead(9).isoformat())


def test_end_is_taken_away_without_a_question(acme: Acme) -> None:
    set_end(acme, ahead(9))
    assert set_end(acme, None, confirm="").status_code == 303
    assert stored_last(acme)["expires_at"] is None
    assert [letter.data.keys() & {"expires_at", "earlier_at"} for letter in acme.world.letters()] == [
        {"expires_at"},
        {"earlier_at"},
    ]


def test_same_end_again_is_neither_asked_nor_told(acme: Acme) -> None:
    set_end(acme, ahead(9))
    with acme.unchanged():
        assert set_end(acme, ahead(9), confirm="").status_code == 303
    assert acme.events().count("member.end_changed") == 1


@pytest.mark.parametrize("day", ["today", "yesterday", "9999-12-31", "0001-01-01", "soon"])
@pytest.mark.parametrize("confirm", ["", "1"])
def test_day_that_is_none_or_not_ahead_is_refused_beside_its_field(acme: Acme, day: str, confirm: str) -> None:
    days = {"today": ahead(0).isoformat(), "yesterday": ahead(-1).isoformat()}
    with acme.unchanged():
        answer = set_end(acme, days.get(day, day), confirm=confirm)
    assert answer.status_code == 422
    assert Page(answer).by_id("last_day-error").text
    assert "member.end_changed" not in acme.events()


def test_owner_gets_no_end(acme: Acme) -> None:
    acme.change(acme.suspended, status=MemberStatus.ACTIVE)
    with acme.unchanged():
        answer = set_end(acme, ahead(9), acme.owner, person=acme.suspended)
    assert answer.status_code == 422
    assert "The membership of an owner has no end." in Page(answer).by_id("last_day-error").text


def test_nobody_whose_membership_ends_becomes_an_owner(acme: Acme) -> None:
    set_end(acme, ahead(9))
    number = acme.member_id(acme.member)
    alone = {"role": "owner", "has_global_access": "1"}
    together = {"action": "role", "to_role": "owner", "ids": number}
    with acme.unchanged():
        for path, form in ((f"members/{number}", alone), ("members/bulk", together)):
            answer = post(acme.browser(acme.owner), acme.address(path), **form, confirm="1")
            assert answer.status_code == 422
            assert "The membership of an owner has no end." in Page(answer).text
    assert acme.world.roles(acme.slug)["Mina Member"] == "member"


def test_D04_D05_end_is_set_by_whoever_may_change_the_role_and_nobody_sets_their_own(acme: Acme) -> None:
    refused: dict[str, tuple[Person, Person, int]] = {
        "without the right": (acme.admin, acme.member, 403),
        "above": (acme.manager, acme.owner, 403),
        "one's own": (acme.manager, acme.manager, 403),
        "a stranger": (acme.stranger, acme.member, 404),
        "suspended": (acme.suspended, acme.member, 404),
    }
    for why, (actor, person, status) in refused.items():
        with acme.unchanged():
            assert set_end(acme, ahead(9), actor, person=person).status_code == status, why


def test_form_that_was_open_while_the_end_changed_stores_nothing(acme: Acme) -> None:
    number = acme.member_id(acme.member)
    [shown, _role] = page_of(acme, f"members/{number}").named("shown")[::-1]
    set_end(acme, ahead(9))
    with acme.unchanged():
        answer = set_end(acme, ahead(5), shown=shown.attributes["value"])
    assert answer.status_code == 409
    assert Page(answer).by_id("last_day").attributes["value"] == ahead(5).isoformat()


def test_D06_last_day_counts_whole_and_the_next_request_after_it_finds_nothing(acme: Acme) -> None:
    over, browser = datetime.combine(ahead(2), MIDNIGHT), acme.browser(acme.member)
    set_end(acme, ahead(1))
    for at, status in ((over - timedelta(seconds=1), 200), (over, 404)):
        with time_machine.travel(at, tick=False):
            acme.wake()
            assert browser.get(acme.address("members")).status_code == status


def test_D06_whoevers_membership_has_ended_is_told_so_and_changes_nothing(acme: Acme) -> None:
    browser = acme.browser(acme.manager)
    token = csrf_token(browser)
    day = end(acme, acme.manager)
    sentence = f"Your membership of Acme ended on {day}. Managers and owners there can renew it."
    with acme.unchanged():
        for answer in (
            browser.get(acme.address("members")),
            browser.post(acme.address("members/new"), data={"emails": "x@example.org", "csrf_token": token}),
        ):
            assert (answer.status_code, sentence in Page(answer).text) == (404, True)
    assert acme.events()[-1] != "access.refused"


def test_A01_session_of_another_organizations_provider_learns_of_no_end(acme: Acme, world: World) -> None:
    end(acme, acme.member)
    confined = {"ip": None, "user_agent": "tests", "is_confined": True}
    browser = world.app.test_client()
    with browser.session_transaction() as cookie:
        cookie["token"] = world.write(sessions.begin, acme.member.user_id, **confined)
    token = csrf_token(browser)
    for answer in (
        browser.get(acme.address("members")),
        browser.post(acme.address("members/new"), data={"csrf_token": token}),
        browser.get("/orgs/"),
    ):
        assert "ended" not in answer.text


def test_organization_whose_membership_has_ended_says_so_on_ones_list_and_is_no_way_in(acme: Acme) -> None:
    day = end(acme, acme.member)
    browser = acme.browser(acme.member)
    assert browser.get("/").location == "/orgs/"
    page = Page(browser.get("/orgs/"))
    assert f"Your membership ended on {day}." in page.text
    assert acme.address("members") not in str([element.attributes for element in page.elements])


def test_list_says_who_has_ended_and_narrows_to_them(acme: Acme) -> None:
    day, number = end(acme, acme.member), acme.member_id(acme.member)
    ended = page_of(acme, "members?status=ended")
    assert ended.rows("member") == [number]
    assert f"Ended on {day}" in ended.by_id(f"member-{number}").text
    assert number not in page_of(acme, "members?status=active").rows("member")
    assert page_of(acme, "members?status=ended&role=admin&q=mina").rows("member") == []


def test_those_who_have_ended_come_by_name_and_are_narrowed_by_role_too(acme: Acme) -> None:
    for person in (acme.member, acme.admin):
        end(acme, person)
    both = [acme.member_id(acme.admin), acme.member_id(acme.member)]
    assert page_of(acme, "members?status=ended&sort=-joined").rows("member") == both
    assert page_of(acme, "members?status=ended&sort=-name").rows("member") == both[::-1]
    assert page_of(acme, "members?status=ended&role=member&sort=role").rows("member") == both[1:]


def test_membership_that_has_ended_is_renewed_without_a_question_and_the_log_keeps_what_they_gain(acme: Acme) -> None:
    make_project(acme, "Payroll", make_team(acme, "Red"))
    end(acme, acme.member)
    assert set_end(acme, ahead(9), confirm="").status_code == 303
    assert stored_last(acme)["impact"]["people"] == 1
    assert acme.browser(acme.member).get(acme.address("members")).status_code == 200


def test_invitations_they_sent_stop_working(acme: Acme, world: World) -> None:
    invited = world.invite(acme.slug, acme.admin, "eva@example.org")
    end(acme, acme.admin)
    assert "Accept" not in Page(acme.browser().get(invited.link)).text


def add(acme: Acme) -> TestResponse:
    acme.world.member(acme.other_slug, acme.owner, Role.MEMBER)
    acme.world.member(acme.other_slug, acme.member, Role.MEMBER)
    form = {"email": acme.member.email, "role": "member", "has_global_access": "1"}
    return post(acme.browser(acme.owner), acme.address("members/add"), **form)


def invite(acme: Acme) -> TestResponse:
    form = {"emails": acme.member.email, "role": "member", "lifetime_days": "7"}
    return post(acme.browser(acme.owner), acme.address("members/new"), **form)


def suggest(acme: Acme) -> TestResponse:
    acme.change(acme.admin, role=Role.MEMBER)
    return post(acme.browser(acme.admin), acme.address("members/requests/new"), email=acme.member.email)


@pytest.mark.parametrize("way", [add, suggest])
def test_who_is_to_come_in_again_is_said_to_be_renewed_instead(acme: Acme, way: Callable[[Acme], TestResponse]) -> None:
    day = end(acme, acme.member)
    answer = way(acme)
    assert answer.status_code == 422
    assert f"is a member already; their membership ended on {day}. It can be renewed" in Page(answer).text
    assert acme.world.letters() == []


def test_invited_again_they_get_no_letter_and_the_page_says_why(acme: Acme) -> None:
    end(acme, acme.member)
    assert "A member already, whose membership has ended." in Page(invite(acme)).text
    assert acme.world.letters() == []


def test_removal_that_is_undone_brings_the_end_back_and_says_that_it_is_over(acme: Acme) -> None:
    day, number = end(acme, acme.member), acme.member_id(acme.member)
    acme.act(acme.owner, lambda actor, here: removals.remove(actor, here, memberships(here, [acme.member])[0]))
    browser = acme.browser(acme.owner)
    answer = post(browser, acme.address(f"members/{number}/undo-removal"))
    assert f"Their membership ended on {day}" in Page(browser.get(answer.location)).by_id("notices").text
    assert [letter.kind for letter in acme.world.letters()] == ["removed"]
    assert acme.browser(acme.member).get(acme.address("members")).status_code == 404


def test_restoring_somebody_whose_membership_has_ended_says_so_and_sends_no_letter(acme: Acme) -> None:
    acme.change(acme.member, status=MemberStatus.SUSPENDED)
    day, browser = end(acme, acme.member), acme.browser(acme.owner)
    answer = post(browser, acme.address(f"members/{acme.member_id(acme.member)}/restore"))
    assert f"Their membership ended on {day}" in Page(browser.get(answer.location)).by_id("notices").text
    assert acme.world.letters() == []


def test_form_that_says_nothing_of_a_day_takes_no_end_away(acme: Acme) -> None:
    set_end(acme, ahead(9))
    with acme.unchanged():
        answer = post(acme.browser(acme.manager), acme.address(f"members/{acme.member_id(acme.member)}/end"))
    assert answer.status_code == 422


def left(acme: Acme, day: date) -> tuple[Page, Page]:
    """Let Mina have left, who was to go after a day; return the removed list, and the page after inviting her again."""
    number, browser = acme.member_id(acme.member), acme.browser(acme.owner)
    acme.act(acme.member, removals.leave)
    over = datetime.combine(day + timedelta(days=1), MIDNIGHT)
    acme.world.write(lambda: db.session.execute(update(RemovedMember).values(expires_at=over)))
    listed = page_of(acme, "members/removed")
    answer = post(browser, acme.address(f"members/{number}/undo-removal"))
    return listed, Page(browser.get(answer.location))


def test_who_left_and_is_invited_again_is_said_to_keep_their_end(acme: Acme) -> None:
    listed, invited = left(acme, ahead(9))
    assert f"Ends on {said(ahead(9))}" in listed.text
    assert f"Their membership ends on {said(ahead(9))}." in invited.by_id("notices").text


def test_who_left_after_their_last_day_is_said_to_be_renewed(acme: Acme) -> None:
    listed, invited = left(acme, ahead(-2))
    assert f"Ended on {said(ahead(-2))}" in listed.text
    assert f"Their membership ended on {said(ahead(-2))}; it is renewed" in invited.by_id("notices").text


def test_removal_undone_by_somebody_who_ends_says_that_it_ends_no_later(acme: Acme) -> None:
    end_on = datetime.combine(ahead(4), MIDNIGHT)
    number = acme.member_id(acme.member)
    acme.act(acme.owner, lambda actor, here: removals.remove(actor, here, memberships(here, [acme.member])[0]))
    acme.change(acme.owner, role=Role.MANAGER, expires_at=end_on)
    browser = acme.browser(acme.owner)
    answer = post(browser, acme.address(f"members/{number}/undo-removal"))
    notices = Page(browser.get(answer.location)).by_id("notices").text
    assert f"Their membership ends on {said(ahead(3))}, no later than yours." in notices
    assert "as before" not in notices


def test_who_ends_lets_nobody_last_longer_and_reads_why_beside_the_day(acme: Acme) -> None:
    acme.change(acme.manager, expires_at=datetime.combine(ahead(4), MIDNIGHT))
    acme.change(acme.member, expires_at=datetime.combine(ahead(2), MIDNIGHT))
    for day in (ahead(9), None):
        with acme.unchanged():
            answer = set_end(acme, day)
        assert answer.status_code == 422
        assert f"Your own membership ends on {said(ahead(3))}:" in Page(answer).by_id("last_day-error").text


def test_who_is_added_by_somebody_who_ends_is_said_to_end_too(acme: Acme) -> None:
    ned = acme.world.person("Ned Nearby", "ned@example.org")
    for person in (ned, acme.manager):
        acme.world.member(acme.other_slug, person, Role.MEMBER)
    acme.change(acme.manager, expires_at=datetime.combine(ahead(4), MIDNIGHT))
    browser = acme.browser(acme.manager)
    form = {"email": ned.email, "role": "member", "has_global_access": "1"}
    answer = post(browser, acme.address("members/add"), **form)
    assert f"Their membership ends on {said(ahead(3))}." in Page(browser.get(answer.location)).by_id("notices").text
    [letter] = acme.world.letters("added")
    assert letter.data["expires_at"] == datetime.combine(ahead(4), MIDNIGHT).isoformat()
