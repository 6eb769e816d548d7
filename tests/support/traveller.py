"""A browser without scripts on its way from one server to another and back, over real HTTP."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from http.client import HTTPMessage
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, Request, build_opener

TIMEOUT_SECONDS = 60
MOST_REDIRECTS = 10
REFRESH = re.compile(r"0;\s*url=(.+)", re.IGNORECASE)


@dataclass(frozen=True)
class SeenForm:
    """A form of a page: where it is sent, and what its fields hold."""

    action: str
    fields: dict[str, str]


@dataclass(frozen=True)
class Seen:
    """Where a browser arrived. A status of 0 means that it stopped before it asked for the address."""

    address: str
    status: int = 0
    text: str = field(default="", repr=False)

    @property
    def query(self) -> list[tuple[str, str]]:
        """What the address says, in its order."""
        return parse_qsl(urlsplit(self.address).query, keep_blank_values=True)

    @cached_property
    def _read(self) -> "_Reader":
        return _Reader(self)

    @property
    def forms(self) -> list[SeenForm]:
        """The forms of the page."""
        return self._read.forms

    def link(self, pattern: str) -> str:
        """Return the address of the only link that matches a regular expression."""
        [found] = {link for link in self._read.links if re.search(pattern, link)}
        return found


class Traveller:
    """Somebody's browser, with cookies.

    Args:
        stop_before: what the addresses begin with that it does not ask for, such as our own callback.
    """

    def __init__(self, stop_before: str | None = None) -> None:
        self._stop_before = stop_before
        self._opener = build_opener(HTTPCookieProcessor(), _Unled())

    def open(self, address: str) -> Seen:
        """Go to an address, and on to where it leads."""
        return self._follow(address, None)

    def send(self, form: SeenForm, **fields: str) -> Seen:
        """Send a form with what is in its fields, and `fields` besides; go on to where that leads."""
        return self._follow(form.action, {**form.fields, **fields})

    def _follow(self, address: str, form: Mapping[str, str] | None) -> Seen:
        for _ in range(MOST_REDIRECTS):
            if self._stop_before is not None and address.startswith(self._stop_before):
                return Seen(address)
            status, headers, text = self._ask(address, form)
            led_to = headers.get("Location") or _refresh(headers)
            if led_to is None:
                return Seen(address, status, text)
            address, form = urljoin(address, led_to), None
        raise AssertionError(f"{address} leads on and on")

    def _ask(self, address: str, form: Mapping[str, str] | None) -> tuple[int, HTTPMessage, str]:
        request = Request(address, None if form is None else urlencode(form).encode())
        try:
            response: Any = self._opener.open(request, timeout=TIMEOUT_SECONDS)
        except HTTPError as error:
            response = error
        with response:
            return response.status, response.headers, response.read().decode()


class _Unled(HTTPRedirectHandler):
    """Hands redirects over, so that each is seen."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Go nowhere."""


class _Reader(HTMLParser):
    """Reads the links and forms of a page."""

    def __init__(self, seen: Seen) -> None:
        super().__init__()
        self._address = seen.address
        self.forms: list[SeenForm] = []
        self.links: list[str] = []
        self.feed(seen.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a form, a field of it, or a link."""
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in given:
            self.links.append(urljoin(self._address, given["href"]))
        elif tag == "form":
            self.forms.append(SeenForm(urljoin(self._address, given.get("action", "")), {}))
        elif tag == "input" and self.forms and "name" in given:
            self.forms[-1].fields[given["name"]] = given.get("value", "")


def _refresh(headers: HTTPMessage) -> str | None:
    found = REFRESH.fullmatch(headers.get("Refresh", ""))
    return found[1] if found else None
