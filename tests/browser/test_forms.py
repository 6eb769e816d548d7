"""Invalid forms keep what was typed, say what is wrong beside the field, and put the focus on the first one."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.hall import Hall
from tests.support.settings import SECRET_KEY
from tests.support.worlds import PASSWORD
from webapp.services.first_run import setup_token


def assert_invalid(field: Locator, sentence: str) -> None:
    """The field has the focus and says what is wrong with it, also to a screen reader."""
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile(re.escape(sentence)))


def without_browser_checks(page: Page) -> None:
    """Let the server judge, as it must where a browser checks nothing."""
    page.evaluate("document.querySelectorAll('form').forEach(form => { form.noValidate = true })")


def test_set_up_keeps_what_was_typed(hall: Hall) -> None:
    page = hall.page(f"/setup/{setup_token(SECRET_KEY)}", refusal="422")
    page.get_by_label("Organization").fill("Harbour Works")
    page.get_by_label("Your name").fill("Ada Winter")
    page.get_by_label("Your email address").fill("ada at home")
    page.get_by_label("Password", exact=True).fill("short")
    without_browser_checks(page)
    page.get_by_role("button", name="Create the organization").click()
    assert_invalid(page.get_by_label("Your email address"), "not an email address")
    expect(page.get_by_label("Organization")).to_have_value("Harbour Works")
    expect(page.get_by_label("Your name")).to_have_value("Ada Winter")
    expect(page.get_by_label("Your email address")).to_have_value("ada at home")
    expect(page.get_by_label("Password", exact=True)).to_have_value("")


def test_sign_in_keeps_the_address(hall: Hall) -> None:
    page = hall.page("/login", refusal="422")
    page.get_by_label("Email address").fill("ada@example.com")
    page.get_by_label("Password", exact=True).fill("a wrong password")
    page.get_by_role("button", name="Sign in").click()
    assert_invalid(page.get_by_label("Password", exact=True), "do not belong together")
    expect(page.get_by_label("Email address")).to_have_value("ada@example.com")


def test_registration_keeps_the_name_and_leaves_the_other_form_alone(hall: Hall) -> None:
    page = hall.page(hall.invite("mia@example.org").link, refusal="422")
    page.get_by_label("Your name").fill("Mia Holm")
    page.locator("#register-password").fill("passwordpassword")
    page.get_by_role("button", name="Create account and join").click()
    assert_invalid(page.locator("#register-password"), "among the first ones people guess")
    expect(page.get_by_label("Your name")).to_have_value("Mia Holm")
    expect(page.locator("#sign-in-password")).not_to_have_attribute("aria-invalid", "true")


def test_sign_in_on_the_invitation_keeps_the_address(hall: Hall) -> None:
    page = hall.page(hall.invite("mia@example.org").link, refusal="422")
    page.locator("#sign-in-email").fill("mia@example.org")
    page.locator("#sign-in-password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in and join").click()
    assert_invalid(page.locator("#sign-in-password"), "do not belong together")
    expect(page.locator("#sign-in-email")).to_have_value("mia@example.org")
    expect(page.locator("#register-password")).not_to_have_attribute("aria-invalid", "true")


def test_invitations_keep_addresses_role_and_days(hall: Hall) -> None:
    page = hall.page(f"{hall.members}/new", hall.owner, refusal="422")
    page.evaluate("window.stillHere = true")
    page.get_by_label("Email addresses").fill("mia@example.org")
    page.get_by_role("radio", name="Manager").check()
    page.get_by_label("Days until the invitation expires").fill("31")
    without_browser_checks(page)
    page.get_by_role("button", name="Send invitations").click()
    assert_invalid(page.get_by_label("Days until the invitation expires"), "Between 1 and 30 days.")
    expect(page.get_by_label("Email addresses")).to_have_value("mia@example.org")
    expect(page.get_by_role("radio", name="Manager")).to_be_checked()
    assert page.evaluate("window.stillHere === true")
    page.get_by_label("Days until the invitation expires").fill("30")
    page.get_by_role("button", name="Send invitations").click()
    expect(page.get_by_text("1 person is invited.")).to_be_visible()


def test_refused_addresses_are_named_and_malformed_ones_stay_to_be_corrected(hall: Hall) -> None:
    hall.invite("noa@example.org")
    page = hall.page(f"{hall.members}/new", hall.owner, refusal="422")
    page.get_by_label("Email addresses").fill("mia@example.org, noa@example.org, ada@example.com, mia@")
    page.get_by_role("button", name="Send invitations").click()
    expect(page.get_by_text("3 addresses were not invited")).to_be_visible()
    refused = page.locator(".outcomes-refused li")
    expect(refused.filter(has_text="noa@example.org")).to_contain_text("Already invited")
    expect(refused.filter(has_text="ada@example.com")).to_contain_text("Already a member")
    expect(refused.filter(has_text="mia@")).to_contain_text("Not an email address")
    expect(page.get_by_label("Email addresses")).to_have_value("mia@")


@pytest.mark.parametrize("path", ["/login", "/forgot-password"])
def test_browser_itself_asks_for_required_fields(hall: Hall, path: str) -> None:
    page = hall.page(path)
    page.locator("button[type=submit]").click()
    expect(page.get_by_label("Email address")).to_be_focused()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_password_can_be_shown_and_hidden(hall: Hall) -> None:
    page = hall.page("/login")
    field = page.get_by_label("Password", exact=True)
    field.fill(PASSWORD)
    button = page.get_by_role("button", name="Show the password")
    button.click()
    expect(field).to_have_attribute("type", "text")
    button.click()
    expect(field).to_have_attribute("type", "password")
    expect(field).to_have_value(PASSWORD)
