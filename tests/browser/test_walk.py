"""The whole walk of a new installation, with scripts and without, on both databases."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hall import Hall, open_letter, tab
from tests.support.commands import Command
from tests.support.server import Server
from tests.support.worlds import PASSWORD

NEW_PASSWORD = "eleven lanterns over the harbour"
# With another index, one and the same database would be another one to pytest, and have a server of its own
DATABASES = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


def set_up(page: Page, link: str) -> None:
    """Make Ada the first owner, by the set-up link."""
    page.goto(link)
    page.get_by_label("Organization").fill("Harbour Works")
    page.get_by_label("Your name").fill("Ada Winter")
    page.get_by_label("Your email address").fill("ada@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create the organization").click()
    expect(page).to_have_url(re.compile("/orgs/harbour-works/members$"))
    expect(page.get_by_text("Harbour Works is ready. Invite the first people.")).to_be_visible()
    expect(page.get_by_role("row", name="Ada Winter")).to_contain_text("You")


def invite(page: Page, emails: str) -> None:
    """Invite addresses, beginning on any tab."""
    tab(page, "Invite new people").click()
    page.get_by_label("Email addresses").fill(emails)
    page.get_by_role("radio", name="Admin").check()
    page.get_by_role("button", name="Send invitations").click()
    expect(page.get_by_text("2 people are invited.")).to_be_visible()
    expect(page.get_by_text("2 invitations are on their way")).to_be_visible()


def register(page: Page, address: str, name: str) -> None:
    """Follow the link in the letter to an address, and join with a new account."""
    open_letter(page, address, "Ada Winter invited you to Harbour Works")
    page.locator(".letter-links").get_by_role("link").click()
    expect(page.get_by_role("heading", name="Join Harbour Works")).to_be_visible()
    page.get_by_label("Your name").fill(name)
    page.locator("#register-password").fill(PASSWORD)
    page.get_by_role("button", name="Create account and join").click()
    expect(page.get_by_text("Welcome to Harbour Works")).to_be_visible()
    expect(page).to_have_url(re.compile("/orgs/harbour-works/members$"))
    expect(page.get_by_role("row", name=name)).to_contain_text("You")


def sign_in(page: Page, email: str, password: str) -> None:
    """Sign in on the page that asks for it."""
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Members")).to_be_visible()


def sign_out(page: Page) -> None:
    """Sign out through the account's menu."""
    page.locator("summary", has_text="Your account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def take_new_password(page: Page, email: str) -> None:
    """Get a link for a new password, and choose one."""
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("Email address").fill(email)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    open_letter(page, email, "Choose a new password")
    page.locator(".letter-links").get_by_role("link").click()
    page.get_by_label("New password").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Save the new password").click()
    expect(page.get_by_text("Your password is changed")).to_be_visible()
    sign_in(page, email, NEW_PASSWORD)


def set_up_link(server: Server) -> str:
    """Return the link that the server printed when it started."""
    found = re.search(r"Set-up link\s+(\S+)", server.log)
    assert found
    return found[1]


@DATABASES
def test_walk_from_the_set_up_link_to_the_first_member(live_server: Server, hall: Hall) -> None:
    walk(live_server, hall, javascript=True)


def test_walk_from_the_set_up_link_to_the_first_member_without_scripts(live_server: Server, hall: Hall) -> None:
    walk(live_server, hall, javascript=False)


def walk(live_server: Server, hall: Hall, *, javascript: bool) -> None:
    """Walk from the set-up link to the first member, their way out, and back in with a new password."""
    owner = hall.page(javascript=javascript)
    set_up(owner, urlsplit(set_up_link(live_server)).path)
    tab(owner, "Pending").click()
    expect(owner.get_by_role("heading", name="Nobody is waiting")).to_be_visible()
    invite(owner, "mia@example.org, Noa Berg <noa@example.org>")
    tab(owner, "Pending").click()
    expect(owner.locator("tbody tr")).to_have_count(2)

    owner.evaluate("window.stillHere = true")
    guest = hall.page(javascript=javascript)
    register(guest, "mia@example.org", "Mia Holm")

    tab(owner, "Pending").click()
    expect(owner.locator("tbody tr")).to_have_count(1)
    expect(tab(owner, "Pending")).to_have_text("Pending 1")
    tab(owner, "Members").click()
    expect(owner.get_by_role("row", name="Mia Holm")).to_contain_text("Admin")
    expect(tab(owner, "Members")).to_have_text("Members 2")
    assert bool(owner.evaluate("window.stillHere")) is javascript

    other = hall.page(javascript=javascript)
    open_letter(other, "noa@example.org", "Ada Winter invited you to Harbour Works")
    tab(owner, "Pending").click()
    owner.get_by_role("button", name="Revoke the invitation to noa@example.org").click()
    expect(owner.get_by_text("The invitation to noa@example.org no longer works.")).to_be_visible()
    expect(owner.get_by_role("heading", name="Nobody is waiting")).to_be_visible()
    other.locator(".letter-links").get_by_role("link").click()
    expect(other.get_by_role("heading", name="This invitation was revoked")).to_be_visible()

    sign_out(guest)
    sign_in(guest, "mia@example.org", PASSWORD)
    sign_out(guest)
    take_new_password(guest, "mia@example.org")


def test_set_up_link_can_be_printed_again_until_somebody_has_used_it(
    hall: Hall, live_server: Server, environment: dict[str, str]
) -> None:
    command = Command({**environment, "VESTIBULE_BASE_URL": live_server.url})
    printed = command("setup-link")
    link = printed.out.strip()
    assert (printed.status, link) == (0, set_up_link(live_server))
    set_up(hall.page(), link)
    used = command("setup-link")
    assert (used.status, used.out) == (1, "")
    window = hall.window(urlsplit(link).path, refusal="404")
    expect(window.page.get_by_role("heading", name="Vestibule is set up already")).to_be_visible()
