"""Single sign-on in a browser: set up, sign out, sign in, link; as a provider leads people there and back."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hall import Hall, tab
from tests.browser.test_look import Gallery, gallery  # noqa: F401  (a fixture)
from tests.support.identity_provider import CLIENT_ID, CLIENT_SECRET, HostileProvider, running_provider
from tests.support.sso import knows
from webapp.models import Role


@pytest.fixture
def theirs() -> Iterator[HostileProvider]:
    """A provider whose people agree to everything at once."""
    with running_provider() as provider:
        yield provider


def set_up(page: Page, theirs: HostileProvider) -> None:
    """Enter the provider, beginning on the page of single sign-on."""
    page.get_by_role("link", name="Set it up").click()
    page.get_by_role("radio", name="OpenID Connect").check()
    page.get_by_role("button", name="Continue").click()
    knows(theirs, page.get_by_label("Redirect address").input_value())
    page.get_by_label("Issuer address").fill(theirs.issuer)
    page.get_by_label("Client ID").fill(CLIENT_ID)
    page.get_by_label("Client secret").fill(CLIENT_SECRET)
    page.get_by_role("button", name="Save, and sign in to prove it").click()


@pytest.mark.parametrize("javascript", [True, False], ids=["", "without scripts"])
def test_owner_sets_it_up_and_signs_in_by_it_and_a_member_links(
    hall: Hall, theirs: HostileProvider, javascript: bool
) -> None:
    owner = hall.owner
    sso = f"/orgs/{hall.slug}/sso"
    page = hall.page(f"/orgs/{hall.slug}/settings", owner, javascript=javascript)
    tab(page, "Single sign-on").click()
    set_up(page, theirs)
    expect(page.get_by_text("Single sign-on works, and your own account is linked.")).to_be_visible()
    page.locator("summary", has_text="Your account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.goto(f"{sso}/login")
    page.get_by_role("button", name="Sign in with").click()
    expect(page.get_by_role("row", name="Ada Winter")).to_contain_text("You")
    expect(page).to_have_url(re.compile(f"/orgs/{hall.slug}/members$"))

    ben = hall.world.person("Ben Okafor", "ben@example.com")
    hall.world.member(hall.slug, ben, Role.MEMBER)
    theirs.person = "u-2"
    his = hall.page("/account/", ben, javascript=javascript)
    his.get_by_role("link", name="Link Harbour Works").click()
    expect(his.get_by_role("heading", name="Link your account with")).to_be_visible()
    his.get_by_role("button", name="Link my account").click()
    expect(his.get_by_text("Your account is linked.")).to_be_visible()
    his.get_by_role("link", name="Unlink Harbour Works").click()
    his.get_by_role("button", name="Unlink").click()
    expect(his.get_by_text("Your account is not linked any more.")).to_be_visible()


def test_its_pages_look_well(hall: Hall, theirs: HostileProvider, gallery: Gallery) -> None:  # noqa: F811
    owner = hall.owner
    sso = f"/orgs/{hall.slug}/sso"
    page = hall.page(sso, owner, refusal="4")
    gallery.show(page, "sso-none")
    page.goto(f"{sso}/setup/kind")
    gallery.show(page, "sso-kind")
    page.get_by_role("radio", name="OpenID Connect").check()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_label("Issuer address")).to_be_visible()
    gallery.show(page, "sso-setup")
    page.goto(sso)
    set_up_again = page.get_by_role("link", name="Go on with the set-up")
    gallery.show(page, "sso-draft")
    set_up_again.click()
    knows(theirs, page.get_by_label("Redirect address").input_value())
    page.get_by_label("Issuer address").fill(theirs.issuer)
    page.get_by_label("Client ID").fill(CLIENT_ID)
    page.get_by_label("Client secret").fill(CLIENT_SECRET)
    page.get_by_role("button", name="Save, and sign in to prove it").click()
    expect(page.get_by_text("Single sign-on works, and your own account is linked.")).to_be_visible()
    gallery.show(page, "sso-in-use")
    for name, path in (("link", "link"), ("unlink", "unlink"), ("login", "login")):
        page.goto(f"{sso}/{path}")
        gallery.show(page, f"sso-{name}")
    page.goto("/account/")
    gallery.show(page, "account-linked")
    theirs.person = None
    page.goto(f"{sso}/login")
    page.get_by_role("button", name="Sign in with").click()
    expect(page.get_by_text("Your identity provider said no.")).to_be_visible()
    gallery.show(page, "sso-refused")
    gallery.assert_faultless()
