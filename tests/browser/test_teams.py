"""A team from its first project to its end, with scripts and without: people, an access group, and what is lost."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.hall import Hall, tab
from tests.browser.scenes import move_in
from tests.support.ledger import Ledger

WAYS = pytest.mark.parametrize("javascript", [True, False], ids=["scripts", "no scripts"])


def restrict(page: Page, name: str) -> None:
    """Let somebody reach only what teams and access groups give, once it is said what that takes away, twice."""
    page.get_by_role("link", name=name).click()
    page.get_by_role("radio", name="Chosen teams").check()
    page.get_by_role("button", name="Change the membership").click()
    impact = page.get_by_role("region", name="What this changes")
    expect(impact.get_by_role("row", name=name)).to_contain_text("Every other project")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("radio", name="Chosen teams")).to_be_checked()
    page.get_by_role("button", name="Change the membership").click()
    expect(impact.get_by_role("row", name=name)).to_contain_text("Every other project")
    page.get_by_role("button", name="Change the membership").click()
    expect(page.get_by_text(f"The membership of {name} is changed.")).to_be_visible()


def find(page: Page, text: str, name: str) -> None:
    """Find somebody by a part of their name, and choose them."""
    page.get_by_label("Name or email").fill(text)
    page.get_by_role("button", name="Find").click()
    page.get_by_role("checkbox", name=name).check()


def make_team(page: Page) -> None:
    """Make the team Dock with the project Berth plan, beginning at the list of teams."""
    page.locator("#new-team").click()
    page.get_by_label("Name").fill("Dock")
    page.get_by_role("button", name="Create the team").click()
    expect(page.get_by_text("The team Dock is ready.")).to_be_visible()
    expect(page).to_have_url(re.compile("/teams/dock/projects$"))
    page.get_by_role("link", name="New project").first.click()
    page.get_by_label("Name of the project").fill("Berth plan")
    page.get_by_role("button", name="Create the project").click()
    expect(page.get_by_text("The project Berth plan is ready.")).to_be_visible()
    expect(tab(page, "Projects")).to_have_text("Projects 1")


def add_people(page: Page) -> None:
    """Find two people one after the other, and add both."""
    tab(page, "Members").click()
    page.get_by_role("link", name="Add members").first.click()
    find(page, "dan", "Daniel Kim")
    find(page, "ele", "Elena Petrova")
    expect(page.get_by_role("checkbox", name="Daniel Kim")).to_be_checked()
    page.get_by_role("button", name="Add to the team").click()
    expect(page.get_by_text("2 members were added.")).to_be_visible()
    expect(tab(page, "Members")).to_have_text("Members 3")


def make_group(page: Page) -> None:
    """Make the access group Night shift; finding somebody keeps what is chosen."""
    tab(page, "Access groups").click()
    expect(page.get_by_role("heading", name="You have not created any access groups yet")).to_be_visible()
    page.get_by_role("link", name="New access group").first.click()
    page.get_by_label("Name of the group").fill("Night shift")
    page.get_by_role("radio", name="Admin Also").check()
    page.get_by_role("checkbox", name="Berth plan").check()
    find(page, "hugo", "Hugo Marín")
    expect(page.get_by_label("Name of the group")).to_have_value("Night shift")
    expect(page.get_by_role("checkbox", name="Berth plan")).to_be_checked()
    page.get_by_role("button", name="Create the group").click()
    expect(page.get_by_role("row", name="Night shift")).to_contain_text("Admin")


def take_out(page: Page) -> None:
    """Take Daniel, who reaches nothing else, out of the team, once it is said what he loses."""
    page.get_by_role("link", name="Take out Daniel Kim").click()
    expect(page.get_by_role("heading", name="Take Daniel Kim out of Dock?")).to_be_visible()
    expect(page.get_by_role("row", name="Daniel Kim")).to_contain_text("Berth plan")
    page.get_by_role("button", name="Take out").click()
    expect(page.get_by_text("Daniel Kim does not belong to Dock any more.")).to_be_visible()
    expect(tab(page, "Members")).to_have_text("Members 2")


def remove_team(page: Page) -> None:
    """Remove the team by its name, misspelled at first, once the project that only it owns is gone."""
    tab(page, "Settings").click()
    page.locator("#panel").get_by_role("link", name="Remove").click()
    expect(page.get_by_role("heading", name="The team Dock cannot be removed yet")).to_be_visible()
    address = page.url
    page.get_by_role("link", name="Berth plan").click()
    page.locator("#panel").get_by_role("link", name="Remove").click()
    page.get_by_role("button", name="Remove the project").click()
    expect(page.get_by_text("The project Berth plan was removed.")).to_be_visible()
    page.goto(address)
    page.get_by_label("Name of the team").fill("Doc")
    page.get_by_role("button", name="Remove the team").click()
    expect(page.locator("#name-error")).to_have_text("Enter the name of the team exactly: Dock")
    page.get_by_label("Name of the team").fill("Dock")
    page.get_by_role("button", name="Remove the team").click()
    expect(page.get_by_text("The team Dock was removed.")).to_be_visible()
    expect(page.get_by_role("heading", name="No teams yet")).to_be_visible()
    expect(page).to_have_url(re.compile("/teams$"))


@WAYS
def test_team_from_its_first_project_to_its_end(hall: Hall, ledger: Ledger, *, javascript: bool) -> None:
    move_in(hall)
    page = hall.page(f"/orgs/{hall.slug}/teams", hall.owner, refusal="4", javascript=javascript)
    page.evaluate("window.stillHere = true")
    make_team(page)
    add_people(page)
    make_group(page)
    assert bool(page.evaluate("window.stillHere")) is javascript
    page.goto(hall.members)
    restrict(page, "Daniel Kim")
    page.goto(f"/orgs/{hall.slug}/teams/dock/members")
    take_out(page)
    remove_team(page)
    counts = {table: ledger.count(table) for table in ("team", "access_group", "project", "member")}
    assert counts == {"team": 0, "access_group": 0, "project": 0, "member": 8}


def expect_found(page: Page, text: str) -> None:
    """What is shown was found by all that was typed: somebody who types slowly is answered on the way."""
    expect(page.locator("#found-people [name=found]")).to_have_value(text)


def test_people_are_found_as_one_types_and_whoever_is_chosen_stays(hall: Hall, ledger: Ledger) -> None:
    people = move_in(hall)
    page = hall.page(f"/orgs/{hall.slug}/teams", hall.owner, is_hasty=True)
    make_team(page)
    address = f"/orgs/{hall.slug}/teams/dock/members/add"
    page.goto(address)
    search = page.get_by_label("Name or email")
    search.press_sequentially("dan")
    expect_found(page, "dan")
    page.get_by_role("checkbox", name="Daniel Kim").check()
    search.fill("")
    search.press_sequentially("ele")
    expect(page.get_by_role("checkbox", name="Elena Petrova")).not_to_be_checked()
    expect(page.get_by_role("checkbox", name="Daniel Kim")).to_be_checked()
    expect(page.locator("#status")).to_have_text("2 members shown")
    expect(search).to_be_focused()
    search.press_sequentially("x")
    expect(page.locator("#found-people").get_by_text("Nobody else matches “elex”")).to_be_visible()
    expect(page.locator("#status")).to_have_text("Nobody else matches “elex”")
    expect(page.get_by_role("checkbox", name="Daniel Kim")).to_be_checked()
    expect(page).to_have_url(re.compile(f"{address}$"))
    page.get_by_role("button", name="Add to the team").click()
    expect(page.get_by_text("1 member was added.")).to_be_visible()
    dock = {row["id"] for row in ledger.rows("team")}
    ids = {row["id"]: row["user_id"] for row in ledger.rows("member")}
    users = {ids[row["member_id"]] for row in ledger.rows("team_member") if row["team_id"] in dock}
    assert users == {hall.owner.user_id, people["Daniel Kim"].user_id}


def hold_searches_without(page: Page, address: str, choice: str) -> list[Route]:
    """Let searches that do not say of somebody that they are chosen wait on the way; they are in the list once sent."""
    waiting: list[Route] = []

    def keep(route: Route) -> None:
        if choice in (route.request.post_data or ""):
            route.continue_()
        else:
            waiting.append(route)

    page.route(f"**{address}", keep)
    return waiting


def test_whoever_is_chosen_while_an_answer_is_under_way_stays_chosen(hall: Hall) -> None:
    move_in(hall)
    page = hall.page(f"/orgs/{hall.slug}/teams", hall.owner, is_hasty=True)
    make_team(page)
    address = f"/orgs/{hall.slug}/teams/dock/members/add"
    page.goto(address)
    search, daniel = page.get_by_label("Name or email"), page.get_by_role("checkbox", name="Daniel Kim")
    search.fill("dan")
    expect(daniel).to_be_visible()
    waiting = hold_searches_without(page, address, f"members={daniel.get_attribute('value')}")
    with page.expect_request(f"**{address}"):
        search.fill("ele")
    daniel.focus()
    page.keyboard.press("Space")
    for route in waiting:
        route.continue_()
    expect(page.get_by_role("checkbox", name="Elena Petrova")).not_to_be_checked()
    expect(daniel).to_be_checked()
    expect(daniel).to_be_focused()


def test_focus_goes_back_to_the_search_where_whoever_had_it_is_not_found_any_more(hall: Hall) -> None:
    move_in(hall)
    page = hall.page(f"/orgs/{hall.slug}/teams", hall.owner, is_hasty=True)
    make_team(page)
    address = f"/orgs/{hall.slug}/teams/dock/members/add"
    page.goto(address)
    search, daniel = page.get_by_label("Name or email"), page.get_by_role("checkbox", name="Daniel Kim")
    search.fill("dan")
    daniel.check()
    page.route(f"**{address}", lambda route: None, times=1)  # its answer never comes; a newer search takes its place
    with page.expect_request(f"**{address}"):
        search.fill("ele")
    daniel.focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("checkbox", name="Elena Petrova")).to_be_visible()
    expect(daniel).to_have_count(0)
    expect(search).to_be_focused()
    search.fill("")
    expect(page.locator("#status")).to_have_text("Find people by the beginning of their name or email address.")
    expect(page.locator("#found-people")).to_have_text("Find people by the beginning of their name or email address.")


def test_enter_sends_the_form_once_what_was_typed_is_found(hall: Hall) -> None:
    move_in(hall)
    page = hall.page(f"/orgs/{hall.slug}/teams", hall.owner, is_hasty=True)
    make_team(page)
    page.goto(f"/orgs/{hall.slug}/teams/dock/members/add")
    search = page.get_by_label("Name or email")
    search.press_sequentially("dan")
    expect_found(page, "dan")
    page.get_by_role("checkbox", name="Daniel Kim").check()
    search.press("Enter")
    expect(page.get_by_text("1 member was added.")).to_be_visible()
    expect(tab(page, "Members")).to_have_text("Members 2")
