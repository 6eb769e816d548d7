"""What a link is bound to: the button, the browser and the session that began it, and whom is named at its end.

There is no confirmation by mail that could be followed by somebody else, or for another account at the provider.
"""

import pytest
import time_machine
from sqlalchemy import update

from tests.support.acme import Acme
from tests.support.sso import Desk, at_provider, signed_in_as, work
from tests.support.worlds import PASSWORD, World, post
from webapp import clock
from webapp.db import db
from webapp.models import EmailAddress
from webapp.services.sso import personal_links


def test_A08_no_letter_about_single_sign_on_holds_anything_that_links(world: World, acme: Acme, desk: Desk) -> None:
    owner = acme.browser(acme.owner)
    post(owner, desk.address("remind"), all="1")
    work(world.app)
    desk.link(acme.browser(acme.member))
    desk.link(acme.browser(acme.admin))
    post(acme.browser(acme.member), desk.address("unlink"), confirm="1")
    letters = [letter for letter in world.letters() if letter.kind.startswith("sso_")]
    assert {letter.kind for letter in letters} == {
        "sso_link_reminder",
        "sso_linked",
        "sso_link_refused",
        "sso_unlinked",
    }
    assert [letter.kind for letter in letters if letter.secret] == []
    # What an invitation's own token opens is a sign-in, never a link.
    rules = [rule for rule in world.app.url_map.iter_rules() if "/sso" in rule.rule and "invites" not in rule.endpoint]
    arguments = {name for rule in rules for name in rule.arguments}
    assert arguments == {"org", "slug", "provider", "state", "mapping"}


def test_A08_link_of_a_reminder_serves_whoever_follows_it_and_nobody_else(acme: Acme, desk: Desk) -> None:
    post(acme.browser(acme.owner), desk.address("remind"), member=str(acme.member_id(acme.member)))
    [letter] = acme.world.letters("sso_link_reminder")
    assert letter.to_address == acme.member.email
    way = f"link?for={letter.data['bound_to']}"
    other = acme.browser(acme.admin)
    page = other.get(desk.address(way)).text
    assert (acme.admin.email in page, acme.member.email in page) == (True, False)
    assert "This link is not for your account" in page
    assert post(other, desk.address(way)).status_code == 403
    browser = acme.browser()
    address = browser.get(desk.address(way)).location
    assert browser.get(address).status_code == 200
    form = {"email": acme.member.email, "password": PASSWORD}
    back = post(browser, address, **form).location
    assert browser.get(back).status_code == 200
    desk.sign_in(browser, way)
    assert desk.identities() == [("u-1", acme.member.user_id)]


def test_A08_link_of_a_reminder_ends_and_is_none_in_another_organization(acme: Acme, desk: Desk) -> None:
    organization = acme.world.read(acme.organization)
    with acme.world.app.app_context():
        sealed = personal_links.made_for(organization, acme.member.user_id)
        other = db.vault.seal("sso_link:0", f"{acme.member.user_id} 9999-01-01T00:00:00+00:00")
    browser = acme.browser(acme.member)
    said = "This link is no longer valid"
    assert said not in browser.get(desk.address(f"link?for={sealed}")).text
    assert said in browser.get(desk.address(f"link?for={other}")).text
    with time_machine.travel(clock.now() + personal_links.LIVES_FOR, tick=False):
        assert said in acme.world.browser(acme.member).get(desk.address(f"link?for={sealed}")).text


def test_A08_account_at_the_provider_that_comes_back_is_the_one_that_is_linked(acme: Acme, desk: Desk) -> None:
    """Whoever is known there by the same address, or was signed in there when it began, counts for nothing."""
    desk.theirs.people["u-2"]["email"] = desk.theirs.people["u-1"]["email"]
    browser = acme.browser(acme.member)
    way = desk.way_out(browser, "link")
    desk.theirs.person = "u-2"
    assert browser.get(at_provider(way)).status_code == 303
    assert desk.identities() == [("u-2", acme.member.user_id)]


def test_A08_address_that_changed_on_the_way_is_looked_at_again(acme: Acme, desk: Desk) -> None:
    browser = acme.browser(acme.member)
    back = at_provider(desk.way_out(browser, "link"))
    theirs = update(EmailAddress).where(EmailAddress.user_id == acme.member.user_id)
    acme.world.write(db.session.execute, theirs.values(address="eve@example.org", verified_at=None))
    with acme.unchanged("sso_flow"):
        assert browser.get(back).status_code == 403
    assert desk.identities() == []


@pytest.mark.parametrize("begins", ["link", "login"])
def test_A08_flow_ends_in_the_session_that_began_it(world: World, acme: Acme, desk: Desk, begins: str) -> None:
    desk.know(acme.admin, "u-2")
    browser = acme.browser(acme.member)
    back = at_provider(desk.way_out(browser, begins))
    post(browser, "/logout")
    post(browser, "/login", email=acme.admin.email, password=PASSWORD)
    before = desk.identities()
    assert browser.get(back).status_code == 400
    assert (desk.identities(), desk.theirs.hits["token"]) == (before, 0)
    assert signed_in_as(browser) == "Adam Admin"
