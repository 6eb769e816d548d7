"""Attacks that only a browser can show: names that are code, what stays behind after signing out, and referrers."""

import json
import re

from flask import Flask
from playwright.sync_api import Page, Request, expect
from sqlalchemy import func, select, update

from tests.browser.hall import Hall, tab
from tests.browser.scenes import move_in
from tests.support.acme import organization_of
from tests.support.browser import Window
from tests.support.identity_provider import running_provider, served
from tests.support.markup import EVIL, NAMES, PAYLOADS
from tests.support.sso import connection
from webapp.db import db
from webapp.models import Organization, SsoFlow, User

KEPT = """async () => JSON.stringify({
  local: {...localStorage}, session: {...sessionStorage}, caches: await caches.keys(),
  databases: await indexedDB.databases(), state: history.state,
})"""

TRAP = """<link rel="prefetch" href="{to}"><img src="{to}">
<form method="post" action="{to}"><button>{name}</button></form>"""


def requests_of(window: Window) -> list[Request]:
    """Return what the window asks for from now on."""
    found: list[Request] = []

    def note(request: Request) -> None:
        found.append(request)

    window.context.on("request", note)
    return found


def call_everybody_names_that_are_code(hall: Hall) -> None:
    people = [hall.owner, *move_in(hall).values()]

    def rename() -> None:
        for number, person in enumerate(people):
            name = NAMES[number % len(NAMES)]
            db.session.execute(update(User).where(User.id == person.user_id).values(name=name))
        db.session.execute(update(Organization).values(name=NAMES[3]))

    hall.world.write(rename)


def test_E07_names_that_are_code_do_nothing(hall: Hall) -> None:
    call_everybody_names_that_are_code(hall)
    hall.invite("mia@example.org")
    window = hall.window(hall.members, hall.owner, refusal="4..", is_hasty=True)
    page, asked = window.page, requests_of(window)
    for name in ("Pending", "Requests", "Removed", "Invite new people", "Members"):
        tab(page, name).click()
        expect(page.locator("#tabs [aria-current]")).to_contain_text(name)
    for name in NAMES:
        with page.expect_response(re.compile("q=")):
            page.locator("#search").fill(name)
    for path in (f"/orgs/{hall.slug}/settings", f"/orgs/{hall.slug}/audit", "/account/", "/orgs/"):
        page.goto(path)
    send_what_is_refused(page, hall)
    assert [request.url for request in asked if EVIL in request.url.partition("?")[0]] == []
    assert len(asked) > len(PAYLOADS)


def send_what_is_refused(page: Page, hall: Hall) -> None:
    """Type everything into a form that comes back with what was typed."""
    page.goto(f"{hall.members}/new")
    page.locator("textarea").fill("\n".join(PAYLOADS))
    page.get_by_role("button", name="Send").click()
    expect(page.locator("textarea")).to_have_value(re.compile("onload"))


def test_E07_htmx_runs_no_code_of_a_page(hall: Hall) -> None:
    page = hall.page(hall.members, hall.owner)
    config = page.evaluate("htmx.config")
    assert {
        name: config[name] for name in ("allowEval", "allowScriptTags", "selfRequestsOnly", "historyCacheSize")
    } == {
        "allowEval": False,
        "allowScriptTags": False,
        "selfRequestsOnly": True,
        "historyCacheSize": 0,
    }


def test_E10_nothing_of_a_page_stays_in_the_browser_after_signing_out(hall: Hall) -> None:
    people = move_in(hall)
    window = hall.window(hall.members, hall.owner)
    page = window.page
    tab(page, "Removed").click()
    expect(page).to_have_url(re.compile("/removed$"))
    tab(page, "Members").click()
    expect(page.get_by_role("row", name="Clara Lindqvist")).to_be_visible()
    sign_out(page)
    kept = page.evaluate(KEPT)
    assert [name for name in (*people, "@example", "Harbour") if name in kept] == []
    for _ in range(3):
        page.go_back()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert not [name for name in people if name in page.content()]
    assert json.loads(page.evaluate(KEPT))["local"] == {}


def sign_out(page: Page) -> None:
    page.locator("summary").filter(has_text="Ada Winter").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()


def test_C12_link_of_an_invitation_is_in_no_referrer(hall: Hall) -> None:
    invited = hall.invite("mia@example.org")
    window = hall.window()
    asked = requests_of(window)
    window.page.goto(invited.link)
    window.page.get_by_role("button", name="Decline").click()
    expect(window.page.get_by_role("heading", name="You declined this invitation")).to_be_visible()
    window.page.goto("/login")
    told = [request.headers.get("referer", "") for request in asked]
    assert len(told) > 5
    assert [referrer for referrer in told if "invitations" in referrer] == []


def test_A21_page_of_somebody_else_begins_neither_a_link_nor_a_sign_in(hall: Hall) -> None:
    window = hall.window("/account/", hall.owner, refusal="40[34]")
    window.allowed.append("ERR_BLOCKED_BY_RESPONSE.NotSameOrigin")
    elsewhere = Flask("elsewhere")
    ours = {path: f"{hall.url}/orgs/{hall.slug}/sso/{path}" for path in ("link", "login")}
    traps = [TRAP.format(to=to, name=path) for path, to in ours.items()]
    elsewhere.add_url_rule("/", "page", lambda: "".join(traps))
    with running_provider() as theirs, served(elsewhere) as address:
        hall.world.write(lambda: connection(organization_of(hall.slug), theirs.issuer).id)
        for path, to in ours.items():
            window.page.goto(address)
            with window.page.expect_response(lambda answer: answer.request.method == "POST") as answer:
                window.page.get_by_role("button", name=path).click()
            assert (answer.value.url, answer.value.status) == (to, 403)
        begun = hall.world.read(lambda: db.session.scalar(select(func.count()).select_from(SsoFlow)))
    assert (begun, dict(theirs.hits)) == (0, {})
