"""When something fails while a page is open, it says so in words and stays usable."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect
from sqlalchemy import create_engine, update
from sqlalchemy.pool import NullPool

from tests.browser.hall import Hall, tab
from tests.browser.scenes import move_in, revoke
from tests.support.ledger import Ledger
from tests.support.worlds import PASSWORD
from webapp.db import db
from webapp.models import Member, Role
from webapp.services import sessions


@contextmanager
def without_table(database_url: str, table: str) -> Iterator[None]:
    """Take a table away, so that the server cannot answer what needs it."""
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"alter table {table} rename to elsewhere")
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"alter table elsewhere rename to {table}")


def test_session_that_is_gone_leads_to_the_sign_in_page(hall: Hall) -> None:
    window = hall.window(hall.members, hall.owner, refusal="401")
    hall.world.write(sessions.end_all_of, hall.owner.user_id)
    tab(window.page, "Pending").click()
    expect(window.page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(window.page).to_have_url(re.compile("/login"))


def test_page_asked_for_without_a_session_comes_after_signing_in(hall: Hall) -> None:
    owner = hall.owner
    page = hall.page(f"{hall.members}/pending?q=mia")
    page.get_by_label("Email address").fill(owner.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"/members/pending\?q=mia$"))


def test_server_that_fails_says_so_above_the_page_that_stays(hall: Hall, database_url: str) -> None:
    window = hall.window(hall.members, hall.owner, refusal="50[03]")
    with without_table(database_url, "invitation"):
        tab(window.page, "Pending").click()
        expect(window.page.locator("#problems")).to_contain_text("Nothing of this request was stored")
    assert_stayed_and_works(window.page)


def test_server_out_of_reach_is_said_above_the_page_that_stays(hall: Hall) -> None:
    window = hall.window(hall.members, hall.owner)
    window.allowed += ["ERR_INTERNET_DISCONNECTED", "htmx:sendError", "htmx:afterRequest"]
    window.context.set_offline(True)
    tab(window.page, "Pending").click()
    expect(window.page.locator("#problems")).to_contain_text("Vestibule could not be reached")
    window.context.set_offline(False)
    assert_stayed_and_works(window.page)


def assert_stayed_and_works(page: Page) -> None:
    """The Members tab is still shown; the next click works, and the problem is gone."""
    expect(page).to_have_url(re.compile("/members$"))
    expect(page.get_by_role("row", name="Ada Winter")).to_be_visible()
    tab(page, "Pending").click()
    expect(page.get_by_role("heading", name="Nobody is waiting")).to_be_visible()
    expect(page.locator("#problems")).to_be_empty()


def test_invitation_revoked_twice_says_why_the_second_did_nothing(hall: Hall) -> None:
    invited = hall.invite("mia@example.org")
    window = hall.window(f"{hall.members}/pending", hall.owner, refusal="409")
    revoke(hall, invited)
    window.page.get_by_role("button", name="Revoke").click()
    expect(window.page.locator("#problems")).to_contain_text("This invitation is closed")
    expect(window.page).to_have_url(re.compile("/members/pending$"))
    window.page.get_by_role("button", name="Dismiss").click()
    expect(window.page.locator("#problems")).to_be_empty()


def test_somebody_who_may_not_invite_any_more_is_told_so(hall: Hall) -> None:
    ben = move_in(hall)["Ben Okafor"]
    window = hall.window(f"{hall.members}/new", ben, refusal="403")
    demotion = update(Member).where(Member.user_id == ben.user_id).values(role=Role.MEMBER)
    hall.world.write(db.session.execute, demotion)
    window.page.get_by_label("Email addresses").fill("mia@example.org")
    window.page.get_by_role("button", name="Send invitations").click()
    expect(window.page.locator("#problems")).to_contain_text("Your role does not allow this")
    expect(window.page.get_by_label("Email addresses")).to_have_value("mia@example.org")


def test_missing_page_is_a_page_of_ours(hall: Hall) -> None:
    window = hall.window("/nowhere", refusal="404")
    expect(window.page.get_by_role("heading", name="Page not found")).to_be_visible()
    window.page.get_by_role("link", name="Go to the start page").click()
    expect(window.page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_back_after_signing_out_shows_nothing_private(hall: Hall) -> None:
    page = hall.page(hall.members, hall.owner)
    page.locator("summary", has_text="Your account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_R25_double_click_on_send_invites_once_and_says_so(hall: Hall, ledger: Ledger) -> None:
    page = hall.page(f"{hall.members}/new", hall.owner)
    page.get_by_label("Email addresses").fill("mia@example.org")
    page.get_by_role("button", name="Send invitations").dblclick()
    expect(page.get_by_text("1 person is invited.")).to_be_visible()
    assert ledger.count("invitation") == ledger.count("outbox_message") == 1


def test_R25_double_click_on_revoke_revokes_once_and_says_so(hall: Hall, ledger: Ledger) -> None:
    hall.invite("mia@example.org")
    page = hall.page(f"{hall.members}/pending", hall.owner)
    page.get_by_role("button", name="Revoke").dblclick()
    expect(page.get_by_text("The invitation to mia@example.org no longer works.")).to_be_visible()
    expect(page.locator("#problems")).to_be_empty()
    assert ledger.count("audit_entry", event="invitation.revoked") == 1


def test_R25_double_click_on_join_makes_one_member(hall: Hall, ledger: Ledger) -> None:
    page = hall.page(hall.invite("mia@example.org").link, refusal="409")
    page.get_by_label("Your name").fill("Mia Holm")
    page.locator("#register-password").fill(PASSWORD)
    page.get_by_role("button", name="Create account and join").dblclick()
    expect(page.get_by_text("Welcome to Harbour Works").or_(page.get_by_text("was already accepted"))).to_be_visible()
    assert ledger.count("member") == ledger.count("user") == 2
