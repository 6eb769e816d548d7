"""What an invitation offers beside a role, in short: to whoever is invited, on the Pending tab, and after joining."""

from hashlib import shake_128
from typing import Any

import pytest

from tests.support.acme import Acme
from tests.support.offering import Things, make_things
from tests.support.pages import Page
from tests.support.teams import make_team, make_teams, remove_team
from tests.support.worlds import Invited, post
from webapp.access.actor import Actor
from webapp.db import db
from webapp.models import Organization, Team
from webapp.services import teams

CHOSEN: dict[str, Any] = {"has_global_access": False}
NEW = {"accept": "1", "name": "Bob Builder", "password": "pale blue lantern orchard"}


@pytest.fixture
def things(acme: Acme) -> Things:
    return make_things(acme)


def said(acme: Acme, invited: Invited) -> tuple[str, str]:
    """Return what the invited person reads of what they reach, and what the Pending tab says of it."""
    page = Page(acme.browser().get(invited.link)).text
    row = Page(acme.browser(acme.owner).get(acme.address("members/pending"))).by_id(f"invitation-{invited.id}").text
    return page.split("You reach ")[1].split(" Expires")[0], row.split(" Member ")[1].split(" Queued")[0]


@pytest.mark.parametrize(
    ("more", "short"),
    [
        ({}, "Global access"),
        ({"teams": ["red"]}, "Global access, Red"),
        ({**CHOSEN, "teams": ["red"]}, "Red"),
        ({**CHOSEN, "teams": ["red", "blue"]}, "2 teams"),
        ({**CHOSEN, "groups": ["readers"]}, "Readers"),
        ({**CHOSEN, "teams": ["red", "blue"], "groups": ["readers", "writers"]}, "2 teams, 2 access groups"),
        (CHOSEN, "No project yet"),
    ],
)
def test_offer_is_said_in_short(acme: Acme, things: Things, more: dict[str, Any], short: str) -> None:
    numbers: dict[str, Any] = {
        name: [getattr(things, one) for one in more[name]] for name in ("teams", "groups") if name in more
    }
    invited = acme.world.invite(acme.slug, acme.owner, "bob@example.org", **{**more, **numbers})
    acme.world.invite(acme.slug, acme.owner, "eve@example.org", teams=[things.blue])
    assert said(acme, invited) == (short, short)


def test_what_is_gone_is_no_longer_said(acme: Acme, things: Things) -> None:
    both = [things.red, things.blue]
    invited = acme.world.invite(acme.slug, acme.owner, "bob@example.org", **CHOSEN, teams=both)
    remove_team(acme, things.blue)
    assert said(acme, invited) == ("Red", "Red")


def test_notice_after_joining_names_what_was_left_out(acme: Acme, things: Things) -> None:
    offered: dict[str, Any] = {**CHOSEN, "teams": [things.red, things.blue], "groups": [things.readers]}
    invited = acme.world.invite(acme.slug, acme.admin, "bob@example.org", teams=[things.red])
    acme.change(acme.admin, has_global_access=False)
    fuller = acme.world.invite(acme.slug, acme.owner, "eve@example.org", **offered)
    remove_team(acme, things.blue)
    browser = acme.browser()
    joined = browser.get(post(browser, invited.link, page=invited.link, **NEW).location)
    assert Page(joined).by_id("notices").text == (
        "Welcome to Acme Left out, because it is gone or may not be given any more: Global access."
    )
    browser = acme.browser()
    joined = browser.get(post(browser, fuller.link, page=fuller.link, **{**NEW, "name": "Eve Example"}).location)
    assert Page(joined).by_id("notices").text == (
        "Welcome to Acme Left out, because it is gone or may not be given any more: Blue."
    )


def test_X04_notice_names_the_first_ten_and_leaves_the_cookie_small_enough_to_sign_in(acme: Acme) -> None:
    made = make_teams(acme, [shake_128(bytes([number])).hexdigest(90) for number in range(40)])
    invited = acme.world.invite(acme.slug, acme.owner, "bob@example.org", **CHOSEN, teams=made)

    def remove(actor: Actor, here: Organization) -> None:
        for number in made:
            teams.remove(actor, here, db.session.get_one(Team, number))

    acme.act(acme.owner, remove)
    browser = acme.browser()
    answer = post(browser, invited.link, page=invited.link, **NEW)
    assert all(len(cookie) < 4_093 for cookie in answer.headers.getlist("Set-Cookie"))
    said = Page(browser.get(answer.location)).by_id("notices").text
    assert said.count("…") == 10
    assert said.endswith("… and 30 more.")


def test_notice_after_joining_is_a_welcome_alone_where_nothing_was_left_out(acme: Acme) -> None:
    red = make_team(acme, "Red")
    invited = acme.world.invite(acme.slug, acme.owner, "bob@example.org", **CHOSEN, teams=[red])
    browser = acme.browser()
    joined = browser.get(post(browser, invited.link, page=invited.link, **NEW).location)
    assert Page(joined).by_id("notices").text == "Welcome to Acme"


def test_names_of_teams_are_escaped(acme: Acme) -> None:
    red = make_team(acme, "<b>Red</b>")
    invited = acme.world.invite(acme.slug, acme.owner, "bob@example.org", **CHOSEN, teams=[red])
    assert said(acme, invited) == ("<b>Red</b>", "<b>Red</b>")
    for page in (acme.browser().get(invited.link), acme.browser(acme.owner).get(acme.address("members/new"))):
        assert "<b>Red" not in page.text
