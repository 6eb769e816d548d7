"""Ways to the provider in a browser: a domain is proven, and addresses, pages and invitations lead there."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hall import Hall
from tests.browser.test_look import Gallery, gallery  # noqa: F401  (a fixture)
from tests.browser.test_single_sign_on import set_up, theirs  # noqa: F401  (a fixture)
from tests.support.identity_provider import HostileProvider
from tests.support.name_server import NameServer


def prove(page: Page, names: NameServer) -> None:
    """Publish what the page of single sign-on shows for the first domain that is not proven, and let it be checked."""
    published = page.get_by_label("Name of the TXT record").first.input_value()
    names.texts[published] = [page.get_by_label("Its value").first.input_value()]
    page.locator("button[name=domain]").first.click()
    expect(page.get_by_text(" is proven.")).to_be_visible()


def list_domains(page: Page, domains: str) -> None:
    """Let everybody of some domains join."""
    page.get_by_label("Also everybody of these domains").check()
    page.get_by_label("Domains", exact=True).fill(domains)
    page.get_by_role("button", name="Save the rules").click()
    expect(page.get_by_text("The rules are saved.")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False], ids=["", "without scripts"])
def test_domain_is_proven_and_leads_from_the_sign_in_page_as_invitations_do(
    hall: Hall,
    theirs: HostileProvider,  # noqa: F811
    names: NameServer,
    javascript: bool,
) -> None:
    names.texts.clear()
    page = hall.page(f"/orgs/{hall.slug}/sso", hall.owner, javascript=javascript)
    set_up(page, theirs)
    list_domains(page, "example.org")
    page.locator("button[name=domain]").click()
    expect(page.get_by_text("_vestibule.example.org has no TXT record yet.")).to_be_visible()
    prove(page, names)

    theirs.person, theirs.people["u-2"]["email"] = "u-2", "ben@example.org"
    hers = hall.page("/login", javascript=javascript)
    hers.get_by_label("Email address").fill("Ben@example.org")
    hers.get_by_role("button", name="Sign in with single sign-on").click()
    hers.get_by_role("button", name="Sign in with").click()
    expect(hers.get_by_role("heading", name="Members")).to_be_visible()

    theirs.person, theirs.people["u-3"] = (
        "u-3",
        {**theirs.people["u-2"], "email": "zoe@example.net", "name": "Zoe Zimt"},
    )
    his = hall.page(hall.invite("zoe@example.net").link, javascript=javascript)
    his.get_by_role("button", name="Continue with").click()
    expect(his.get_by_text("Welcome to Harbour Works")).to_be_visible()


def test_its_pages_look_well(
    hall: Hall,
    theirs: HostileProvider,  # noqa: F811
    names: NameServer,
    gallery: Gallery,  # noqa: F811
) -> None:
    names.texts.clear()
    page = hall.page(f"/orgs/{hall.slug}/sso", hall.owner)
    set_up(page, theirs)
    list_domains(page, "example.org\na-rather-long-name-of-a-company-and-its-research.example.org")
    page.locator("button[name=domain]").first.click()
    expect(page.get_by_text("has no TXT record yet")).to_be_visible()
    gallery.show(page, "sso-domains")
    prove(page, names)
    gallery.show(page, "sso-domain-proven")
    for name, path in (
        ("login-by-domain", "/login"),
        ("login-towards", f"/login?next=/orgs/{hall.slug}/members"),
        ("login-sso", "/login/sso"),
        ("invitation-provider", hall.invite("zoe@example.net").link),
    ):
        visitor = hall.page(path, refusal="422")
        gallery.show(visitor, name)
        if name == "login-sso":
            visitor.get_by_label("Email address").fill("zoe@unknown.example.net")
            visitor.get_by_role("button", name="Continue").click()
            expect(visitor.get_by_label("Email address")).to_have_attribute("aria-invalid", "true")
            gallery.show(visitor, "login-sso-unknown")
    gallery.assert_faultless()
