"""Leaving for the provider: reload and the back button lead there again, and a few times are enough."""

from flask.testing import FlaskClient

from tests.support.acme import Acme
from tests.support.sso import Desk
from tests.support.worlds import World, post
from webapp.http.sso import MOST_LEAVINGS
from webapp.services import attempts


def page_that_leaves(desk: Desk, browser: FlaskClient) -> str:
    return str(post(browser, desk.address("login")).location)


def test_X02_flow_leads_to_the_provider_a_handful_of_times(world: World, acme: Acme, desk: Desk) -> None:
    browser = world.browser()
    way = page_that_leaves(desk, browser)
    for _ in range(MOST_LEAVINGS):
        assert browser.get(way).status_code == 200
    refused = browser.get(way)
    assert (refused.status_code, "Refresh" in refused.headers) == (429, False)
    assert "This way to the provider was opened too often" in refused.text
    assert browser.get(page_that_leaves(desk, browser)).status_code == 200


def test_X02_network_leaves_so_often_and_no_more(world: World, acme: Acme, desk: Desk) -> None:
    browser = world.browser()
    way = page_that_leaves(desk, browser)
    [limit] = attempts.limits_of("sso-leave", "127.0.0.1")
    world.write(attempts.raise_counters, {limit: limit.most - 1})
    assert [browser.get(way).status_code for _ in range(2)] == [200, 429]
