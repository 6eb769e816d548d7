"""D12: however an address is written, the same decision is made, or there is nothing there."""

import pytest
from flask.testing import FlaskClient

from tests.support.acme import Acme
from tests.support.worlds import csrf_token

PATHS = ["members", "members/pending", "members/new", "members/removed", "leave", "audit"]
SPELLINGS = [
    "//orgs/{slug}/{path}",
    "/orgs//{slug}/{path}",
    "/orgs/{slug}//{path}",
    "///orgs///{slug}///{path}",
    "/./orgs/{slug}/{path}",
    "/orgs/{slug}/./{path}",
    "/orgs/x/../{slug}/{path}",
    "/orgs/%2e/{slug}/{path}",
    "/orgs/{slug}/%2e%2e/{slug}/{path}",
    "/orgs%2f{slug}%2f{path}",
    "/orgs/{slug}%2f{path}",
    "/%6frgs/{slug}/{path}",
    "/orgs/{slug}/{path}/",
    "/orgs/{slug}/{path}//",
    "/orgs/{slug}/{path}/.",
    "/orgs/{slug}/{path};x=1",
    "/orgs/{slug};x/{path}",
    "/orgs/{slug}/{path}%3bx",
    "/orgs/{slug}/{path}%3f",
    "/orgs/{slug}/{path}%23",
    "/orgs/{slug}/{path}%00",
    "/orgs/{slug}%00/{path}",
    "/orgs/{slug}%20/{path}",
    "/orgs/{slug}/{path}.json",
    "/orgs/{slug}\\{path}",
    "/ORGS/{slug}/{path}",
    "/orgs/{SLUG}/{path}",
    "/orgs/{slug}/{PATH}",
    "/static/../orgs/{slug}/{path}",
    "/static/%2e%2e/orgs/{slug}/{path}",
]
HEADERS = [
    {"X-HTTP-Method-Override": "POST"},
    {"X-HTTP-Method": "DELETE"},
    {"X-Method-Override": "POST"},
    {"X-Original-URL": "/orgs/acme/audit"},
    {"X-Rewrite-URL": "/orgs/acme/audit"},
    {"X-Forwarded-Prefix": "/orgs/acme"},
    {"X-Forwarded-Host": "evil.example"},
    {"X-Forwarded-For": "127.0.0.1"},
    {"Forwarded": "for=127.0.0.1;host=evil.example"},
    {"X-User": "olive@example.com", "X-Auth-Request-Email": "olive@example.com", "Remote-User": "olive@example.com"},
]


def spelled(acme: Acme, spelling: str, path: str) -> str:
    return spelling.format(slug=acme.slug, SLUG=acme.slug.upper(), path=path, PATH=path.upper())


def decision(browser: FlaskClient, address: str, **options: object) -> int:
    """Return the status that an address leads to, within this server."""
    answer = browser.get(address, **options)
    if answer.status_code == 308:
        assert answer.location.startswith("/orgs/")
        answer = browser.get(answer.location, **options)
    return answer.status_code


@pytest.mark.parametrize("who", ["owner", "member", "suspended", "stranger"])
def test_D12_other_spellings_lead_to_the_same_decision_or_nowhere(acme: Acme, who: str) -> None:
    browser = acme.browser(getattr(acme, who))
    for path in PATHS:
        plain = decision(browser, acme.address(path))
        for spelling in SPELLINGS:
            assert decision(browser, spelled(acme, spelling, path)) in (plain, 404), (path, spelling)


def test_D12_other_spellings_open_nothing_to_the_signed_out(acme: Acme) -> None:
    browser = acme.browser()
    for path in PATHS:
        for spelling in SPELLINGS:
            assert decision(browser, spelled(acme, spelling, path)) in (303, 404), (path, spelling)


@pytest.mark.parametrize("who", ["owner", "member", "stranger"])
def test_D12_head_is_decided_as_get_and_answers_no_body(acme: Acme, who: str) -> None:
    browser = acme.browser(getattr(acme, who))
    for path in PATHS:
        answer = browser.head(acme.address(path))
        assert (answer.status_code, answer.get_data()) == (browser.get(acme.address(path)).status_code, b""), path


@pytest.mark.parametrize("who", ["member", "stranger", None])
def test_D12_headers_change_neither_the_decision_nor_the_world(acme: Acme, who: str | None) -> None:
    browser = acme.browser(getattr(acme, who) if who else None)
    with acme.unchanged():
        for path in PATHS:
            plain = decision(browser, acme.address(path))
            for headers in HEADERS:
                assert decision(browser, acme.address(path), headers=headers) == plain, (path, headers)


def test_D12_changes_by_other_spellings_are_refused_as_the_plain_one(acme: Acme) -> None:
    invited = acme.world.invite(acme.slug, acme.owner, "bob@example.org")
    browser = acme.browser(acme.member)
    form = {"csrf_token": csrf_token(browser), "emails": "eve@example.org", "role": "member", "lifetime_days": "7"}
    with acme.unchanged():
        for path in ("members/new", f"invitations/{invited.id}/revoke"):
            assert browser.post(acme.address(path), data=form).status_code == 403
            for spelling in SPELLINGS:
                answer = browser.post(spelled(acme, spelling, path), data=form)
                assert answer.status_code in (308, 403, 404, 405), (path, spelling)


def test_D12_method_in_the_form_or_the_query_is_ignored(acme: Acme) -> None:
    invited = acme.world.invite(acme.slug, acme.owner, "bob@example.org")
    browser = acme.browser(acme.owner)
    with acme.unchanged():
        for query in ("_method=POST", "method=post", "X-HTTP-Method-Override=POST"):
            assert browser.get(acme.address(f"invitations/{invited.id}/revoke?{query}")).status_code == 405
            assert browser.get(acme.address(f"members/new?{query}&emails=eve@example.org")).status_code == 200
