"""The Members tab by keyboard, and the Undo of a notice."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hall import Hall
from tests.browser.scenes import move_in

HEADER_STOPS = 10
"""What the keyboard stops at before it comes to what a page within an organization is about."""
SHOWS_FOCUS = """() => {
  const isShown = (element) => getComputedStyle(element).outlineStyle !== "none";
  const focused = document.activeElement;
  return [focused, focused.closest(".card-choice")].some((element) => element && isShown(element));
}"""


@pytest.fixture
def page(hall: Hall) -> Page:
    """The members of a busy organization, as its owner sees them."""
    move_in(hall)
    return hall.page(hall.members, hall.owner)


def test_slash_goes_to_the_search_and_arrows_lead_through_the_rows(page: Page) -> None:
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    expect(page.get_by_role("searchbox")).to_have_value("")
    names = page.locator("[data-rows] .person-name a")
    page.keyboard.press("ArrowDown")
    expect(names.first).to_be_focused()
    page.keyboard.press("End")
    expect(names.last).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    expect(names.nth(1)).to_be_focused()
    wanted = names.nth(1).inner_text()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=wanted, level=1)).to_be_visible()


def test_arrows_lead_through_the_menu_of_a_row_and_escape_closes_it(page: Page) -> None:
    menu = page.locator("tr", has_text="Farid Haddad").locator("details.menu")
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    expect(menu.get_by_role("link", name="Change role")).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu.get_by_role("link", name="Change role")).to_be_hidden()
    expect(menu.locator("summary")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/remove$"))
    expect(page.get_by_role("heading", name="Remove Farid Haddad?")).to_be_visible()


def test_removal_is_undone_by_the_button_of_its_notice(page: Page) -> None:
    menu = page.locator("tr", has_text="Farid Haddad").locator("details.menu")
    menu.locator("summary").click()
    menu.get_by_role("link", name="Remove").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Farid Haddad was removed.")).to_be_visible()
    expect(page.get_by_role("row", name="Farid Haddad")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Farid Haddad is a member again, as before.")).to_be_visible()
    expect(page.get_by_role("heading", name="Farid Haddad", level=1)).to_be_visible()


def stops_of(page: Page) -> list[tuple[str, bool]]:
    """Return what has the focus as one goes through a page by the keyboard, and whether it shows it."""
    most = page.locator("a[href], button, input:not([type=hidden]), select, textarea, summary").count()
    stops: list[tuple[str, bool]] = []
    for _stop in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            return stops
        stops.append((page.evaluate("document.activeElement.outerHTML"), page.evaluate(SHOWS_FOCUS)))
    return stops


def test_whatever_has_the_focus_shows_it(hall: Hall, page: Page) -> None:
    somebody = page.get_by_role("link", name="Ben Okafor").get_attribute("href")
    for address in (hall.members, somebody or "", f"{hall.members}/new"):
        page.goto(address)
        stops = stops_of(page)
        assert [stop for stop, is_shown in stops if not is_shown] == [], address
        assert len(stops) > HEADER_STOPS, address
