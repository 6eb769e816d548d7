"""Renewing the client secret: the old one stays until the new one has been proven."""

from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient

from tests.support.acme import Acme
from tests.support.identity_provider import CLIENT_ID, CLIENT_SECRET
from tests.support.pages import Page
from tests.support.sso import Desk, at_provider, departure, rows
from tests.support.worlds import World, post
from webapp import clock
from webapp.db import db
from webapp.models import Identity, IdentityProvider, Role, SsoFlow
from webapp.providers.demo_identity_provider import DemoClient
from webapp.services.sso.connections import connected

NEW = "another canary ü"


@pytest.fixture
def browser(acme: Acme, desk: Desk) -> FlaskClient:
    """The browser of Acme's owner, where single sign-on is in use."""
    return acme.browser(acme.owner)


def kept(acme: Acme, desk: Desk) -> str | None:
    """Return the client secret in use."""
    return acme.world.read(lambda: connected(db.session.get_one(IdentityProvider, desk.provider_id)).client_secret)


def renew_there(desk: Desk) -> None:
    """Let the provider take the new secret alone."""
    known = desk.theirs.clients[CLIENT_ID].redirect_uris
    desk.theirs.clients[CLIENT_ID] = DemoClient(NEW, known)


def leave(browser: FlaskClient, desk: Desk, secret: str = NEW) -> str:
    return at_provider(departure(browser, post(browser, desk.address("secret"), client_secret=secret)))


def test_new_secret_counts_once_it_has_been_proven(world: World, acme: Acme, desk: Desk, browser: FlaskClient) -> None:
    desk.know(acme.member)
    renew_there(desk)
    back = leave(browser, desk)
    assert kept(acme, desk) == CLIENT_SECRET
    before = rows(acme, Identity)
    assert browser.get(back).status_code == 303
    assert (kept(acme, desk), rows(acme, Identity)) == (NEW, before)
    assert acme.events()[-1] == "sso.edited"
    assert "Olive Owner put a new client secret for" in browser.get(acme.address("audit")).text
    assert desk.sign_in(world.browser()).status_code == 303
    assert browser.get(back).status_code == 400


def test_A25_secret_that_the_provider_refuses_changes_nothing_and_is_shown_nowhere(
    world: World, acme: Acme, desk: Desk, browser: FlaskClient
) -> None:
    desk.know(acme.member)
    back = leave(browser, desk, "wrong")
    with acme.unchanged("sso_flow", "audit_entry", "attempts"):
        answer = browser.get(back)
    assert answer.status_code == 502
    assert "The old client secret stays in use." in answer.text
    assert kept(acme, desk) == CLIENT_SECRET
    assert desk.sign_in(world.browser()).status_code == 303
    leave(browser, desk)
    stored = world.dump()["sso_flow"]
    assert NEW not in str(stored)
    shown = [browser.get(desk.address(path)).text for path in ("secret", "setup")]
    assert [page for page in shown if NEW in page or CLIENT_SECRET in page] == []


def test_A02_secret_is_renewed_by_whoever_began_it_and_still_may(
    world: World, acme: Acme, desk: Desk, browser: FlaskClient
) -> None:
    renew_there(desk)
    back = leave(browser, desk)
    for other in (world.browser(acme.manager), world.browser()):
        assert other.get(back).status_code in (400, 404)
    acme.change(acme.owner, role=Role.MANAGER)
    assert browser.get(back).status_code == 403
    assert kept(acme, desk) == CLIENT_SECRET


def test_A03_renewing_needs_a_fresh_sign_in_of_an_owner(acme: Acme, desk: Desk, browser: FlaskClient) -> None:
    with acme.unchanged("session", "member", "audit_entry", "attempts"):
        for person, status in ((acme.manager, 403), (acme.stranger, 404)):
            assert post(acme.browser(person), desk.address("secret"), client_secret=NEW).status_code == status
        assert post(browser, desk.address("secret")).status_code == 422
        with time_machine.travel(clock.now() + timedelta(minutes=10, seconds=1), tick=False):
            assert post(browser, desk.address("secret"), client_secret=NEW).status_code == 403
    assert rows(acme, SsoFlow) == 0


def test_page_asks_for_nothing_but_the_secret(acme: Acme, desk: Desk, browser: FlaskClient) -> None:
    page = Page(browser.get(desk.address("secret")))
    assert page.by_id("client_secret").attributes["value"] == ""
    assert acme.browser(acme.manager).get(desk.address("secret")).status_code == 403
    desk.set(client_secret=None)
    assert browser.get(desk.address("secret")).status_code == 404
