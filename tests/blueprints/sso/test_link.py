"""Linking the account one is signed in to, and taking the link away."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from tests.support.acme import Acme
from tests.support.identity_provider import HostileProvider
from tests.support.sso import Desk, at_provider, signed_in_as
from tests.support.unproven import unproven
from tests.support.visitor import at_once
from tests.support.worlds import PASSWORD, World, csrf_token, post
from webapp import clock
from webapp.db import db
from webapp.models import Enforcement, Role, User


def test_whoever_is_signed_in_is_linked_and_told(acme: Acme, desk: Desk) -> None:
    browser = acme.browser(acme.member)
    assert desk.link(browser).status_code == 303
    assert desk.identities() == [("u-1", acme.member.user_id)]
    assert acme.events()[-1] == "sso.linked"
    assert [letter.to_address for letter in acme.world.letters("sso_linked")] == [acme.member.email]
    assert desk.sign_in(acme.world.browser()).status_code == 303


def test_consent_is_asked_for_when_an_account_is_linked_and_not_at_each_sign_in(acme: Acme, desk: Desk) -> None:
    browser = acme.browser(acme.member)
    assert "prompt=consent" in desk.way_out(browser, "link")
    assert "prompt" not in desk.way_out(browser)


def test_linking_again_changes_nothing_but_when_they_were_verified(acme: Acme, desk: Desk) -> None:
    browser = acme.browser(acme.member)
    desk.link(browser)
    desk.link(browser)
    assert desk.identities() == [("u-1", acme.member.user_id)]
    assert acme.events().count("sso.linked") == 1


def test_identity_of_somebody_else_is_refused_and_both_are_told(acme: Acme, desk: Desk) -> None:
    desk.know(acme.admin)
    with acme.unchanged("sso_flow", "outbox_message"):
        assert desk.link(acme.browser(acme.member)).status_code == 409
    told = {letter.to_address: letter.data["is_theirs"] for letter in acme.world.letters("sso_link_refused")}
    assert told == {acme.member.email: False, acme.admin.email: True}
    assert acme.events()[-1] == "sso.refused"


def test_A03_A22_identity_that_was_somebody_elses_is_refused_too_and_they_may_link_it_again(
    acme: Acme, desk: Desk
) -> None:
    """Else whoever knows the password of somebody not linked yet could come in as them, by what was their own."""
    adams = acme.browser(acme.admin)
    desk.link(adams)
    assert post(adams, desk.address("unlink"), confirm="1").status_code == 303
    desk.set(enforcement=Enforcement.REQUIRED)
    with acme.unchanged("sso_flow", "outbox_message"):
        refused = desk.link(acme.browser(acme.member))
    assert (refused.status_code, "linked to somebody else here, or was before" in refused.text) == (409, True)
    told = {letter.to_address: letter.data["is_theirs"] for letter in acme.world.letters("sso_link_refused")}
    assert told == {acme.member.email: False, acme.admin.email: True}
    assert desk.link(adams).status_code == 303
    assert desk.identities() == [("u-1", acme.admin.user_id)]


def test_second_identity_at_the_same_provider_is_refused_and_they_are_told(acme: Acme, desk: Desk) -> None:
    desk.know(acme.member, "u-2")
    with acme.unchanged("sso_flow", "outbox_message"):
        assert desk.link(acme.browser(acme.member)).status_code == 409
    [told] = acme.world.letters("sso_link_refused")
    assert (told.to_address, told.data["is_second"]) == (acme.member.email, True)


def test_one_account_that_two_tabs_link_at_once_has_one_identity(acme: Acme, desk: Desk) -> None:
    tabs = [acme.browser(acme.member) for _ in range(2)]
    backs = []
    for number, tab in enumerate(tabs, start=1):
        desk.theirs.person = f"u-{number}"
        backs.append(at_provider(desk.way_out(tab, "link")))
    answers = at_once(2, lambda index: tabs[index].get(backs[index]).status_code)
    assert sorted(answers) == [303, 409]
    assert desk.identities() == [(f"u-{answers.index(303) + 1}", acme.member.user_id)]
    [told] = acme.world.letters("sso_link_refused")
    assert (told.to_address, told.data["is_second"]) == (acme.member.email, True)


def test_one_identity_that_two_accounts_link_at_once_is_one_persons(acme: Acme, desk: Desk) -> None:
    people = (acme.member, acme.admin)
    browsers = [acme.browser(person) for person in people]
    backs = [at_provider(desk.way_out(browser, "link")) for browser in browsers]
    answers = at_once(2, lambda index: browsers[index].get(backs[index]).status_code)
    assert sorted(answers) == [303, 409]
    assert desk.identities() == [("u-1", people[answers.index(303)].user_id)]
    told = {letter.to_address for letter in acme.world.letters("sso_link_refused")}
    assert told == {person.email for person in people}


def test_A21_page_names_organization_provider_and_account_and_only_its_button_begins(acme: Acme, desk: Desk) -> None:
    browser = acme.browser(acme.member)
    with acme.unchanged():
        page = browser.get(desk.address("link"), headers={"Sec-Purpose": "prefetch"}).text
        assert browser.post(desk.address("link")).status_code == 403
        assert browser.post(desk.address("link"), headers={"HX-Request": "true"}).status_code == 403
        assert browser.post(desk.address("login")).status_code == 403
        assert browser.head(desk.address("link")).status_code == 200
    assert desk.theirs.hits == {}
    for said in ("Acme", desk.theirs.issuer.removeprefix("http://"), acme.member.email):
        assert said in page


def test_A03_session_older_than_ten_minutes_is_asked_to_sign_in_again(acme: Acme, desk: Desk) -> None:
    browser = acme.browser(acme.member)
    with time_machine.travel(clock.now() + timedelta(minutes=10, seconds=1), tick=False):
        with acme.unchanged("session", "member"):
            assert post(browser, desk.address("link")).status_code == 403
        assert "again=1" in browser.get(desk.address("link")).text
        again = f"/login?next={desk.address('link')}&again=1"
        assert browser.get(again).status_code == 200
        assert post(browser, again, email=acme.member.email, password=PASSWORD).location == desk.address("link")
        assert post(browser, desk.address("link")).status_code == 303


def test_A03_session_that_a_provider_began_links_nothing(world: World, acme: Acme, desk: Desk) -> None:
    desk.know(acme.member)
    browser = world.browser()
    desk.sign_in(browser)
    with acme.unchanged("session", "member"):
        assert post(browser, desk.address("link")).status_code == 403


def test_A03_account_with_an_unproven_address_is_not_linked(world: World, acme: Acme, desk: Desk) -> None:
    person, _token = unproven(world, "ulla@example.org", "Ulla Unproven")
    world.member(acme.slug, person, Role.MEMBER)
    browser = world.browser(person)
    with acme.unchanged("session", "member"):
        assert post(browser, desk.address("link")).status_code == 403


def test_A03_nobody_and_strangers_link_nothing(world: World, acme: Acme, desk: Desk) -> None:
    with acme.unchanged():
        assert post(acme.browser(acme.stranger), desk.address("link")).status_code == 404
        assert post(world.browser(), desk.address("link")).location == "/login"
        bearer = {"Authorization": "Bearer secret"}
        assert world.browser().get(desk.address("link"), headers=bearer).location.startswith("/login")


@pytest.mark.parametrize("place", ["data", "query_string"])
def test_A04_target_in_the_form_counts_for_nothing(acme: Acme, desk: Desk, place: str) -> None:
    browser = acme.browser(acme.member)
    victim = {"user_id": acme.owner.user_id, "email": acme.owner.email, "username": acme.owner.email, "subject": "u-2"}
    more: dict[str, Any] = {"provider_id": 1, "member_id": acme.member_id(acme.owner), "purpose": "setup", **victim}
    form = {"csrf_token": csrf_token(browser)}
    sent = {"data": {**more, **form}} if place == "data" else {"data": form, "query_string": more}
    answer = browser.post(desk.address("link"), **sent)
    page = browser.get(answer.location, query_string=more)
    back = at_provider(page.headers["Refresh"].partition("url=")[2])
    assert browser.get(f"{back}&user_id={acme.owner.user_id}").status_code == 303
    assert desk.identities() == [("u-1", acme.member.user_id)]


def test_A04_link_is_for_whoever_began_it_though_somebody_else_signed_in_meanwhile(
    world: World, acme: Acme, desk: Desk, theirs: HostileProvider
) -> None:
    browser = acme.browser(acme.member)
    back = at_provider(desk.way_out(browser, "link"))
    post(browser, "/login", email=acme.admin.email, password=PASSWORD)
    assert signed_in_as(browser) == "Adam Admin"
    assert browser.get(back).status_code == 400
    assert (theirs.hits["token"], desk.identities()) == (0, [])


def test_unlinking_is_asked_for_and_told(acme: Acme, desk: Desk) -> None:
    desk.know(acme.member)
    browser = acme.browser(acme.member)
    with acme.unchanged():
        assert "Unlink your account" in browser.get(desk.address("unlink")).text
        assert post(browser, desk.address("unlink")).status_code == 422
    assert post(browser, desk.address("unlink"), confirm="1").status_code == 303
    assert desk.identities() == []
    assert acme.events()[-1] == "sso.unlinked"
    assert len(acme.world.letters("sso_unlinked")) == 1


def test_A23_only_way_in_is_not_taken_away(world: World, acme: Acme, desk: Desk) -> None:
    desk.know(acme.member)

    def forget_password() -> None:
        db.session.get_one(User, acme.member.user_id).password_hash = None

    world.write(forget_password)
    browser = acme.browser(acme.member)
    with acme.unchanged():
        assert post(browser, desk.address("unlink"), confirm="1").status_code == 409


def test_A23_browsers_that_came_in_through_it_are_out_when_it_is_unlinked(world: World, acme: Acme, desk: Desk) -> None:
    desk.know(acme.member)
    browser = world.browser()
    desk.sign_in(browser)
    assert browser.get(acme.address("members")).status_code == 200
    post(acme.browser(acme.member), desk.address("unlink"), confirm="1")
    assert browser.get(acme.address("members")).location.startswith("/login")
