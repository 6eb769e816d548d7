"""Several invitations at once on the Pending tab, with scripts and without: asked about, sent again, revoked."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hall import Hall
from tests.browser.scenes import revoke
from tests.support.ledger import Ledger

WAYS = pytest.mark.parametrize("javascript", [True, False], ids=["scripts", "no scripts"])
GUESTS = ("mia@example.org", "noa@example.org", "omar@example.org")


def choose(page: Page, *guests: str) -> None:
    """Choose invitations by keyboard."""
    for guest in guests:
        box = page.get_by_role("checkbox", name=f"Choose the invitation to {guest}")
        box.focus()
        page.keyboard.press("Space")
        expect(box).to_be_checked()


def go_on(page: Page, action: str, question: str) -> None:
    """Say what shall be done with those chosen, and be asked."""
    page.get_by_label("With those chosen").select_option(label=action)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name=question)).to_be_visible()


def say_yes(page: Page, action: str, notice: str) -> None:
    """Confirm, and come back to the list."""
    page.get_by_role("button", name=action).click()
    expect(page.get_by_text(notice)).to_be_visible()
    expect(page).to_have_url(re.compile("/members/pending$"))


@WAYS
def test_some_are_sent_again_and_some_are_revoked(hall: Hall, ledger: Ledger, *, javascript: bool) -> None:
    for guest in GUESTS:
        hall.invite(guest)
    page = hall.page(f"{hall.members}/pending", hall.owner, javascript=javascript)
    choose(page, *GUESTS[:2])
    go_on(page, "Resend", "Send 2 invitations again?")
    expect(page.get_by_text("noa@example.org, mia@example.org")).to_be_visible()
    say_yes(page, "Resend", "2 letters are on their way.")
    assert ledger.count("outbox_message") == 5
    choose(page, GUESTS[0])
    go_on(page, "Revoke", "Revoke 1 invitation?")
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("checkbox", name="Choose the invitation to")).to_have_count(3)
    expect(page.get_by_role("checkbox", name="Choose the invitation to", checked=True)).to_have_count(1)
    box = page.get_by_role("checkbox", name=f"Choose the invitation to {GUESTS[0]}")
    expect(box).to_be_checked()
    box.uncheck()
    choose(page, *GUESTS[1:])
    go_on(page, "Revoke", "Revoke 2 invitations?")
    say_yes(page, "Revoke", "2 invitations are revoked.")
    expect(page.locator("tr[id^=invitation-]")).to_have_count(1)
    page.get_by_role("button", name="Revoke the invitation to mia@example.org").click()
    expect(page.get_by_text("The invitation to mia@example.org no longer works.")).to_be_visible()


@WAYS
def test_what_changed_behind_the_question_is_asked_anew(hall: Hall, ledger: Ledger, *, javascript: bool) -> None:
    invited = {guest: hall.invite(guest) for guest in GUESTS}
    page = hall.page(f"{hall.members}/pending", hall.owner, refusal="409", javascript=javascript)
    choose(page, *GUESTS)
    go_on(page, "Resend", "Send 3 invitations again?")
    revoke(hall, invited["noa@example.org"])
    page.get_by_role("button", name="Resend").click()
    expect(page.get_by_text("Something changed in the meantime, so nothing was done.")).to_be_visible()
    expect(page.get_by_role("heading", name="Send 2 invitations again?")).to_be_visible()
    expect(page.get_by_text("1 was answered or revoked meanwhile, and is left out.")).to_be_visible()
    assert ledger.count("outbox_message") == 3
    say_yes(page, "Resend", "2 letters are on their way.")


def test_all_on_this_page_are_chosen_and_let_go_by_one_box(hall: Hall) -> None:
    for guest in GUESTS:
        hall.invite(guest)
    page = hall.page(f"{hall.members}/pending", hall.owner, refusal="422")
    boxes = page.get_by_role("checkbox", name="Choose the invitation to")
    every = page.get_by_role("checkbox", name="Choose all on this page")
    every.check()
    for number in range(3):
        expect(boxes.nth(number)).to_be_checked()
    every.uncheck()
    for number in range(3):
        expect(boxes.nth(number)).not_to_be_checked()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="No invitation is chosen")).to_be_visible()


def test_choosing_all_on_the_list_is_not_forgotten_when_the_window_is_looked_at_again(hall: Hall) -> None:
    for number in range(51):
        hall.invite(f"guest{number}@example.org")
    page = hall.page(f"{hall.members}/pending", hall.owner)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    every = page.get_by_role("checkbox", name="All on this list")
    every.check()
    look_again(page)
    expect(every).to_be_checked()
    assert asked == []
    every.uncheck()
    with page.expect_request("**/members/pending"):
        look_again(page)


def look_again(page: Page) -> None:
    """Let the window gain focus, and what answers that a moment later be decided."""
    page.evaluate("""() => new Promise((decided) => {
        document.addEventListener("htmx:beforeRequest", () => setTimeout(decided), {once: true});
        window.dispatchEvent(new Event("focus"));
    })""")
