"""The last linked owner stays while single sign-on is required: somebody has to come in."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.support.acme import Acme
from tests.support.pages import Page
from tests.support.sso import Desk
from tests.support.worlds import Person, World, post
from webapp import clock
from webapp.db import db
from webapp.models import Enforcement, Identity, Role


@pytest.fixture
def second(acme: Acme, desk: Desk) -> Person:
    """Another owner, who is linked too."""
    acme.change(acme.manager, role=Role.OWNER)
    desk.know(acme.manager, "u-2")
    return acme.manager


def test_owner_who_rehearses_may_unlink(acme: Acme, desk: Desk) -> None:
    """Nothing is required yet, so nobody is locked out; without an owner the rehearsal ends without effect."""
    browser = acme.browser(acme.owner)
    desk.link(browser)
    begins = clock.now() + timedelta(days=3)
    desk.set(enforcement=Enforcement.REQUIRED, required_from=begins, rehearsed_since=clock.now())
    assert post(browser, desk.address("unlink"), confirm="1").status_code == 303


@pytest.mark.parametrize("begins", [None, timedelta(days=3)])
def test_A22_last_linked_owner_neither_unlinks_nor_leaves(
    world: World, acme: Acme, desk: Desk, begins: timedelta | None
) -> None:
    acme.change(acme.manager, role=Role.OWNER)
    browser = acme.browser(acme.owner)
    desk.link(browser)
    desk.set(enforcement=Enforcement.REQUIRED, required_from=begins and clock.now() + begins)
    with acme.unchanged("session", "member"):
        assert post(browser, desk.address("unlink"), confirm="1").status_code == 409
        assert post(browser, acme.address("leave"), confirm="1").status_code == 409
        page = Page(browser.get(desk.address("unlink")))
        assert ("confirm" in page.ids, "no other owner is linked" in page.by_id("reason").text) == (False, True)
    desk.set(enforcement=Enforcement.OPTIONAL)
    assert post(browser, desk.address("unlink"), confirm="1").status_code == 303


def test_A22_of_two_linked_owners_who_unlink_at_once_one_stays(acme: Acme, desk: Desk, second: Person) -> None:
    desk.know(acme.owner)
    desk.set(enforcement=Enforcement.REQUIRED)
    browsers = [acme.browser(acme.owner), acme.browser(second)]
    for desk.theirs.person, browser in zip(("u-1", "u-2"), browsers, strict=True):
        desk.sign_in(browser)
    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda one: post(one, desk.address("unlink"), confirm="1").status_code, browsers)
    assert sorted(answers) == [303, 409]
    assert len(desk.identities()) == 1


def test_A22_identity_that_is_invalid_is_no_way_in_for_an_owner(acme: Acme, desk: Desk, second: Person) -> None:
    browser = acme.browser(acme.owner)
    desk.link(browser)
    desk.set(enforcement=Enforcement.REQUIRED)

    def invalidate() -> None:
        for identity in db.session.query(Identity).filter_by(user_id=second.user_id):
            identity.invalid_since = clock.now()

    acme.world.write(invalidate)
    assert post(browser, desk.address("unlink"), confirm="1").status_code == 409
