"""The tab "Add an existing user", where there are teams."""

from typing import Any

import pytest

from tests.support.acme import Acme
from tests.support.offering import Things, joined_with, make_things
from tests.support.pages import Page
from tests.support.worlds import Person, post
from webapp.models import Role
from webapp.services.memberships import Terms

ADD = {"email": "ned@example.org", "role": "member"}


@pytest.fixture
def ned(acme: Acme) -> Person:
    """Somebody whom Acme's manager meets in another organization."""
    ned = acme.world.person("Ned Nearby", "ned@example.org")
    acme.world.member(acme.world.organization("Nearby", ned), acme.manager, Role.MEMBER)
    return ned


@pytest.fixture
def things(acme: Acme) -> Things:
    return make_things(acme)


def test_page_is_as_before_where_nobody_has_made_a_team(acme: Acme, ned: Person) -> None:
    page = Page(acme.browser(acme.manager).get(acme.address("members/add")))
    [hidden] = page.named("has_global_access")
    assert (hidden.attributes["type"], hidden.attributes["value"]) == ("hidden", "1")
    assert [page.named(name) for name in ("teams", "groups")] == [[], []]


def test_every_team_can_be_chosen_and_is_joined_at_once(acme: Acme, ned: Person, things: Things) -> None:
    browser = acme.browser(acme.manager)
    page = Page(browser.get(acme.address("members/add")))
    reach, teams = page.named("has_global_access"), page.named("teams")
    assert [(field.attributes["value"], "checked" in field.attributes) for field in reach] == [
        ("1", True),
        ("0", False),
    ]
    assert [field.attributes["value"] for field in teams] == [str(things.blue), str(things.red)]
    assert page.named("groups") == []
    more: dict[str, Any] = {"has_global_access": "0", "teams": [things.red], "groups": [things.readers]}
    assert post(browser, acme.address("members/add"), **ADD, **more).status_code == 303
    assert joined_with(acme, ned) == Terms(Role.MEMBER, False, [things.red], [])
    entry = acme.entries()[-1]
    assert entry.after
    assert (entry.event, entry.after["has_global_access"], entry.after["teams"]) == (
        "member.added",
        False,
        [things.red],
    )


def test_form_of_an_earlier_page_gives_every_project(acme: Acme, ned: Person, things: Things) -> None:
    assert post(acme.browser(acme.manager), acme.address("members/add"), **ADD).status_code == 303
    assert joined_with(acme, ned) == Terms(Role.MEMBER, True, [], [])


@pytest.mark.parametrize("what", ["shadow", "none"])
def test_team_that_is_not_there_is_refused_beside_its_field(acme: Acme, ned: Person, things: Things, what: str) -> None:
    chosen = [things.red, getattr(things, what, 10**17)]
    with acme.unchanged():
        answer = post(
            acme.browser(acme.manager), acme.address("members/add"), **ADD, has_global_access="0", teams=chosen
        )
    assert answer.status_code == 422
    page = Page(answer)
    assert "A team you chose is not there any more." in page.by_id("teams-error").text
    assert page.named("email")[0].attributes["value"] == "ned@example.org"
    assert [field.attributes["value"] for field in page.named("teams") if "checked" in field.attributes] == [
        str(things.red)
    ]
