"""The tabs of the members pages: swapped in place, each with an address of its own, by mouse and by keyboard."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.hall import Hall, tab
from tests.browser.scenes import accept, move_in


@pytest.fixture
def page(hall: Hall) -> Page:
    """The Members tab of an organization with eight members and one invitation, marked to notice a page load."""
    move_in(hall)
    hall.invite("mia@example.org")
    page = hall.page(hall.members, hall.owner, is_hasty=True)
    page.evaluate("window.stillHere = true")
    return page


def assert_not_loaded_again(page: Page) -> None:
    """Only a part of the page was swapped since it was marked."""
    assert page.evaluate("window.stillHere === true")


def assert_on(page: Page, name: str, address: str, title: str) -> None:
    """A tab is shown, marked as current, with its address and title."""
    expect(page.locator("#tabs [aria-current=page]")).to_contain_text(name)
    expect(page).to_have_url(re.compile(address + "$"))
    expect(page).to_have_title(f"{title} · Harbour Works")


def test_tabs_swap_in_place_and_keep_address_and_title(page: Page) -> None:
    tab(page, "Pending").click()
    assert_on(page, "Pending", "/members/pending", "Pending invitations")
    expect(page.get_by_role("row", name="mia@example.org")).to_be_visible()
    tab(page, "Invite new people").click()
    assert_on(page, "Invite new people", "/members/new", "Invite new people")
    tab(page, "Members").click()
    assert_on(page, "Members", "/members", "Members")
    expect(page.locator("tbody tr")).to_have_count(8)
    assert_not_loaded_again(page)


def test_somebody_who_accepts_moves_to_members_without_a_page_load(hall: Hall, page: Page) -> None:
    tab(page, "Pending").click()
    assert_on(page, "Pending", "/members/pending", "Pending invitations")
    mia = hall.world.person("Mia Holm", "noa@example.org")
    accept(hall, hall.invite("noa@example.org"), mia)
    tab(page, "Members").click()
    expect(page.get_by_role("row", name="Mia Holm")).to_be_visible()
    expect(tab(page, "Members")).to_have_text("Members 9")
    assert_not_loaded_again(page)


def test_list_comes_up_to_date_when_the_window_is_looked_at_again(hall: Hall, page: Page) -> None:
    accept(hall, hall.invite("noa@example.org"), hall.world.person("Noa Berg", "noa@example.org"))
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(page.get_by_role("row", name="Noa Berg")).to_be_visible()
    expect(tab(page, "Members")).to_have_text("Members 9")
    assert_not_loaded_again(page)


def test_back_forward_and_reload_show_the_tab_of_the_address(page: Page) -> None:
    tab(page, "Pending").click()
    assert_on(page, "Pending", "/members/pending", "Pending invitations")
    tab(page, "Invite new people").click()
    assert_on(page, "Invite new people", "/members/new", "Invite new people")
    page.go_back()
    assert_on(page, "Pending", "/members/pending", "Pending invitations")
    page.go_back()
    assert_on(page, "Members", "/members", "Members")
    page.go_forward()
    assert_on(page, "Pending", "/members/pending", "Pending invitations")
    page.reload()
    assert_on(page, "Pending", "/members/pending", "Pending invitations")


def held_back(page: Page, address: str) -> list[Route]:
    """Let requests to an address wait on the way; they are in the list once the page has sent them."""
    waiting: list[Route] = []

    def keep(route: Route) -> None:
        waiting.append(route)

    page.route(address, keep)
    return waiting


def test_tab_clicked_last_is_shown_and_an_earlier_one_still_on_its_way_is_called_off(page: Page) -> None:
    held_back(page, "**/members/pending")
    tab(page, "Pending").click()
    with page.expect_event("requestfailed") as called_off:
        tab(page, "Invite new people").click()
    assert called_off.value.url.endswith("/members/pending")
    assert_on(page, "Invite new people", "/members/new", "Invite new people")
    assert_not_loaded_again(page)


def test_change_that_is_answered_after_a_tab_was_clicked_leaves_the_tab_as_it_is(page: Page) -> None:
    tab(page, "Pending").click()
    waiting = held_back(page, "**/revoke")
    page.get_by_role("button", name="Revoke").click()
    tab(page, "Members").click()
    assert_on(page, "Members", "/members", "Members")
    waiting[0].continue_()
    expect(page.get_by_text("no longer works.")).to_be_visible()
    assert_on(page, "Members", "/members", "Members")
    expect(page.locator("tbody tr")).to_have_count(8)


CLICK_WHAT_COMES = """id => new MutationObserver((_changes, seen) => {
  seen.disconnect();
  document.getElementById(id).click();
}).observe(document.getElementById("main"), {childList: true, subtree: true})"""


def test_whoever_clicks_as_soon_as_a_tab_is_there_is_heard(page: Page) -> None:
    page.evaluate(CLICK_WHAT_COMES, "tab-new")
    tab(page, "Pending").click()
    assert_on(page, "Invite new people", "/members/new", "Invite new people")
    assert_not_loaded_again(page)


def test_tab_opens_in_a_second_window_by_its_address(hall: Hall, page: Page) -> None:
    tab(page, "Pending").click()
    expect(page).to_have_url(re.compile("/members/pending$"))
    second = page.context.new_page()
    second.goto(page.url)
    assert_on(second, "Pending", "/members/pending", "Pending invitations")


def test_search_narrows_the_list_while_one_types_and_can_be_undone_with_back(page: Page) -> None:
    box = page.get_by_role("searchbox", name="Search by name or email")
    box.press_sequentially("had")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_role("row", name="Farid Haddad")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/members\?q=had&role=&status=$"))
    expect(box).to_be_focused()
    expect(page.locator("#status")).to_have_text("1 member shown")
    assert_not_loaded_again(page)
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(box).to_have_value("had")
    page.go_back()
    expect(page.locator("tbody tr")).to_have_count(8)
    expect(box).to_have_value("")


def test_search_that_finds_nobody_says_so_and_leads_back(page: Page) -> None:
    page.get_by_role("searchbox").fill("zebra")
    expect(page.get_by_role("heading", name="Nobody matches “zebra”")).to_be_visible()
    page.get_by_role("link", name="Show all members").click()
    expect(page.locator("tbody tr")).to_have_count(8)
    expect(page.get_by_role("searchbox")).to_have_value("")


def tab_until_focused(page: Page, selector: str) -> None:
    """Press Tab until an element has the focus, as somebody without a mouse does."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} cannot be reached by Tab")


def test_keyboard_alone_goes_through_the_tabs_and_invites(page: Page) -> None:
    tab_until_focused(page, ".skip-link")
    tab_until_focused(page, "#tab-members")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert_on(page, "Pending", "/members/pending", "Pending invitations")
    expect(page.locator("#tab-pending")).to_be_focused()
    tab_until_focused(page, "#tab-new")
    page.keyboard.press("Enter")
    assert_on(page, "Invite new people", "/members/new", "Invite new people")
    expect(page.locator("#tab-new")).to_be_focused()
    tab_until_focused(page, "textarea")
    page.keyboard.type("noa@example.org")
    tab_until_focused(page, "[name=role]")
    page.keyboard.press("ArrowDown")
    tab_until_focused(page, "[type=submit]")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 person is invited.")).to_be_visible()
    tab(page, "Pending").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("row", name="noa@example.org")).to_contain_text("Admin")
    assert_not_loaded_again(page)


def test_keyboard_alone_opens_the_menu_and_signs_out(page: Page) -> None:
    tab_until_focused(page, "summary")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Your account")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Your account")).to_be_hidden()
    page.keyboard.press("Enter")
    tab_until_focused(page, "button")
    page.keyboard.press("Enter")
    expect(page.get_by_text("You are signed out.")).to_be_visible()


ENDS_IN_VIEW = """link => {
  const box = link.getBoundingClientRect(), bar = link.closest("nav").getBoundingClientRect();
  const isSeen = x => bar.left <= x && x <= bar.right && link.contains(document.elementFromPoint(x, box.top + 9));
  return [box.left + 1, box.right - 1].filter(isSeen).length;
}"""


def test_tabs_of_a_phone_stand_in_one_row_that_scrolls_and_show_the_current_one_and_the_focus(hall: Hall) -> None:
    page = hall.page(hall.members, hall.owner, device="phone", javascript=False)
    names = ("Members", "Pending", "Requests", "Invite new people", "Add an existing user", "Removed")
    for name in names:
        tab(page, name).click()
        expect(page.locator("#tabs [aria-current=page]")).to_contain_text(name)
        page.wait_for_load_state()
        assert page.locator("#tabs [aria-current]").evaluate(ENDS_IN_VIEW) == 2, name
        assert len({tab(page, other).bounding_box()["y"] for other in names}) == 1  # type: ignore[index]
        tab(page, names[0]).focus()
        for other in names:
            expect(tab(page, other)).to_be_focused()
            assert tab(page, other).evaluate(ENDS_IN_VIEW) > 0, (name, other)
            page.keyboard.press("Tab")
