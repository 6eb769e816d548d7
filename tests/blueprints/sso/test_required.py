"""Single sign-on that is required: what a session reaches that did not come through the provider, or too long ago."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import update

from tests.support.acme import Acme
from tests.support.pages import PANEL, Page
from tests.support.sso import Desk
from tests.support.statements import queries
from tests.support.teams import make_project, make_team
from tests.support.worlds import World, post
from webapp import clock
from webapp.db import db
from webapp.models import Enforcement, Identity, Session

PAGES = ["members", "members/pending", "projects", "teams", "audit", "settings", "sso", "sso/setup"]


@pytest.fixture
def required(desk: Desk) -> Desk:
    """The connection, which Acme requires."""
    desk.set(enforcement=Enforcement.REQUIRED)
    return desk


@pytest.mark.parametrize("path", PAGES)
def test_A22_whoever_is_not_linked_is_led_to_link_and_back(acme: Acme, required: Desk, path: str) -> None:
    address = acme.address(path)
    with acme.unchanged():
        answer = acme.browser(acme.owner).get(address)
    assert (answer.status_code, answer.location) == (303, f"{required.address('link')}?next={address}")
    page = acme.browser(acme.owner).get(answer.location).text
    assert "requires this" in page


def test_whoever_does_not_want_to_link_may_leave_and_sees_nothing_of_what_they_reach(
    world: World, acme: Acme, required: Desk
) -> None:
    required.know(acme.member)
    browser = acme.browser(acme.member)
    assert acme.address("leave") in browser.get(required.address("link")).text
    with acme.unchanged():
        page = browser.get(acme.address("leave"))
        assert post(browser, acme.address("leave")).status_code == 422
    assert (page.status_code, "What this changes" in page.text) == (200, False)
    assert post(browser, acme.address("leave"), **Page(page).answer()).status_code == 303
    assert "Mina Member" not in world.roles(acme.slug)
    assert acme.events()[-1] == "member.left"


def test_A01_nobody_leaves_at_a_providers_word_that_counts_no_more(world: World, acme: Acme, required: Desk) -> None:
    required.know(acme.member)
    browser = world.browser()
    required.sign_in(browser)
    with time_machine.travel(clock.now() + timedelta(days=7.1), tick=False):
        world.write(_keep_awake)
        with acme.unchanged():
            assert browser.get(acme.address("leave")).status_code == 303
            assert post(browser, acme.address("leave"), confirm="1").location == required.address("login")
    assert "Mina Member" in world.roles(acme.slug)


def test_fragments_and_forms_are_told_to_leave_the_page(acme: Acme, required: Desk) -> None:
    browser = acme.browser(acme.owner)
    with acme.unchanged():
        answer = browser.get(acme.address("members"), headers=PANEL)
        sent = post(browser, acme.address("settings"), name="Other", slug=acme.slug, invitation_lifetime_days="7")
    assert (answer.status_code, answer.headers["HX-Redirect"], answer.data) == (401, required.address("link"), b"")
    assert (sent.status_code, sent.location) == (303, required.address("link"))


def test_whoever_links_is_in_at_once(acme: Acme, required: Desk) -> None:
    browser = acme.browser(acme.member)
    answer = required.sign_in(browser, f"link?next={acme.address('projects')}")
    assert answer.location == acme.address("projects")
    assert browser.get(answer.location).status_code == 200


def test_linked_session_that_came_by_a_password_is_led_to_the_provider(acme: Acme, required: Desk) -> None:
    required.know(acme.member)
    browser = acme.browser(acme.member)
    address = acme.address("members?q=mia")
    answer = browser.get(address)
    assert answer.location == f"{required.address('login')}?next=/orgs/{acme.slug}/members%3Fq%3Dmia"
    assert required.sign_in(browser, answer.location.partition("/sso/")[2]).location == address
    assert browser.get(address).status_code == 200


def test_session_that_came_through_too_long_ago_is_asked_again(world: World, acme: Acme, required: Desk) -> None:
    required.know(acme.member)
    browser = world.browser()
    required.sign_in(browser)
    began = clock.now()
    for days, status in ((6.9, 200), (7.1, 303)):
        with time_machine.travel(began + timedelta(days=days), tick=False):
            world.write(_keep_awake)
            assert browser.get(acme.address("members")).status_code == status


def test_identity_that_the_provider_takes_back_opens_nothing(world: World, acme: Acme, required: Desk) -> None:
    number = required.know(acme.member)
    browser = world.browser()
    required.sign_in(browser)

    def invalidate() -> None:
        db.session.get_one(Identity, number).invalid_since = clock.now()

    world.write(invalidate)
    assert browser.get(acme.address("members")).status_code == 303


@pytest.mark.parametrize(
    "values",
    [{"enforcement": Enforcement.OPTIONAL}, {"required_from": clock.now() + timedelta(days=1)}],
    ids=["optional", "rehearsal"],
)
def test_nothing_is_asked_where_nothing_is_required_yet(acme: Acme, required: Desk, values: dict[str, Any]) -> None:
    required.set(**values)
    assert acme.browser(acme.member).get(acme.address("members")).status_code == 200


def test_suspended_people_and_strangers_learn_nothing_of_it(acme: Acme, required: Desk) -> None:
    for person in (acme.suspended, acme.stranger):
        assert acme.browser(person).get(acme.address("members")).status_code == 404


def test_other_organizations_ask_for_nothing(acme: Acme, required: Desk) -> None:
    assert acme.browser(acme.stranger).get(f"/orgs/{acme.other_slug}/members").status_code == 200


def test_page_of_somebody_barred_says_so(world: World, acme: Acme, required: Desk) -> None:
    required.know(acme.owner)
    make_project(acme, "Payroll", make_team(acme, "Red"))
    browser = world.browser()
    required.sign_in(browser)
    page = browser.get(acme.address(f"members/{acme.member_id(acme.member)}")).text
    assert "single sign-on is required" in page


def test_being_required_costs_no_statement(world: World, acme: Acme, desk: Desk) -> None:
    desk.know(acme.owner)
    browser = world.browser()
    desk.sign_in(browser)
    counted = []
    for enforcement in (Enforcement.OFF, Enforcement.REQUIRED):
        desk.set(enforcement=enforcement)
        browser.get(acme.address("members"))
        with queries(world.app) as asked:
            assert browser.get(acme.address("members")).status_code == 200
        counted.append(len(asked))
    assert counted[0] == counted[1]


def _keep_awake() -> None:
    db.session.execute(update(Session).values(last_seen_at=clock.now()))
