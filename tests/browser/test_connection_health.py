"""Whether the connection to the identity provider works, as an owner sees it and checks it."""

import pytest
from playwright.sync_api import expect

from tests.browser.hall import Hall
from tests.browser.test_look import Gallery, gallery  # noqa: F401  (a fixture)
from tests.support.acme import organization_of
from tests.support.identity_provider import running_provider
from tests.support.sso import connection


@pytest.mark.parametrize("javascript", [True, False], ids=["", "without scripts"])
def test_owner_checks_the_connection_and_reads_why_it_does_not_work(
    hall: Hall,
    gallery: Gallery,  # noqa: F811
    javascript: bool,
) -> None:
    page = hall.page(person=hall.owner, javascript=javascript)
    with running_provider() as theirs:
        hall.world.write(lambda: connection(organization_of(hall.slug), theirs.issuer))
        page.goto(f"/orgs/{hall.slug}/sso")
        page.get_by_role("button", name="Check now").press("Enter")
        expect(page.get_by_text("Your provider answers, and has what signing in needs.")).to_be_visible()
        expect(page.locator("#health")).to_contain_text("It works")
        if javascript:
            gallery.show(page, "sso-works")
        theirs.key_set = []
        page.get_by_role("button", name="Check now").click()
        expect(page.locator("#health")).to_contain_text("The provider published no usable keys, or too many.")
    page.get_by_role("button", name="Check now").click()
    expect(page.locator("#health")).to_contain_text("Your provider does not answer")
    if javascript:
        gallery.show(page, "sso-away")
        gallery.assert_faultless()
