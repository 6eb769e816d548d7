"""Who is linked and who is not yet, and the letters that remind these."""

from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import update

from tests.support.acme import Acme
from tests.support.crowds import join
from tests.support.pages import Page
from tests.support.sso import Desk, rows, work
from tests.support.worlds import World, post
from webapp import clock
from webapp.db import db
from webapp.models import EmailAddress, Identity, ProviderStatus, SsoErrand
from webapp.services.sso.errands import BATCH

KIND = "sso_link_reminder"


@pytest.fixture
def browser(acme: Acme, desk: Desk) -> FlaskClient:
    """The browser of Acme's owner, where single sign-on is in use."""
    return acme.browser(acme.owner)


def reminded(world: World) -> list[str]:
    return [letter.to_address for letter in world.letters(KIND)]


def test_page_says_how_many_are_linked_and_who_is_not(acme: Acme, desk: Desk, browser: FlaskClient) -> None:
    desk.know(acme.member)
    assert "1 of 4 linked" in browser.get(acme.address("sso")).text
    listed = Page(browser.get(acme.address("sso/unlinked"))).rows("member")
    assert listed == [acme.member_id(person) for person in (acme.admin, acme.manager, acme.owner)]


def test_whom_the_provider_has_taken_its_word_back_of_is_not_linked(
    acme: Acme, desk: Desk, browser: FlaskClient
) -> None:
    number = desk.know(acme.member)
    acme.world.write(lambda: setattr(db.session.get_one(Identity, number), "invalid_since", clock.now()))
    assert "0 of 4 linked" in browser.get(acme.address("sso")).text
    page = browser.get(acme.address("sso/unlinked"))
    assert acme.member_id(acme.member) in Page(page).rows("member")
    assert "The provider has taken its word back" in page.text


def test_list_is_searched_by_the_start_of_words(acme: Acme, browser: FlaskClient) -> None:
    page = browser.get(acme.address("sso/unlinked?q=mon"))
    assert Page(page).rows("member") == [acme.member_id(acme.manager)]
    assert "Nobody matches" in browser.get(acme.address("sso/unlinked?q=nobody")).text


def test_one_person_is_reminded_with_the_address_of_the_page_that_links(
    world: World, acme: Acme, browser: FlaskClient
) -> None:
    number = acme.member_id(acme.member)
    answer = post(browser, acme.address("sso/remind"), member=number)
    assert answer.status_code == 303
    assert "1 person is reminded" in browser.get(answer.location).text
    assert reminded(world) == [acme.member.email]
    entry = acme.entries()[-1]
    assert (entry.event, entry.after) == ("sso.reminded", {"people": 1})
    assert acme.browser(acme.member).get(acme.address("sso/link")).status_code == 200
    assert "/login" in acme.browser().get(acme.address("sso/link")).location


def test_nobody_is_reminded_twice_a_day(world: World, acme: Acme, browser: FlaskClient) -> None:
    number = acme.member_id(acme.member)
    post(browser, acme.address("sso/remind"), member=number)
    with acme.unchanged("session", "member"):
        answer = post(browser, acme.address("sso/remind"), member=number)
    assert "Nobody was reminded" in browser.get(answer.location).text
    with time_machine.travel(clock.now() + timedelta(hours=25), tick=False):
        later = world.browser(acme.owner)
        post(later, acme.address("sso/remind"), member=number)
    assert reminded(world) == [acme.member.email] * 2


def test_all_are_reminded_who_are_active_not_linked_and_known_by_their_address(
    world: World, acme: Acme, desk: Desk, browser: FlaskClient
) -> None:
    desk.know(acme.member)
    unproven = update(EmailAddress).where(EmailAddress.user_id == acme.admin.user_id).values(verified_at=None)
    world.write(lambda: db.session.execute(unproven))
    post(browser, acme.address("sso/remind"), all="1")
    work(world.app)
    assert sorted(reminded(world)) == sorted([acme.owner.email, acme.manager.email])


def test_all_of_a_large_list_are_reminded_in_batches_once_and_no_request_waits_for_it(
    world: World, acme: Acme, browser: FlaskClient
) -> None:
    join(acme, [(f"Person {number}", f"p{number}@example.org") for number in range(BATCH)])
    acme.wake()
    for _press in range(2):
        answer = post(browser, acme.address("sso/remind"), all="1")
        assert f"to {BATCH + 4} people at most" in browser.get(answer.location).text
    assert (reminded(world), rows(acme, SsoErrand)) == ([], 1)
    work(world.app)
    assert len(set(reminded(world))) == len(reminded(world)) == BATCH + 4
    assert [entry.after for entry in acme.entries() if entry.event == "sso.reminded"] == [{"people": BATCH + 4}]
    answer = post(browser, acme.address("sso/remind"), all="1")
    assert "Nobody was reminded" in browser.get(answer.location).text


def test_reminders_end_where_the_connection_is_used_no_more(
    world: World, acme: Acme, desk: Desk, browser: FlaskClient
) -> None:
    post(browser, acme.address("sso/remind"), all="1")
    desk.set(status=ProviderStatus.DISABLED)
    work(world.app)
    assert (reminded(world), rows(acme, SsoErrand)) == ([], 0)


def test_reminder_needs_a_member_of_this_organization_and_an_owner(acme: Acme, browser: FlaskClient) -> None:
    for form in ({}, {"member": "0"}, {"member": str(acme.member_id(acme.suspended))}, {"member": "x"}):
        with acme.unchanged("session", "member"):
            assert post(browser, acme.address("sso/remind"), **form).status_code == 404
    manager = acme.browser(acme.manager)
    assert post(manager, acme.address("sso/remind"), all="1").status_code == 403
    assert manager.get(acme.address("sso/unlinked")).status_code == 403


def test_row_says_why_somebody_cannot_be_reminded_and_offers_no_button(
    world: World, acme: Acme, browser: FlaskClient
) -> None:
    unproven = update(EmailAddress).where(EmailAddress.user_id == acme.admin.user_id).values(verified_at=None)
    world.write(lambda: db.session.execute(unproven))
    post(browser, acme.address("sso/remind"), member=acme.member_id(acme.member))
    for address in ("sso/unlinked", "sso/outside"):
        page = Page(browser.get(acme.address(address)))
        assert "Reminded today" in page.by_id(f"member-{acme.member_id(acme.member)}").text
        assert "Address not verified" in page.by_id(f"member-{acme.member_id(acme.admin)}").text
        offered = {
            int(field.attributes["value"]) for field in page.elements if field.attributes.get("name") == "member"
        }
        assert offered == {acme.member_id(acme.manager), acme.member_id(acme.owner)}
    assert "Reminded today" in browser.get(acme.address("sso/unlinked?q=mem")).text


def test_notice_counts_who_gets_no_reminder_and_says_why(world: World, acme: Acme, browser: FlaskClient) -> None:
    unproven = update(EmailAddress).where(EmailAddress.user_id == acme.admin.user_id).values(verified_at=None)
    world.write(lambda: db.session.execute(unproven))
    post(browser, acme.address("sso/remind"), member=acme.member_id(acme.member))
    said = browser.get(post(browser, acme.address("sso/remind"), all="1").location).text
    assert "to 2 people at most" in said
    assert "1 had a reminder today already. 1 has not verified their address." in said
    said = browser.get(post(browser, acme.address("sso/remind"), member=acme.member_id(acme.admin)).location).text
    assert "Nobody was reminded. 1 has not verified their address." in said


def test_all_can_be_reminded_only_while_somebody_is_left_who_can_be(
    world: World, acme: Acme, browser: FlaskClient
) -> None:
    assert "remind-all" in Page(browser.get(acme.address("sso/unlinked"))).ids
    post(browser, acme.address("sso/remind"), all="1")
    work(world.app)
    for address in ("sso/unlinked", "sso/outside", "sso/enforce"):
        assert "remind-all" not in Page(browser.get(acme.address(address))).ids
