"""The page behind an emailed link: who may answer, with which account, and where a dead link ends."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.hall import Hall
from tests.browser.scenes import accept, decline, expire, revoke
from tests.support.worlds import PASSWORD, Invited

DEAD_ENDS = {
    "expired": (expire, "This invitation has expired", "Ask Ada Winter for a new one."),
    "revoked": (revoke, "This invitation was revoked", "ask Ada Winter for a new one."),
    "declined": (decline, "You declined this invitation", "Ask Ada Winter for a new one."),
}


@pytest.fixture
def invited(hall: Hall) -> Invited:
    """An open invitation for an address nobody has an account with."""
    return hall.invite("mia@example.org")


@pytest.mark.parametrize("end", DEAD_ENDS)
def test_dead_link_says_what_happened_and_what_to_do(hall: Hall, invited: Invited, end: str) -> None:
    close, title, advice = DEAD_ENDS[end]
    close(hall, invited)
    page = hall.page(invited.link)
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    expect(page.get_by_text(advice)).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)


def test_used_link_says_so_and_leads_to_the_sign_in_page(hall: Hall, invited: Invited) -> None:
    accept(hall, invited, hall.world.person("Mia Holm", invited.email))
    page = hall.page(invited.link)
    expect(page.get_by_role("heading", name="This invitation was already accepted")).to_be_visible()
    page.get_by_role("link", name="Sign in").click()
    expect(page).to_have_url(re.compile("/login$"))


def test_opening_the_link_decides_nothing_and_declining_closes_it(hall: Hall, invited: Invited) -> None:
    page = hall.page(invited.link)
    assert hall.world.status_of(invited) == "pending"
    page.get_by_role("button", name="Decline").click()
    expect(page.get_by_role("heading", name="You declined this invitation")).to_be_visible()
    assert hall.world.status_of(invited) == "declined"


def test_person_with_an_account_signs_in_on_the_page_and_joins(hall: Hall, invited: Invited) -> None:
    hall.world.person("Mia Holm", invited.email)
    page = hall.page(invited.link)
    page.locator("#sign-in-email").fill(invited.email)
    page.locator("#sign-in-password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in and join").click()
    expect(page.get_by_text("Welcome to Harbour Works")).to_be_visible()


def test_signed_in_person_accepts_with_one_click(hall: Hall, invited: Invited) -> None:
    page = hall.page(invited.link, hall.world.person("Mia Holm", invited.email))
    page.get_by_role("button", name="Accept the invitation").click()
    expect(page.get_by_text("Welcome to Harbour Works")).to_be_visible()


def test_person_with_another_address_is_told_and_may_switch_accounts(hall: Hall, invited: Invited) -> None:
    page = hall.page(invited.link, hall.world.person("Noa Berg", "noa@example.org"))
    expect(page.get_by_text("This invitation is for mia@example.org")).to_be_visible()
    expect(page.get_by_role("button", name="Accept as noa@example.org")).to_have_count(0)
    page.get_by_role("button", name="Switch account").click()
    expect(page.get_by_role("heading", name="Create your account")).to_be_visible()
    expect(page).to_have_url(re.compile(f"{invited.link}$"))


def test_person_with_another_address_may_accept_where_the_policy_allows_it(hall: Hall, invited: Invited) -> None:
    hall.world.policy(hall.slug, address_match_required=False)
    page = hall.page(invited.link, hall.world.person("Noa Berg", "noa@example.org"))
    page.get_by_role("button", name="Accept as noa@example.org").click()
    expect(page.get_by_text("Welcome to Harbour Works")).to_be_visible()
    assert hall.world.roles(hall.slug) == {"Ada Winter": "owner", "Noa Berg": "member"}


def test_invitation_answered_in_another_window_ends_in_a_sentence(hall: Hall, invited: Invited) -> None:
    mia = hall.world.person("Mia Holm", invited.email)
    window = hall.window(invited.link, mia, refusal="409")
    accept(hall, invited, mia)
    window.page.get_by_role("button", name="Accept the invitation").click()
    expect(window.page.get_by_role("heading", name="This invitation was already accepted")).to_be_visible()
    assert set(hall.world.roles(hall.slug)) == {"Ada Winter", "Mia Holm"}
