"""Lists are cut into pages of 50, on which each row appears exactly once."""

import base64
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.pages import RESULTS, Page

NAMES = ["Zoë", "adam", "Adam", "Ångström", "王", "Eve", "eve", "Straße"]


def pages(acme: Acme, path: str, **headers: str) -> list[Page]:
    """Follow the list from its first page to its last."""
    browser, found, address = acme.browser(acme.owner), [], acme.address(path)
    while address:
        found.append(Page(browser.get(address, headers=headers)))
        address = found[-1].link("page-next") or ""
    return found


def cursor(values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@pytest.fixture
def members(acme: Acme) -> list[int]:
    """120 members besides Acme's five, many of the same name."""
    return crowds.join(acme, [(f"{NAMES[n % 8]} Example", f"p{n}@mass.example.net") for n in range(120)])


def test_every_member_is_on_exactly_one_page(acme: Acme, members: list[int]) -> None:
    found = [page.rows("member") for page in pages(acme, "members")]
    assert [len(rows) for rows in found] == [50, 50, 25]
    assert len({number for rows in found for number in rows}) == 125
    assert set(members) <= {number for rows in found for number in rows}


def test_every_member_found_is_on_exactly_one_page(acme: Acme, members: list[int]) -> None:
    found = [page.rows("member") for page in pages(acme, "members?q=example")]
    assert [len(rows) for rows in found] == [50, 50, 25]
    assert sorted(number for rows in found for number in rows)[-120:] == members
    found = [page.rows("member") for page in pages(acme, "members?q=ADAM+mass")]
    assert [len(rows) for rows in found] == [30]
    found = [page.rows("member") for page in pages(acme, "members?q=p+mass")]
    assert sorted(number for rows in found for number in rows) == members


def test_every_invitation_is_on_exactly_one_page_newest_first(acme: Acme) -> None:
    numbers = crowds.invite(acme, [f"i{n}@example.org" for n in range(120)])
    found = [page.rows("invitation") for page in pages(acme, "members/pending")]
    assert [len(rows) for rows in found] == [50, 50, 20]
    assert [number for rows in found for number in rows] == sorted(numbers, reverse=True)
    found = [page.rows("invitation") for page in pages(acme, "members/pending?q=example")]
    assert [len(rows) for rows in found] == [50, 50, 20]
    assert sorted(number for rows in found for number in rows) == numbers
    found = [page.rows("invitation") for page in pages(acme, "members/pending?q=i1")]
    assert sum(map(len, found)) == 31


def test_page_is_full_at_fifty_and_leads_on_at_fifty_one(acme: Acme) -> None:
    crowds.join(acme, [(f"Person {n}", f"p{n}@example.net") for n in range(45)])
    assert [len(page.rows("member")) for page in pages(acme, "members")] == [50]
    crowds.join(acme, [("One More", "more@example.net")])
    assert [len(page.rows("member")) for page in pages(acme, "members")] == [50, 1]


def test_pages_under_htmx_are_the_same(acme: Acme, members: list[int]) -> None:
    whole = [page.rows("member") for page in pages(acme, "members")]
    assert [page.rows("member") for page in pages(acme, "members", **RESULTS)] == whole


def test_later_pages_lead_back_to_the_start_and_keep_the_search(acme: Acme, members: list[int]) -> None:
    first, *later = pages(acme, "members?q=example")
    assert first.link("page-first") is None
    for page in later:
        assert page.link("page-first") == acme.address("members?q=example")
    query = parse_qs(urlsplit(first.link("page-next") or "").query)
    assert (query["q"], len(query["after"])) == (["example"], 1)


def test_rows_that_come_and_go_between_pages_move_no_others(acme: Acme, members: list[int]) -> None:
    browser = acme.browser(acme.owner)
    first = Page(browser.get(acme.address("members")))
    crowds.join(acme, [("Aaron First", "aaron@example.net")])
    acme.remove(acme.admin)
    second = Page(browser.get(first.link("page-next") or ""))
    assert not set(first.rows("member")) & set(second.rows("member"))
    assert len(second.rows("member")) == 50


def test_cursor_beyond_the_end_shows_an_empty_page_with_a_way_back(acme: Acme) -> None:
    answer = acme.browser(acme.owner).get(acme.address(f"members?after={cursor([chr(0xFFFF), 1])}"))
    assert answer.status_code == 200
    assert Page(answer).rows("member") == []
    assert "Back to the start" in Page(answer).text


BAD = ["x", "=", "é", "W10", "bnVsbA", "e30", cursor([]), cursor(["a"]), cursor([1, "a"]), cursor(["a", 1, 1])]
BAD += [cursor(["a", True]), cursor(["a", 2**63]), cursor(["a\x00", 1]), cursor(["a", 1.5]), cursor([None, 1])]
BAD += [cursor("[" * 3000), cursor({"a": 1}), "W" * 4000, base64.b64encode(b"[" * 3000).decode()]
BAD += [base64.b64encode(b'["\\ud800", 1]').decode(), base64.b64encode(b'["a", NaN]').decode(), "W10%00"]


@pytest.mark.parametrize("path", ["members", "members/pending", "audit"])
@pytest.mark.parametrize("q", ["", "a"])
def test_cursor_that_is_none_of_ours_is_not_found(acme: Acme, path: str, q: str) -> None:
    browser = acme.browser(acme.owner)
    for text in [*BAD, cursor([True])]:
        answer = browser.get(acme.address(path), query_string={"after": text, "q": q})
        assert answer.status_code == 404, text
        assert "Go back to the first page." in Page(answer).text


def test_D02_cursor_of_another_organization_shows_nothing_of_it(acme: Acme) -> None:
    foreign = crowds.join(acme, [(f"Person {n}", f"p{n}@example.net") for n in range(60)], acme.other_slug)
    theirs = Page(acme.browser(acme.stranger).get(f"/orgs/{acme.other_slug}/members"))
    after = urlsplit(theirs.link("page-next") or "").query
    ours = Page(acme.browser(acme.owner).get(acme.address(f"members?{after}")))
    assert not set(ours.rows("member")) & set(foreign)
