"""Requiring single sign-on: who may, what the page says first, and that nobody locks the owners out by it."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from flask.testing import FlaskClient

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.pages import PANEL, Page
from tests.support.requiring import REQUIRED, policy
from tests.support.sso import Desk, work
from tests.support.statements import queries
from tests.support.worlds import World, post
from webapp import clock
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import Enforcement, Identity, Role
from webapp.services.sso import enforcement
from webapp.services.sso.errors import NotThroughProvider

SYSTEM = Actor.system()


@pytest.fixture
def browser(world: World, acme: Acme, desk: Desk) -> FlaskClient:
    """The browser of the owner, who is linked and has just come through the provider."""
    desk.know(acme.owner)
    browser = world.browser(acme.owner)
    desk.sign_in(browser)
    return browser


def test_page_names_who_would_be_kept_out_and_asks_first(acme: Acme, desk: Desk, browser: FlaskClient) -> None:
    desk.know(acme.member, "u-2")
    with acme.unchanged("session", "member"):
        page = browser.get(desk.address("enforce")).text
        answer = post(browser, desk.address("enforce"), **REQUIRED)
    for said in (page, answer.text):
        assert "Adam Admin" in said
        assert "Mina Member" not in said
    assert answer.status_code == 422


def test_cancel_of_the_question_leads_back_to_what_was_chosen(acme: Acme, desk: Desk, browser: FlaskClient) -> None:
    day = str(clock.now().date() + timedelta(days=9))
    with acme.unchanged("session", "member"):
        question = Page(post(browser, desk.address("enforce"), **REQUIRED | {"from_date": day}))
        answer = post(browser, desk.address("enforce"), **question.cancel())
    page = Page(answer)
    assert (answer.status_code, page.checked("enforcement")) == (200, ["required"])
    assert page.by_id("from_date").attributes["value"] == day


def test_who_would_be_kept_out_is_reminded_as_it_stands_with_each(acme: Acme, desk: Desk, browser: FlaskClient) -> None:
    desk.know(acme.member, "u-2")
    number = desk.know(acme.admin, "u-3")
    acme.world.write(lambda: setattr(db.session.get_one(Identity, number), "invalid_since", clock.now()))
    assert post(browser, desk.address("remind"), whom="outside", all="1").location == desk.address("outside")
    work(acme.world.app)
    said = {letter.to_address: letter.data["is_linked"] for letter in acme.world.letters("sso_link_reminder")}
    assert said == {acme.manager.email: False, acme.admin.email: True}


@pytest.mark.parametrize("headers", [{}, PANEL], ids=["page", "htmx"])
def test_whoever_reminds_all_on_the_page_that_requires_it_stays_there_and_is_told(
    acme: Acme, desk: Desk, browser: FlaskClient, headers: dict[str, str]
) -> None:
    path = desk.address("enforce")
    page = Page(browser.get(path))
    sent = {field: page.named(field)[0].attributes["value"] for field in ("whom", "enforcing", "all")}
    answer = post(browser, desk.address("remind"), **sent)
    assert (answer.status_code, answer.location) == (303, path)
    shown = Page(browser.get(path, headers=headers))
    assert "Reminders leave soon, to 3 people at most" in shown.by_id("notices").text
    assert shown.checked("enforcement") == page.checked("enforcement")


def test_all_who_would_be_kept_out_are_listed_in_pages_each_with_a_reminder(
    acme: Acme, desk: Desk, browser: FlaskClient
) -> None:
    members = crowds.join(acme, [(f"Person {n:02}", f"p{n}@example.net") for n in range(60)])
    question = post(browser, desk.address("enforce"), **REQUIRED).text
    assert f'href="{desk.address("outside")}"' in question
    page = browser.get(desk.address("outside")).text
    following = page.partition("outside?after=")[2].partition('"')[0]
    page = browser.get(desk.address(f"outside?after={following}")).text
    assert ("Person 40" in page, "Person 59" in page) == (False, True)
    post(browser, desk.address("remind"), whom="outside", member=str(members[-1]))
    assert [letter.to_address for letter in acme.world.letters("sso_link_reminder")] == ["p59@example.net"]


def test_who_has_confirmed_does_not_wait_for_the_list_again(
    world: World, acme: Acme, desk: Desk, browser: FlaskClient
) -> None:
    question = Page(post(browser, desk.address("enforce"), **REQUIRED))
    with queries(world.app) as asked:
        assert post(browser, desk.address("enforce"), **question.answer()).status_code == 303
    assert [statement for statement in asked if "sort_name" in statement and "LIMIT" in statement] == []


def leave_out(acme: Acme, desk: Desk) -> None:
    """Let one member more be kept out."""
    crowds.join(acme, [("Nora New", "nora@example.net")])


def let_an_owner_come_in(acme: Acme, desk: Desk) -> None:
    """Let somebody linked be an owner: as many as before are kept out."""
    acme.change(acme.admin, role=Role.OWNER)


def leave_somebody_else_out(acme: Acme, desk: Desk) -> None:
    """Let somebody be kept out, and another not any more: they are as many as before."""
    desk.know(acme.member, "u-3")
    leave_out(acme, desk)


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        (leave_out, "Nora New"),
        (let_an_owner_come_in, "2 owners could"),
        (leave_somebody_else_out, "Nora New"),
    ],
)
def test_yes_to_something_else_than_what_was_shown_is_none(
    acme: Acme, desk: Desk, browser: FlaskClient, change: Callable[[Acme, Desk], None], shown: str
) -> None:
    desk.know(acme.admin, "u-2")
    question = Page(post(browser, desk.address("enforce"), **REQUIRED))
    assert "1 owner could come in now." in question.text
    change(acme, desk)
    with acme.unchanged("session", "member"):
        answer = post(browser, desk.address("enforce"), **question.answer())
    page = Page(answer)
    assert (answer.status_code, shown in page.text) == (409, True)
    assert "Something changed in the meantime, so nothing was done." in page.text
    assert post(browser, desk.address("enforce"), **page.answer()).status_code == 303
    assert policy(acme, desk) == (Enforcement.REQUIRED, None)


def test_yes_is_none_once_other_owners_could_come_in_than_were_counted(
    acme: Acme, desk: Desk, browser: FlaskClient
) -> None:
    """They are as many as before, so the page reads the same."""
    desk.know(acme.admin, "u-2")
    desk.know(acme.manager, "u-3")
    acme.change(acme.admin, role=Role.OWNER)
    question = Page(post(browser, desk.address("enforce"), **REQUIRED))
    acme.change(acme.admin, role=Role.ADMIN)
    acme.change(acme.manager, role=Role.OWNER)
    with acme.unchanged("session", "member"):
        answer = post(browser, desk.address("enforce"), **question.answer())
    assert (answer.status_code, "2 owners could come in now." in Page(answer).text) == (409, True)


def test_requiring_is_kept_told_and_in_force_at_once(acme: Acme, desk: Desk, browser: FlaskClient) -> None:
    other = acme.browser(acme.member)
    assert other.get(acme.address("members")).status_code == 200
    assert post(browser, desk.address("enforce"), **REQUIRED, confirm="1").status_code == 303
    assert policy(acme, desk) == (Enforcement.REQUIRED, None)
    assert other.get(acme.address("members")).status_code == 303
    assert browser.get(acme.address("members")).status_code == 200
    assert [letter.to_address for letter in acme.world.letters("sso_enforced")] == [acme.owner.email]
    assert acme.events()[-1] == "sso.enforced"
    entry = acme.entries()[-1]
    assert entry.before == {"enforcement": "off", "required_from": None}
    assert entry.after == {"enforcement": "required", "required_from": None}
    log = browser.get(acme.address("audit")).text
    for said in ("Olive Owner required members to come through", "Must members come through the provider?", "Required"):
        assert said in log


def test_day_from_which_it_is_required_may_be_ahead(acme: Acme, desk: Desk, browser: FlaskClient) -> None:
    day = clock.now().date() + timedelta(days=7)
    begins = datetime.combine(day, time.min, UTC)
    form = {**REQUIRED, "from_date": day.isoformat()}
    assert post(browser, desk.address("enforce"), **form, confirm="1").status_code == 303
    assert policy(acme, desk) == (Enforcement.REQUIRED, begins)
    assert acme.browser(acme.member).get(acme.address("members")).status_code == 200


@pytest.mark.parametrize("days", [0, -1, 400])
def test_day_that_is_none_is_refused_and_kept(acme: Acme, desk: Desk, browser: FlaskClient, days: int) -> None:
    day = (clock.now().date() + timedelta(days=days)).isoformat()
    with acme.unchanged("session", "member"):
        answer = post(browser, desk.address("enforce"), **{**REQUIRED, "from_date": day}, confirm="1")
    assert answer.status_code == 422
    assert f'value="{day}"' in answer.text


def test_A22_owner_who_came_by_a_password_requires_nothing(acme: Acme, desk: Desk) -> None:
    desk.know(acme.owner)
    with acme.unchanged("session", "member"):
        for more in ({}, {"confirm": "1"}):
            answer = post(acme.browser(acme.owner), desk.address("enforce"), **REQUIRED, **more)
            assert answer.status_code == 422
            assert re.search(r'value="required" required checked', answer.text)
            assert f"{desk.address('login')}?next={desk.address('enforce')}" in answer.text
    wanted = enforcement.EnforcementPolicy(Enforcement.REQUIRED)
    with pytest.raises(NotThroughProvider):
        acme.act(acme.owner, lambda actor, organization: enforcement.enforce(actor, organization, wanted, 1))
    assert policy(acme, desk) == (Enforcement.OFF, None)


@pytest.mark.parametrize("wanted", ["off", "required"])
def test_A01_owner_at_the_word_of_the_provider_alone_changes_nothing(
    world: World, acme: Acme, desk: Desk, wanted: str
) -> None:
    desk.set(enforcement=Enforcement.OPTIONAL)
    desk.know(acme.owner)
    browser = world.browser()
    desk.sign_in(browser)
    with acme.unchanged():
        answer = post(browser, desk.address("enforce"), enforcement=wanted, from_date="", confirm="1")
    assert answer.status_code == 403
    assert "You came in through single sign-on alone" in answer.text
    assert f"{desk.address('login')}?next=" not in answer.text
    assert f"/login?next={desk.address('enforce')}&amp;again=1" in answer.text


def test_A22_owner_who_came_through_longer_ago_requires_nothing(acme: Acme, desk: Desk, browser: FlaskClient) -> None:
    with time_machine.travel(clock.now() + timedelta(minutes=10, seconds=1), tick=False):
        assert post(browser, desk.address("enforce"), **REQUIRED, confirm="1").status_code == 422
    assert policy(acme, desk) == (Enforcement.OFF, None)


def test_only_owners_require_it(acme: Acme, desk: Desk) -> None:
    assert post(acme.browser(acme.manager), desk.address("enforce"), **REQUIRED, confirm="1").status_code == 403


def test_owner_stops_requiring_it(acme: Acme, desk: Desk, browser: FlaskClient) -> None:
    desk.set(enforcement=Enforcement.REQUIRED)
    assert post(browser, desk.address("enforce"), enforcement="off", from_date="").status_code == 303
    assert policy(acme, desk) == (Enforcement.OFF, None)
    assert acme.browser(acme.member).get(acme.address("members")).status_code == 200


def test_A22_bypass_lets_people_in_and_ends_by_itself(acme: Acme, desk: Desk) -> None:
    desk.set(enforcement=Enforcement.REQUIRED)
    browser = acme.browser(acme.owner)
    assert browser.get(acme.address("members")).status_code == 303
    acme.world.write(lambda: enforcement.bypass(SYSTEM, acme.organization(), timedelta(minutes=30)))
    assert browser.get(acme.address("members")).status_code == 200
    assert acme.events()[-1] == "sso.bypassed"
    assert [letter.to_address for letter in acme.world.letters("sso_bypassed")] == [acme.owner.email]
    with time_machine.travel(clock.now() + timedelta(minutes=31), tick=False):
        assert browser.get(acme.address("members")).status_code == 303


def test_bypass_is_shown_and_ended_by_requiring_or_by_switching_off(
    acme: Acme, desk: Desk, browser: FlaskClient
) -> None:
    for enforcement_after in (Enforcement.REQUIRED, Enforcement.OFF):
        desk.set(enforcement=Enforcement.REQUIRED, required_from=None)
        until = acme.world.write(lambda: enforcement.bypass(SYSTEM, acme.organization(), timedelta(minutes=30)))
        page = browser.get(desk.address("enforce")).text
        assert f"Bypassed: members have to come through it again from {until.day} {until:%b %Y, %H:%M} UTC on." in page
        [day] = re.findall(r'name="from_date"[^>]*value="([^"]*)"', page)
        form = {"enforcement": enforcement_after.value, "from_date": day, "confirm": "1"}
        assert post(browser, desk.address("enforce"), **form).status_code == 303
        kept, begins = policy(acme, desk)
        assert (kept, begins != until) == (enforcement_after, True)


@pytest.mark.parametrize("chosen", ["off", "optional", "required", "later"])
def test_notice_the_audit_log_and_the_page_say_what_was_chosen(
    acme: Acme, desk: Desk, browser: FlaskClient, chosen: str
) -> None:
    begins = clock.now() + timedelta(days=9)
    form = {"enforcement": "required", "from_date": begins.date().isoformat()} if chosen == "later" else {}
    desk.set(enforcement=Enforcement.OPTIONAL if chosen == "off" else Enforcement.OFF)
    answer = post(browser, desk.address("enforce"), **{"enforcement": chosen, "from_date": "", **form, "confirm": "1"})
    notices = {
        "off": "Requiring single sign-on is off",
        "optional": "Single sign-on is optional now. All owners are told by email.",
        "required": "Single sign-on is required now. All owners are told by email.",
        "later": f"will be required from {begins.day} {begins:%b %Y} on; until then it is rehearsed.",
    }
    sentences = {
        "off": "Olive Owner switched off that members must come through",
        "optional": f"Olive Owner made coming through {desk.theirs.issuer.removeprefix('http://')} optional",
        "required": "Olive Owner required members to come through",
        "later": f"from {begins.day} {begins:%b %Y}, 00:00 UTC on, rehearsed until then",
    }
    headings = {"required": "Who is kept out now"}
    page = browser.get(answer.location).text
    assert notices[chosen] in page
    assert headings.get(chosen, "Who would be kept out now") in page
    assert sentences[chosen] in browser.get(acme.address("audit")).text
    assert headings.get(chosen, "Who would be kept out now") in browser.get(desk.address("outside")).text


def test_audit_log_shows_only_what_is_another_since(acme: Acme, desk: Desk, browser: FlaskClient) -> None:
    desk.set(enforcement=Enforcement.REQUIRED, rehearsed_since=clock.now(), required_from=clock.now())
    post(browser, desk.address("enforce"), **REQUIRED, confirm="1")
    log = browser.get(acme.address("audit"), query_string={"event": "sso.enforced"}).text
    assert "From this day on" in log
    assert "Must members come through the provider?" not in log


def test_bypass_is_said_to_be_by_somebody_with_access_to_the_server(
    acme: Acme, desk: Desk, browser: FlaskClient
) -> None:
    desk.set(enforcement=Enforcement.REQUIRED)
    acme.world.write(lambda: enforcement.bypass(SYSTEM, acme.organization(), timedelta(minutes=30)))
    log = browser.get(acme.address("audit")).text
    assert "Somebody with access to the server let members in without" in log
    assert "Bypassed until" in browser.get(acme.address("sso")).text


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "Requirement: off"),
        ({"enforcement": Enforcement.OPTIONAL}, "Requirement: optional"),
        ({"enforcement": Enforcement.REQUIRED}, "Requirement: in force"),
    ],
)
def test_row_of_the_status_is_the_status(
    acme: Acme, desk: Desk, browser: FlaskClient, values: dict[str, Enforcement], said: str
) -> None:
    desk.set(**values)
    assert said in Page(browser.get(acme.address("sso"))).text
