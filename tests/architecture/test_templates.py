"""Templates: they compile, they leave code and style to files of their own, and they work without a script."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter
from werkzeug.test import TestResponse

from tests.support import asking
from tests.support.acme import Acme
from tests.support.pages import PANEL, Element, Page
from tests.support.routes import Routes
from tests.support.worlds import World, csrf_token

TEMPLATES = Path(__file__).parents[2] / "webapp" / "templates"
PAGES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html") if "mail" not in path.parts)
LETTERS = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("mail/*"))
NOT_IN_PAGES = {
    "inline style": r"\sstyle\s*=|<style\b",
    "inline script": r"<script\b(?![^>]*\ssrc=)",
    "event handler": r"\son[a-z]+\s*=",
    "hx-on": r"hx-on\b",
    "expression in a value": r"\bjs:|javascript:",
    "trigger filter": r"hx-trigger=\"[^\"]*\[",
    "inherited boost": r"hx-boost|hx-disinherit|hx-inherit",
    "unescaped text": r"\|\s*safe\b|\bMarkup\b|autoescape\s+false",
    "host of the request": r"\b_external\b",
    "another server": r"(?:src|href|action)=\"(?:https?:)?//",
    "browser's own checks off": r"\bnovalidate\b",
}
TAG = re.compile(r"<[a-z][^<>]*?(?:\{\{.*?\}\}[^<>]*?|\{%.*?%\}[^<>]*?)*>", re.DOTALL)


def test_there_are_pages_and_letters() -> None:
    assert len(PAGES) > 20
    assert len(LETTERS) > 5


@pytest.mark.parametrize("name", PAGES + LETTERS)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_template_compiles_and_forgives_no_missing_name(app: Flask, name: str) -> None:
    app.jinja_env.get_template(name)
    assert app.jinja_env.undefined is StrictUndefined


@pytest.mark.parametrize("name", PAGES)
def test_E07_page_holds_no_code_and_no_style(name: str) -> None:
    source = (TEMPLATES / name).read_text("utf-8")
    found = [what for what, pattern in NOT_IN_PAGES.items() if re.search(pattern, source, re.IGNORECASE)]
    assert found == []


@pytest.mark.parametrize("name", LETTERS)
def test_C14_letter_escapes_everything(name: str) -> None:
    source = (TEMPLATES / name).read_text("utf-8")
    assert not re.search(NOT_IN_PAGES["unescaped text"], source)
    assert not re.search(r"<(?:img|script|link|iframe)\b", source)


@pytest.mark.parametrize("name", PAGES)
def test_what_htmx_does_stands_on_a_link_or_a_form(name: str) -> None:
    """Whatever branch of a template says it; that both addresses are the same is asked of the pages, below."""
    for tag in TAG.findall((TEMPLATES / name).read_text("utf-8")):
        if "hx-get=" in tag and " hidden" not in tag:
            assert re.search(r"\s(?:href|action)=", tag), tag
        if "hx-post=" in tag:
            assert re.search(r"\s(?:form)?action=", tag), tag


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_htmx_does_works_without_it(world: World, acme: Acme, routes: Routes) -> None:
    """On every page, a link leads where it swaps from, a form is sent where it posts to, and the address is there."""
    asking.ask(acme, "asks@example.org")
    requests = [(route.method, routes.request(route).path) for route in routes if route.endpoint != "static"]
    addresses = world.app.url_map.bind("localhost")
    for method, path in requests:
        browser = world.browser(acme.owner)
        data = {"csrf_token": csrf_token(browser)} if method == "POST" else None
        answer = browser.open(path, method=method, data=data, buffered=True)
        assert list(broken(answer, addresses)) == [], (method, path)


class Nesting(HTMLParser):
    """Reads what is written, where a browser would guess, and notes the elements closed late, early or never."""

    CLOSED_BY_NOTHING = frozenset({"br", "hr", "img", "input", "link", "meta"})

    def __init__(self, answer: TestResponse) -> None:
        super().__init__()
        self.faults: list[str] = []
        self._open: list[str] = []
        self.feed(answer.get_data(as_text=True))
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self._open]

    def handle_starttag(self, tag: str, _attributes: object) -> None:
        if tag not in self.CLOSED_BY_NOTHING:
            self._open.append(tag)

    def handle_startendtag(self, _tag: str, _attributes: object) -> None:
        """Open nothing: it closes itself."""

    def handle_endtag(self, tag: str) -> None:
        if self._open[-1:] == [tag]:
            self._open.pop()
        else:
            self.faults.append(f"</{tag}> at {self.getpos()} where {self._open[-1:]} is open")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_element_is_closed_in_order(world: World, acme: Acme, routes: Routes) -> None:
    asking.ask(acme, "asks@example.org")
    for route in (route for route in routes if route.endpoint != "static"):
        browser = world.browser(acme.owner)
        data = {"csrf_token": csrf_token(browser)} if route.method == "POST" else None
        for headers in ({}, PANEL):
            answer = browser.open(
                routes.request(route).path, method=route.method, data=data, headers=headers, buffered=True
            )
            if answer.mimetype == "text/html" and answer.status_code != 303:
                assert Nesting(answer).faults == [], (route, headers)


def broken(answer: TestResponse, addresses: MapAdapter) -> Iterator[str]:
    """Yield the elements of a page that ask for one address with HTMX and for another without, or for none of ours."""
    for element in Page(answer).elements if answer.mimetype == "text/html" and answer.status_code != 303 else ():
        asked = element.attributes
        for verb, address in (("get", asked.get("hx-get")), ("post", asked.get("hx-post"))):
            if address is not None and (verb, address) != without_htmx(element):
                yield f"{verb} {address} on {element.tag} {asked}"
        method, address = without_htmx(element)
        if address.startswith("/") and not is_answered(addresses, method, address):
            yield f"nobody answers {method} {address}"


def without_htmx(element: Element) -> tuple[str, str]:
    """Return the method and the address of a link, a form or a button of one; empty where it has none."""
    asked = element.attributes
    if element.tag == "form":
        return asked.get("method", "get"), asked.get("action", "")
    return ("post", asked["formaction"]) if "formaction" in asked else ("get", asked.get("href", ""))


def is_answered(addresses: MapAdapter, method: str, address: str) -> bool:
    """Tell whether an address of ours takes the method."""
    try:
        addresses.match(re.split("[?#]", address)[0], method=method.upper())
    except HTTPException:
        return False
    return True
