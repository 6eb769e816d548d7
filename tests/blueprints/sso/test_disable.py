"""Switching single sign-on off: who is told, who is out, and who reads before that it would be so."""

from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import update

from tests.support.acme import Acme
from tests.support.pages import Page
from tests.support.sso import Desk, at_provider, signed_in_as, work
from tests.support.worlds import Person, World, post
from webapp import clock
from webapp.db import db
from webapp.models import EmailAddress, IdentityProvider, ProviderStatus, Role, User


@pytest.fixture
def browser(acme: Acme, desk: Desk) -> FlaskClient:
    """The browser of Acme's owner, where single sign-on is in use."""
    return acme.browser(acme.owner)


def switch_off(browser: FlaskClient, desk: Desk) -> int:
    question = Page(browser.get(desk.address("disable")))
    return post(browser, desk.address("disable"), **question.answer()).status_code


def take_password(world: World, person: Person) -> None:
    theirs = update(User).where(User.id == person.user_id).values(password_hash=None)
    world.write(lambda: db.session.execute(theirs))


def take_proof(world: World, person: Person) -> None:
    theirs = update(EmailAddress).where(EmailAddress.user_id == person.user_id).values(verified_at=None)
    world.write(lambda: db.session.execute(theirs))


def test_page_names_who_has_no_other_way_in_and_changes_nothing(
    world: World, acme: Acme, desk: Desk, browser: FlaskClient
) -> None:
    for number, person in enumerate((acme.owner, acme.admin, acme.member)):
        desk.know(person, f"u-{number}")
    take_password(world, acme.admin)
    take_password(world, acme.member)
    take_proof(world, acme.member)
    with acme.unchanged():
        page = browser.get(desk.address("disable")).text
        assert post(browser, desk.address("disable")).status_code == 422
    assert "Adam Admin, adam@example.com, has no password and chooses one first" in page
    assert "Mina Member, mina@example.com, verifies the address first" in page
    assert "Olive Owner, olive@example.com" not in page


def test_A23_whoever_came_in_by_it_alone_is_out_and_nobody_comes_in_any_more(
    world: World, acme: Acme, desk: Desk, browser: FlaskClient
) -> None:
    desk.know(acme.member)
    theirs, full = world.browser(), acme.browser(acme.member)
    desk.sign_in(theirs)
    desk.sign_in(full)
    assert signed_in_as(theirs) == signed_in_as(full) == "Mina Member"
    assert switch_off(browser, desk) == 303
    provider = world.read(lambda: db.session.get_one(IdentityProvider, desk.provider_id))
    assert provider.status is ProviderStatus.DISABLED
    assert signed_in_as(theirs) is None
    assert signed_in_as(full) == "Mina Member"
    assert acme.browser().get(desk.address("login")).status_code == 404
    assert acme.events()[-1] == "sso.disabled"


def test_A23_browser_that_came_in_to_another_organization_too_stays_there(
    world: World, acme: Acme, desk: Desk, browser: FlaskClient
) -> None:
    other = Desk(acme, desk.theirs, acme.other_slug)
    world.member(acme.other_slug, acme.member, Role.MEMBER)
    desk.know(acme.member)
    other.know(acme.member)
    theirs = world.browser()
    desk.sign_in(theirs)
    other.sign_in(theirs)
    switch_off(browser, desk)
    assert theirs.get(f"/orgs/{acme.other_slug}/members").status_code == 200
    assert theirs.get(acme.address("members")).status_code != 200


def test_A23_way_to_the_provider_that_was_begun_before_ends_nowhere(
    world: World, acme: Acme, desk: Desk, browser: FlaskClient
) -> None:
    desk.know(acme.member)
    theirs = world.browser()
    back = at_provider(desk.way_out(theirs))
    switch_off(browser, desk)
    assert theirs.get(back).status_code == 409
    assert desk.theirs.hits["token"] == 0


def test_linked_people_are_told_with_a_way_to_a_password(
    world: World, acme: Acme, desk: Desk, browser: FlaskClient
) -> None:
    for number, person in enumerate((acme.owner, acme.admin)):
        desk.know(person, f"u-{number}")
    take_password(world, acme.admin)
    switch_off(browser, desk)
    work(world.app)
    told = {letter.to_address: letter.data["has_password"] for letter in world.letters("sso_disabled")}
    assert told == {acme.owner.email: True, acme.admin.email: False}
    assert post(world.browser(), "/forgot-password", email=acme.admin.email).status_code == 303
    assert world.letters("password_reset")[-1].state == "queued"


def test_question_that_somebody_else_has_moved_on_from_is_asked_again(
    world: World, acme: Acme, desk: Desk, browser: FlaskClient
) -> None:
    question = Page(browser.get(desk.address("disable"))).answer()
    desk.know(acme.member)
    take_password(world, acme.member)
    with acme.unchanged("session", "member"):
        assert post(browser, desk.address("disable"), **question).status_code == 409


def test_E14_session_older_than_ten_minutes_switches_nothing_off_and_sets_no_rules(acme: Acme, desk: Desk) -> None:
    browser = acme.browser(acme.owner)
    with time_machine.travel(clock.now() + timedelta(minutes=11), tick=False), acme.unchanged("session", "member"):
        assert browser.get(desk.address("disable")).status_code == 403
        assert post(browser, desk.address("disable"), confirm="1").status_code == 403
        assert post(browser, acme.address("sso"), joining="invited").status_code == 403
        assert "Sign in again first" in browser.get(acme.address("sso")).text


def test_only_owners_switch_off_what_is_on(acme: Acme, desk: Desk, browser: FlaskClient) -> None:
    assert post(acme.browser(acme.manager), desk.address("disable"), confirm="1").status_code == 403
    assert switch_off(browser, desk) == 303
    assert post(browser, desk.address("disable"), confirm="1").status_code == 404


def test_page_says_that_it_is_switched_off_and_what_is_kept(acme: Acme, desk: Desk, browser: FlaskClient) -> None:
    assert "Switched off" not in Page(browser.get(acme.address("sso"))).text
    assert switch_off(browser, desk) == 303
    page = Page(browser.get(acme.address("sso"))).text
    assert "Switched off" in page
    assert "claim mappings and the recovery codes are kept" in page
    assert "Nobody signs in through a provider yet" not in page
    assert "Members of Acme sign in through your identity provider." not in page


def test_switching_off_asks_whoever_signed_in_a_while_ago_to_sign_in_again_first(
    acme: Acme, desk: Desk, browser: FlaskClient
) -> None:
    with time_machine.travel(clock.now() + timedelta(minutes=11), tick=False):
        page = Page(browser.get(acme.address("sso")))
        assert page.by_id("switch-off").attributes["href"] == desk.address("disable")
        answer = browser.get(desk.address("disable"))
    assert (answer.status_code, "Please sign in again" in answer.text) == (403, True)


def test_title_of_the_question_keeps_its_words_whole_and_what_is_typed_text(
    acme: Acme, desk: Desk, browser: FlaskClient
) -> None:
    title = Page(browser.get(desk.address("disable"))).by_id("page-title")
    assert title.text == "Switch single sign-on off?"
    assert '<span class="unbroken">sign-on</span>' in browser.get(desk.address("disable")).text
    rename = "<b>sign-on"
    acme.world.write(lambda: setattr(acme.organization(), "name", rename))
    desk.sign_in(browser)
    desk.link(browser)
    asked = post(browser, desk.address("enforce"), enforcement="required", from_date="").text
    assert '&lt;b&gt;<span class="unbroken">sign-on</span>' in asked
