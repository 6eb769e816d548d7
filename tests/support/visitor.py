"""A browser without a page: it keeps cookies, reads the CSRF token of a form and posts it. Many may act at once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

from tests.support.worlds import CSRF, Person, World

TIMEOUT_SECONDS = 60

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """What came back; no redirect is followed."""

    status: int
    location: str
    text: str


class Visitor:
    """Somebody at the server at `url`, with cookies of their own."""

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc
        self.csrf = ""
        self.cookies: dict[str, str] = {}

    def get(self, path: str) -> Answer:
        """Read a page, and keep the CSRF token of its forms."""
        answer = self._ask("GET", path)
        if found := CSRF.search(answer.text):
            self.csrf = found[1]
        return answer

    def send(self, path: str, *, forwarded_for: str = "", **fields: object) -> Answer:
        """Post a form with the CSRF token of the page that was read last."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if forwarded_for:
            headers["X-Forwarded-For"] = forwarded_for
        return self._ask("POST", path, urlencode({**fields, "csrf_token": self.csrf}), headers)

    def _ask(self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None) -> Answer:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection = HTTPConnection(self._host, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, path, body, {"Cookie": cookie, "Connection": "close", **(headers or {})})
            response = connection.getresponse()
            for line in response.headers.get_all("Set-Cookie", []):
                self.cookies.update({name: morsel.value for name, morsel in SimpleCookie(line).items()})
            return Answer(response.status, response.headers.get("Location", ""), response.read().decode())
        finally:
            connection.close()


def visitor_at(url: str, page: str, world: World | None = None, person: Person | None = None) -> Visitor:
    """Return a visitor who has just read `page`, signed in as `person` of `world` if given."""
    visitor = Visitor(url)
    if world is not None and person is not None:
        visitor.cookies["vestibule"] = session_cookie(world, person)
    visitor.get(page)
    return visitor


def session_cookie(world: World, person: Person) -> str:
    """Return the cookie of a browser in which `person` is signed in."""
    cookie = world.browser(person).get_cookie("vestibule")
    assert cookie
    return cookie.value


def at_once(number: int, act: Callable[[int], T]) -> list[T]:
    """Return what `act(0)`, `act(1)` … return, each run in a thread of its own, all let go at the same moment."""
    gate = threading.Barrier(number)

    def run(index: int) -> T:
        gate.wait()
        return act(index)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))
