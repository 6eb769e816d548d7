"""How a provider is named: by its host, and everywhere by the same one, whether or not its address was entered."""

import pytest

from tests.support.acme import Acme
from tests.support.pages import Page
from tests.support.sso import Desk, at_provider, entered, work
from tests.support.worlds import post
from webapp.providers.registry import OURS

TENANT = "0f0e0d0c-1111-2222-3333-444455556666"
OF_KIND = {
    "oidc": ("https://id.example.org", {}, "id.example.org"),
    "google": ("", {"hosted_domain": "example.org"}, "accounts.google.com"),
    "entra": ("", {"tenant": TENANT}, "login.microsoftonline.com"),
    "gitlab": ("", {}, "gitlab.com"),
    "github": ("", {"organization": "acme"}, "github.com"),
    "dummy": ("http://localhost/demo", {}, "localhost"),
}
PAGES = ("", "/unlinked", "/outside", "/disable", "/mappings", "/secret", "/link", "/login")


@pytest.mark.parametrize("kind", OURS)
def test_pages_letters_and_the_audit_log_name_a_provider_alike(acme: Acme, desk: Desk, kind: str) -> None:
    issuer, options, host = OF_KIND[kind]
    desk.set(**entered(kind, issuer, options))
    desk.know(acme.member)
    for path in PAGES:
        browser = acme.browser(None if path == "/login" else acme.owner)
        page = Page(browser.get(acme.address(f"sso{path}")))
        assert host in page.by_id("main").text, path
    assert post(acme.browser(acme.owner), desk.address("disable"), confirm="1").status_code == 303
    assert acme.entries()[-1].target_name == host
    work(acme.world.app)
    assert {letter.data["provider"] for letter in acme.world.letters("sso_disabled")} == {host}


@pytest.mark.parametrize("kind", ["google", "gitlab", "github"])
def test_sign_in_that_came_to_nothing_is_noted_alike(acme: Acme, desk: Desk, kind: str) -> None:
    issuer, options, host = OF_KIND[kind]
    browser = acme.browser(None)
    way_out = desk.way_out(browser)
    desk.set(**entered(kind, issuer, options))
    assert browser.get(at_provider(way_out)).status_code >= 400
    entry = acme.entries()[-1]
    assert (entry.event, entry.target_name) == ("sso.refused", host)
