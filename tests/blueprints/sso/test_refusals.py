"""Sign-ins that came to nothing: they are in the audit log, however many there are, and their pages lead on."""

import re

import pytest
from sqlalchemy import update

from tests.support.acme import Acme
from tests.support.pages import Page
from tests.support.sso import Desk, at_provider
from tests.support.worlds import World, post
from webapp.db import db
from webapp.models import Joining, User
from webapp.services.sso.refusals import MOST_ALIKE, MOST_NOTED

ELSEWHERE = "198.51.100.7"


def refuse(desk: Desk, times: int, *, ip: str = "127.0.0.1", brought: str = "error=access_denied") -> None:
    """Come back so many times as a stranger does: with what no provider has sent."""
    browser = desk.acme.world.browser()
    for _ in range(times):
        state = re.search(r"[?&]state=([^&]+)", desk.way_out(browser))
        assert state
        back = f"/sso/callback/{desk.provider_id}?state={state[1]}&{brought.format(issuer=desk.theirs.issuer)}"
        assert browser.get(back, environ_overrides={"REMOTE_ADDR": ip}).status_code >= 400


def noted(acme: Acme) -> int:
    return acme.events().count("sso.refused")


def test_U01_stranger_hides_no_refusal_of_whom_the_provider_names(world: World, acme: Acme, desk: Desk) -> None:
    refuse(desk, MOST_ALIKE + 2)
    assert noted(acme) == MOST_ALIKE
    desk.theirs.people["u-1"] = {"email": acme.owner.email, "email_verified": True}
    assert desk.sign_in(world.browser()).status_code == 403
    assert noted(acme) == MOST_ALIKE + 1
    assert (acme.entries()[-1].after or {})["claimed"] == acme.owner.email


@pytest.mark.parametrize(
    "other", [{"ip": ELSEWHERE}, {"brought": "error=access_denied&iss={issuer}"}], ids=["network", "reason"]
)
def test_U01_refusals_of_another_network_or_reason_are_noted_still(
    acme: Acme, desk: Desk, other: dict[str, str]
) -> None:
    refuse(desk, MOST_ALIKE + 2)
    refuse(desk, 1, **other)
    assert noted(acme) == MOST_ALIKE + 1


def test_X06_strangers_in_many_networks_fill_no_audit_log(world: World, acme: Acme, desk: Desk) -> None:
    for number in range(MOST_NOTED // MOST_ALIKE + 1):
        refuse(desk, MOST_ALIKE, ip=f"198.51.{number}.7")
    assert noted(acme) == MOST_NOTED
    browser = world.browser()
    back = at_provider(desk.way_out(browser))
    assert browser.get(back, environ_overrides={"REMOTE_ADDR": ELSEWHERE}).status_code == 403
    assert noted(acme) == MOST_NOTED + 1


def test_whoever_has_an_account_is_led_to_sign_in_and_link_it(world: World, acme: Acme, desk: Desk) -> None:
    desk.theirs.people["u-1"] = {"email": acme.owner.email, "email_verified": True}
    way = f'href="/login?next={desk.address("link")}"'
    assert way in desk.sign_in(world.browser()).text
    desk.theirs.people["u-1"] = {"email": "new@example.org", "email_verified": True}
    assert way not in desk.sign_in(world.browser()).text


def test_whoever_was_known_before_is_led_there_too(world: World, acme: Acme, desk: Desk) -> None:
    desk.set(joining=Joining.ALLOWED)
    desk.prove_domain("example.org")
    desk.know(acme.member)
    assert post(acme.browser(acme.member), desk.address("unlink"), confirm="1").status_code == 303
    assert f'href="/login?next={desk.address("link")}"' in desk.sign_in(world.browser()).text


def test_whoever_may_not_unlink_is_led_to_another_way_in_and_to_no_administrator(
    world: World, acme: Acme, desk: Desk
) -> None:
    desk.know(acme.owner)
    browser = world.browser()
    desk.sign_in(browser)
    owner = update(User).where(User.id == acme.owner.user_id)
    world.write(lambda: db.session.execute(owner.values(password_hash=None)))
    page = Page(browser.get(desk.address("unlink")))
    assert ("choose-password" in page.ids, "Tell your administrator" in page.text) == (True, False)
