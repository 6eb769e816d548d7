"""A24: after signing in nobody is sent to another server."""

from urllib.parse import unquote, urljoin, urlsplit

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.worlds import PASSWORD, Person, World, csrf_token
from webapp.http.forms import safe_next

HERE = "https://vestibule.example.org/login"
ELSEWHERE = [
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\\/evil.example",
    "/x\\..\\..\\\\evil.example",
    "https://evil.example",
    "https:evil.example",
    "https:/evil.example",
    "HTTPS://evil.example",
    "http:///evil.example",
    "ftp://evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "evil.example",
    "@evil.example",
    ".evil.example",
    ":443@evil.example",
    "?next=//evil.example",
    "#//evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\n/evil.example",
    "\t//evil.example",
    "\n//evil.example",
    " //evil.example",
    "/ /evil.example\r\nSet-Cookie: a=b",
    "/orgs/\r\nLocation: https://evil.example",
    "/orgs/\x00",
    "/orgs/\x0b",
    "/orgs/\x7f",
    "\x00//evil.example",
    "/\u2028/evil.example",
    "/\u3000/evil.example",
    "／／evil.example",
    "/／evil.example",
    "/\ufeff/evil.example",
    "/orgs/ä",
    "",
]
OURS = ["/", "/orgs/", "/orgs/acme/members?q=a%20b&after=x", "/orgs/acme/members#row", "/@evil.example", "/https://x"]


def leads_to(target: str) -> str:
    """Return the server a browser would ask (WHATWG URL: tabs and newlines vanish, a backslash is a slash)."""
    text = target.strip("".join(map(chr, range(0x21))))
    for vanishing in "\t\r\n":
        text = text.replace(vanishing, "")
    return urlsplit(urljoin(HERE, text.replace("\\", "/"))).netloc


@pytest.mark.parametrize("target", ELSEWHERE)
def test_A24_other_places_are_no_next_page(target: str) -> None:
    assert safe_next(target) is None


@pytest.mark.parametrize("target", OURS)
def test_paths_of_ours_are_kept_as_they_are(target: str) -> None:
    assert safe_next(target) == target


def test_nothing_is_no_next_page() -> None:
    assert safe_next(None) is None


@settings(deadline=None, max_examples=1000)
@given(st.text(alphabet=st.sampled_from("/\\:.@?#%&=;\t\r\n\x00 hH29f") | st.characters(), max_size=12))
def test_A24_whatever_is_asked_for_stays_on_this_server(start: str) -> None:
    for target in (start, f"/{start}evil.example", f"/{start}//evil.example", f"{start}https://evil.example"):
        if (kept := safe_next(target)) is not None:
            assert leads_to(kept) == "vestibule.example.org"
            assert kept.isascii()
            assert kept.isprintable()


@pytest.mark.parametrize("target", ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example"])
def test_A24_form_leads_home_instead(client: FlaskClient, ada: Person, target: str) -> None:
    data = {"email": ada.email, "password": PASSWORD, "csrf_token": csrf_token(client)}
    answer = client.post("/login", query_string={"next": target}, data={**data, "next": target})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


@pytest.mark.parametrize("target", ["//evil.example", "/\\evil.example", "https://evil.example", "/\r\n/evil.example"])
def test_A24_signed_in_person_is_led_home_instead(world: World, ada: Person, target: str) -> None:
    for headers in ({}, {"HX-Request": "true"}):
        answer = world.browser(ada).get("/login", query_string={"next": target}, headers=headers)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")
        assert not [name for name in dict(answer.headers) if name.startswith("HX-")]


def test_A24_first_of_doubled_next_pages_counts_and_is_checked(world: World, ada: Person) -> None:
    browser = world.browser(ada)
    assert browser.get("/login?next=//evil.example&next=/orgs/").headers["Location"] == "/"
    assert browser.get("/login?next=/orgs/&next=//evil.example").headers["Location"] == "/orgs/"


def test_A24_address_that_was_asked_for_stays_on_this_server(client: FlaskClient) -> None:
    for path in ("//evil.example/orgs", "/orgs/%2f%2fevil.example/members", "/orgs/x/members?next=//evil.example"):
        answer = client.get("/", environ_overrides={"PATH_INFO": unquote(path)})
        assert leads_to(answer.headers.get("Location", "/")) == "vestibule.example.org"
