"""E11: a fragment asks for the rights of its page, goes into no frame, and is kept by no cache."""

from itertools import cycle

from werkzeug.test import TestResponse

from tests.support.acme import Acme
from tests.support.pages import PANEL, RESULTS
from tests.support.routes import Routes
from tests.support.worlds import World

WHO = [None, "stranger", "suspended", "member", "admin", "manager", "owner"]
# As a browser asks that opens an address in a tab or a frame, or for a script.
OPENED = [
    {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"},
    {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Dest": "script", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": "cross-site"},
]
REFUSED = (303, 401, 403, 404)


def is_guarded(answer: TestResponse) -> bool:
    policy = answer.headers["Content-Security-Policy"]
    return (
        answer.headers["X-Content-Type-Options"] == "nosniff"
        and answer.headers["X-Frame-Options"] == "DENY"
        and "frame-ancestors 'none'" in policy
        and "unsafe" not in policy
        and answer.headers["Cache-Control"] == "no-store"
    )


def test_E11_fragment_opened_directly_gives_what_its_page_would(world: World, acme: Acme, routes: Routes) -> None:
    """Each of both fragments for everybody at every address, opened in each way in turn."""
    browsers = {who: world.browser(getattr(acme, who) if who else None) for who in WHO}
    opened = cycle(OPENED)
    for route in routes:
        if route.method == "GET" and "org" in route.rule.arguments:
            path = routes.request(route).path
            for who, browser in browsers.items():
                page = browser.get(path, buffered=True)
                for fragment in (PANEL, RESULTS):
                    headers = {**fragment, **next(opened)}
                    answer = browser.get(path, headers=headers, buffered=True)
                    expected = 401 if page.status_code == 303 and who is None else page.status_code
                    assert answer.status_code == expected, (route, who, headers)
                    assert is_guarded(answer), (route, who, headers)
                    if page.status_code in REFUSED:
                        assert "@example" not in answer.text, (route, who, headers)
