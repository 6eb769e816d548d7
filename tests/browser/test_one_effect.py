"""R25: impatient people and broken networks: whatever is clicked twice, reloaded or sent again happens once."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hall import Hall
from tests.support.browser import Window
from tests.support.ledger import Ledger
from tests.support.sizes import Figures, short_and_long


def fill_in(hall: Hall, window: Window, email: str) -> Page:
    """Open the form and enter an address."""
    window.page.goto(f"{hall.members}/new")
    window.page.get_by_label("Email addresses").fill(email)
    return window.page


def expect_sent(page: Page) -> None:
    expect(page.get_by_text("1 person is invited.")).to_be_visible()


def click_twice(hall: Hall, window: Window, email: str) -> None:
    """Click before the answer to the first click is there."""
    page = fill_in(hall, window, email)
    page.get_by_role("button", name="Send invitations").dblclick()
    expect_sent(page)


def reload_after(hall: Hall, window: Window, email: str) -> None:
    """Reload the page that says what was done; go back to the form and on again."""
    page = fill_in(hall, window, email)
    page.get_by_role("button", name="Send invitations").click()
    expect_sent(page)
    page.reload()
    what_became = page.get_by_role("heading", name="What became of your invitations")
    expect(what_became).to_be_visible()
    page.go_back()
    expect(what_became).to_be_hidden()
    page.wait_for_load_state("networkidle")
    page.go_forward()
    expect(what_became).to_be_visible()


def send_offline(hall: Hall, window: Window, email: str) -> None:
    """Click while the network is away, and again once it is back."""
    page = fill_in(hall, window, email)
    window.context.set_offline(True)
    page.get_by_role("button", name="Send invitations").click()
    expect(page.locator("#problems")).to_contain_text("Vestibule could not be reached")
    window.context.set_offline(False)
    expect(page.get_by_label("Email addresses")).to_have_value(email)
    page.get_by_role("button", name="Send invitations").click()
    expect_sent(page)


WAYS: list[Callable[[Hall, Window, str], None]] = [click_twice, reload_after, send_offline]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("rounds", short_and_long(1, 50))
def test_R25_sending_has_one_effect(
    hall: Hall, ledger: Ledger, way: Callable[[Hall, Window, str], None], rounds: int, figures: Figures
) -> None:
    window = hall.window(hall.members, hall.owner)
    window.allowed += ["ERR_INTERNET_DISCONNECTED", "htmx:sendError", "htmx:afterRequest"]
    for number in range(rounds):
        email = f"guest{number}@example.org"
        way(hall, window, email)
        assert ledger.count("invitation", canonical=email) == ledger.count("outbox_message", to_address=email) == 1
    assert ledger.count("invitation") == ledger.count("audit_entry", event="invitation.sent") == rounds
    figures(rounds=rounds, invitations=rounds, letters=ledger.count("outbox_message"))
