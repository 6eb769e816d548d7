"""The tab Members narrowed by role and status, and in another order."""

from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import update

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.pages import PANEL, RESULTS, Page
from tests.support.sso import connection
from tests.support.teams import make_team
from webapp.db import db
from webapp.models import Member, MemberStatus, Role

REFUSED = [
    "sort=password_hash",
    "sort=user.password_hash",
    "sort=name,id",
    "sort=--name",
    "sort=-",
    "sort=NAME",
    "sort=name%20desc",
    "sort=name%00",
    "sort=id",
    "sort=created_at",
    "sort=email",
    "sort=1",
    "sort=(select%201)",
    "role=root",
    "role=Owner",
    "role=OWNER",
    "role=40",
    "role=owner'--",
    "role=member,owner",
    "status=pending",
    "status=Active",
    "status=removed",
    "status=1",
    "status=%00",
    "sort=name%0d%0aHX-Redirect:%20https://evil.example",
]


def listed(acme: Acme, query: str) -> list[int]:
    return Page(acme.browser(acme.owner).get(acme.address(f"members?{query}"))).rows("member")


def ids(acme: Acme, *people: str) -> list[int]:
    return [acme.member_id(getattr(acme, person)) for person in people]


NARROWED = {
    "role=owner": ["owner", "suspended"],
    "role=manager": ["manager"],
    "status=suspended": ["suspended"],
    "status=active": ["admin", "member", "manager", "owner"],
    "role=owner&status=active": ["owner"],
    "role=owner&status=suspended": ["suspended"],
    "role=admin&status=suspended": [],
    "role=&status=&sort=&q=": ["admin", "member", "manager", "owner", "suspended"],
    "sort=name": ["admin", "member", "manager", "owner", "suspended"],
    "sort=-name": ["suspended", "owner", "manager", "member", "admin"],
    "sort=role": ["member", "admin", "manager", "owner", "suspended"],
    "sort=-role": ["suspended", "owner", "manager", "admin", "member"],
    "sort=joined": ["owner", "manager", "admin", "member", "suspended"],
    "sort=-joined": ["suspended", "member", "admin", "manager", "owner"],
    "sort=-name&status=active": ["owner", "manager", "member", "admin"],
    "sort=-role&status=active": ["owner", "manager", "admin", "member"],
    "sort=-joined&role=owner": ["suspended", "owner"],
    "sort=role&role=owner": ["owner", "suspended"],
    "q=o&role=owner": ["owner"],
    "q=example&role=owner&status=active": ["owner"],
    "q=adam&role=owner": [],
    "q=example+com&status=suspended": ["suspended"],
}


@pytest.mark.parametrize("query", NARROWED)
def test_list_shows_whom_it_was_asked_for_in_the_order_asked_for(acme: Acme, query: str) -> None:
    assert listed(acme, query) == ids(acme, *NARROWED[query])


@pytest.mark.parametrize("query", REFUSED)
def test_D14_E08_nothing_but_what_is_offered_narrows_or_orders(acme: Acme, query: str) -> None:
    for headers in ({}, PANEL, RESULTS):
        answer = acme.browser(acme.owner).get(acme.address(f"members?{query}"), headers=headers)
        assert answer.status_code == 404
        assert "There is no such list of members." in Page(answer).text
        assert not [name for name, _ in answer.headers if name.startswith("HX-")]


def test_D14_other_parameters_change_nothing(acme: Acme) -> None:
    browser = acme.browser(acme.owner)
    plain = Page(browser.get(acme.address("members"))).rows("member")
    for query in ("user_id=1", "organization_id=2", "password_hash=a", "is_active=0", "role[]=owner", "limit=1"):
        assert Page(browser.get(acme.address(f"members?{query}"))).rows("member") == plain


def test_D14_narrowed_list_holds_nobody_of_another_organization(acme: Acme) -> None:
    foreign = crowds.join(acme, [("Ursula Umbra", "ursula@example.org")], acme.other_slug)
    for query in NARROWED:
        assert not set(listed(acme, query)) & set(foreign)


@pytest.fixture
def crowd(acme: Acme) -> list[int]:
    """120 members besides Acme's five, of all roles and both statuses."""
    found = crowds.join(acme, [(f"Person {n % 7}", f"p{n}@mass.example.net") for n in range(120)])

    def mix() -> None:
        for index, role in enumerate(Role):
            some = Member.id.in_(found[index::4])
            db.session.execute(update(Member).where(some).values(role=role))
        suspended = Member.id.in_(found[::3])
        db.session.execute(update(Member).where(suspended).values(status=MemberStatus.SUSPENDED))

    acme.world.write(mix)
    return found


@pytest.mark.parametrize("sort", ["name", "-name", "role", "-role", "joined", "-joined"])
@pytest.mark.parametrize("narrowing", ["", "status=suspended", "role=member", "status=active&role=member", "q=person"])
def test_every_member_is_on_exactly_one_page_whatever_the_order(
    acme: Acme, crowd: list[int], sort: str, narrowing: str
) -> None:
    browser, found = acme.browser(acme.owner), []
    address: str | None = acme.address(f"members?{narrowing}&sort={sort}")
    while address:
        page = Page(browser.get(address, headers=RESULTS))
        found += page.rows("member")
        address = page.link("page-next")
    assert len(found) == len(set(found))
    numbers = {"": 125, "status=suspended": 41, "role=member": 31, "status=active&role=member": 21, "q=person": 120}
    assert len(found) == numbers[narrowing]


def test_ways_on_keep_filters_and_order(acme: Acme, crowd: list[int]) -> None:
    first = Page(acme.browser(acme.owner).get(acme.address("members?status=active&sort=-role")))
    assert query_of(first.link("page-next")).keys() == {"status", "sort", "after"}
    second = Page(acme.browser(acme.owner).get(first.link("page-next") or ""))
    assert query_of(second.link("page-first")) == {"status": ["active"], "sort": ["-role"]}
    assert query_of(second.link("refresh")).keys() == {"status", "sort", "after"}
    assert query_of(first.link("sort-joined")) == {"status": ["active"], "sort": ["joined"]}
    assert query_of(first.link("sort-role")) == {"status": ["active"], "sort": ["role"]}
    assert query_of(first.link("sort-name")) == {"status": ["active"]}


def query_of(address: str | None) -> dict[str, list[str]]:
    return parse_qs(urlsplit(address or "").query)


def test_filter_is_a_plain_form_that_says_what_is_chosen(acme: Acme) -> None:
    page = Page(acme.browser(acme.owner).get(acme.address("members?q=o&role=owner&status=suspended&sort=-name")))
    assert [field.attributes["value"] for field in page.named("q")] == ["o"]
    assert [field.attributes["value"] for field in page.named("sort")] == ["-name"]
    chosen = [element.text for element in page.elements if "selected" in element.attributes]
    assert chosen == ["Owner", "Suspended"]
    [form] = [element for element in page.elements if element.attributes.get("role") == "search"]
    assert (form.attributes["method"], form.attributes["action"]) == ("get", acme.address("members"))


def test_headings_say_which_column_orders_the_list(acme: Acme) -> None:
    browser = acme.browser(acme.owner)
    for query, told in (
        ("", "Name ascending"),
        ("?sort=-role", "Role descending"),
        ("?sort=joined", "Joined ascending"),
    ):
        page = Page(browser.get(acme.address(f"members{query}")))
        found = [f"{e.text} {e.attributes['aria-sort']}" for e in page.elements if "aria-sort" in e.attributes]
        assert found == [told]
    searched = Page(browser.get(acme.address("members?q=o&sort=-role")))
    assert not [e for e in searched.elements if "aria-sort" in e.attributes or e.id.startswith("sort-")]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("role=member&status=suspended", "Nobody here is all of this: Member, Suspended."),
        ("status=ended", "Nobody here is all of this: Ended."),
        ("team=red-team&role=admin", "Nobody here is all of this: Admin, Red Team."),
        ("sso=linked", "Nobody here is all of this: Linked."),
        ("q=mina&team=red-team&sso=unlinked", "Nobody found is all of this: Red Team, Not linked."),
        ("q=nobody", "Search for the beginning of a name or of an email address."),
    ],
)
def test_empty_list_says_what_nobody_is_with_a_way_back(acme: Acme, query: str, said: str) -> None:
    make_team(acme, "Red Team")
    acme.world.write(lambda: connection(acme.organization(), "https://id.example.org"))
    page = Page(acme.browser(acme.owner).get(acme.address(f"members?{query}")))
    assert said in page.text
    assert "Show all members" in page.text


def test_actions_stand_in_the_row_or_the_reason_why_not(acme: Acme) -> None:
    for person, reasons in (
        (acme.manager, {"owner": "Last owner", "suspended": "Above your role", "manager": "Yourself"}),
        (acme.owner, {"owner": "Last owner"}),
    ):
        page = Page(acme.browser(person).get(acme.address("members")))
        for who in ("owner", "manager", "admin", "member", "suspended"):
            row = page.by_id(f"member-{acme.member_id(getattr(acme, who))}").text
            assert row.endswith(reasons[who]) if who in reasons else "Actions for" in row


def test_D14_members_without_the_right_are_offered_no_actions(acme: Acme) -> None:
    for person in (acme.member, acme.admin):
        page = Page(acme.browser(person).get(acme.address("members")))
        assert "Actions" not in page.by_id("results").text
        assert "tab-removed" not in page.ids


def test_second_active_owner_makes_the_first_one_like_anybody(acme: Acme) -> None:
    acme.change(acme.suspended, status=MemberStatus.ACTIVE)
    page = Page(acme.browser(acme.owner).get(acme.address("members")))
    assert "Last owner" not in page.text
    assert page.by_id(f"member-{acme.member_id(acme.owner)}").text.endswith("Yourself")
    acme.deactivate(acme.suspended)
    assert "Last owner" in Page(acme.browser(acme.owner).get(acme.address("members"))).text
