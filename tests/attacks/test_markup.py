"""E07, E08: whatever people type is text: no element, no attribute and no header of ours comes of it."""

from itertools import product

from sqlalchemy import update
from werkzeug.test import TestResponse

from tests.support import asking
from tests.support.acme import Acme
from tests.support.markup import EVIL, LONGEST_NAME, NAMES, PAYLOADS
from tests.support.pages import PANEL, RESULTS, Page
from tests.support.routes import Routes
from tests.support.tabs import Tab
from tests.support.worlds import World
from webapp.db import db
from webapp.models import Organization, OutboxMessage, Session, User

LISTS = ("members", "members/pending", "members/requests", "members/removed", "audit")
LEAD_SOMEWHERE = {"src", "href", "action", "hx-get", "hx-post", "hx-push-url", "ping", "content", "formaction"}
LINES = ("Eve\r\nSet-Cookie: evil=1", "Eve\nHX-Redirect: /evil", 'Eve", "evil": {"x": 1}, "', "Eve\u2028\u0085evil")


def call_everything(world: World, name: str, organization: str | None = None) -> None:
    """Give every person, organization and browser this name; organizations another one, if there is one for them."""

    def rename() -> None:
        for statement in (
            update(User).values(name=name[:200]),
            update(Organization).values(name=(organization or name)[:200]),
            update(Session).values(user_agent=name[:200]),
            update(OutboxMessage).values(last_error=name[:500]),
        ):
            db.session.execute(statement)

    world.write(rename)


def faults_of(answer: TestResponse) -> list[str]:
    """Return the elements of an answer that came of a name: no page of ours leads to EVIL or holds code."""
    if answer.mimetype != "text/html" or answer.status_code in (303, 308):
        return []
    found = []
    for element in Page(answer).elements:
        led = {name: value for name, value in element.attributes.items() if name in LEAD_SOMEWHERE}
        coded = [name for name in element.attributes if name.startswith(("on", "hx-on", "data-hx", "hx-vals"))]
        if coded or any(EVIL in value.partition("?")[0] for value in led.values()):
            found.append(f"{element.tag} {element.attributes}")
    return found


def test_names_are_seen_where_they_are_shown(world: World, acme: Acme) -> None:
    """The tests below look at pages that do show the names."""
    call_everything(world, NAMES[0])
    page = Page(acme.browser(acme.owner).get(acme.address("members")))
    assert page.text.count(" ".join(NAMES[0].split())) > 4


def test_E07_name_is_text_on_every_page_and_in_every_fragment(
    world: World, acme: Acme, routes: Routes, database_url: str
) -> None:
    """Two names at a time are on every page: who has which on one database has the other on the other."""
    half = (len(NAMES) + 1) // 2
    names = list(zip(NAMES[:half], NAMES[-half:], strict=True))
    if database_url.startswith("sqlite"):
        names = [(other, name) for name, other in names]
    asking.ask(acme, "asks@example.org")
    requests = [routes.request(route) for route in routes if route.method == "GET" and route.endpoint != "static"]
    browser = world.browser(acme.owner)
    for number, (name, organization) in enumerate(names):
        call_everything(world, name, organization)
        # A fragment is drawn by the template of its page: the page shows each name, the fragments two of them.
        for place, request in enumerate(requests):
            fragments = (PANEL, RESULTS) if place % half == number else ()
            for headers in ({}, *fragments):
                answer = browser.get(request.path, headers=headers, buffered=True)
                assert answer.status_code < 500, (request.path, name)
                assert faults_of(answer) == [], (request.path, name)


def test_E07_what_was_typed_comes_back_as_text(world: World, acme: Acme, routes: Routes) -> None:
    text = " ".join(PAYLOADS)
    tab = Tab(world, acme.owner)
    fields = dict.fromkeys(("name", "email", "emails", "slug", "role", "lifetime_days", "language"), text)
    query = dict.fromkeys(
        ("q", "role", "status", "sort", "after", "actor", "event", "target", "from", "to", "next"), text
    )
    for path in (*(acme.address(page) for page in LISTS), "/login", "/orgs/"):
        for asked, headers in product((query, {"q": text}), ({}, PANEL, RESULTS)):  # a strange page is not found
            assert faults_of(tab.browser.get(path, query_string=asked, headers=headers)) == [], path
    for route in routes:
        if route.method == "POST" and route.endpoint != "accounts.logout":
            answer = tab.browser.post(routes.request(route).path, headers=PANEL, data=tab.form(fields))
            assert answer.status_code < 500, route
            assert faults_of(answer) == [], route
            tab.after(route)


def test_E08_no_header_holds_what_somebody_typed(world: World, acme: Acme, routes: Routes) -> None:
    tab, name = Tab(world, acme.owner), f"{''.join(LINES)}{PAYLOADS[4]}"
    assert len(name) <= LONGEST_NAME
    headers = {**PANEL, "HX-Prompt": "evil", "HX-Current-URL": f"http://localhost{EVIL}", "HX-Trigger-Name": "evil"}
    for route in routes:
        request = routes.request(route)
        call_everything(world, name)
        data = tab.form(request.form) if route.method == "POST" else {}
        answer = tab.browser.open(request.path, method=route.method, data=data, headers=headers, buffered=True)
        sent = {header: value for header, value in answer.headers if header != "Set-Cookie"}
        assert {header for header in sent if header.startswith("HX-")} <= {"HX-Redirect", "HX-Push-Url"}, route
        assert "evil" not in repr(sent), route
        assert all(value.isprintable() and value.isascii() for value in sent.values()), route
        if route.method == "POST":
            tab.after(route)
