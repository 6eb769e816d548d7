"""Who is linked: on a member's own page, and on the Members tab, which narrows to them."""

import csv

from flask import Flask
from flask.testing import FlaskClient

from tests.support.acme import Acme
from tests.support.pages import Page
from tests.support.sso import Desk
from tests.support.statements import queries
from webapp import clock
from webapp.db import db
from webapp.models import Identity


def listed(acme: Acme, query: str) -> list[int]:
    return Page(acme.browser(acme.manager).get(acme.address(f"members?{query}"))).rows("member")


def invalidate(acme: Acme, number: int) -> None:
    acme.world.write(lambda: setattr(db.session.get_one(Identity, number), "invalid_since", clock.now()))


def linking(browser: FlaskClient, address: str) -> str:
    """Return what a member's page says of single sign-on, or nothing."""
    return Page(browser.get(address)).text.partition(" Single sign-on ")[2].partition(" Joined ")[0]


def test_members_page_says_whether_and_since_when_they_are_linked(acme: Acme, desk: Desk) -> None:
    browser, address = acme.browser(acme.manager), acme.address(f"members/{acme.member_id(acme.member)}")
    assert linking(browser, address).startswith("Not linked 127.0.0.1")
    number = desk.know(acme.member, "subject-of-mina")
    said = linking(browser, address)
    assert said.startswith("Linked 127.0.0.1")
    assert ("since" in said, "last verified" in said) == (True, True)
    assert "subject-of-mina" not in browser.get(address).text
    invalidate(acme, number)
    said = linking(browser, address)
    assert (said.startswith("Not linked"), "took its word back" in said) == (True, True)


def test_who_is_linked_is_seen_by_themselves_and_by_whoever_may_change_them(acme: Acme, desk: Desk) -> None:
    desk.know(acme.member)
    address = acme.address(f"members/{acme.member_id(acme.member)}")
    for person, sees in ((acme.member, True), (acme.owner, True), (acme.admin, False)):
        assert bool(linking(acme.browser(person), address)) is sees


def test_identity_at_another_organizations_provider_counts_nowhere_else(acme: Acme, desk: Desk, umbra: Desk) -> None:
    umbra.know(acme.member)
    page = acme.address(f"members/{acme.member_id(acme.member)}")
    assert linking(acme.browser(acme.owner), page).startswith("Not linked")
    assert listed(acme, "sso=linked") == []


def test_list_narrows_to_who_is_linked_and_to_who_is_not(acme: Acme, desk: Desk) -> None:
    desk.know(acme.member)
    desk.know(acme.admin, "u-2")
    invalidate(acme, desk.know(acme.owner, "u-3"))
    linked = [acme.member_id(person) for person in (acme.admin, acme.member)]
    others = [acme.member_id(person) for person in (acme.manager, acme.owner, acme.suspended)]
    assert (listed(acme, "sso=linked"), listed(acme, "sso=unlinked")) == (linked, others)
    assert listed(acme, "sso=linked&q=mina") == linked[1:]
    assert listed(acme, "sso=linked&role=admin&sort=-name") == linked[:1]
    assert listed(acme, "sso=unlinked&status=suspended") == others[2:]


def test_filter_by_linking_goes_with_the_file_the_order_and_the_change_of_all(acme: Acme, desk: Desk) -> None:
    desk.know(acme.member)
    browser = acme.browser(acme.manager)
    page = Page(browser.get(acme.address("members?sso=linked")))
    assert [element.text for element in page.elements if "selected" in element.attributes] == ["Linked"]
    assert page.link("sort-role") == acme.address("members?sso=linked&sort=role")
    rows = list(csv.reader(browser.get(acme.address("members.csv?sso=linked")).text.splitlines()))
    assert [row[0] for row in rows[1:]] == ["Mina Member"]
    asked = Page(browser.get(acme.address("members/bulk?action=suspend&all=1&sso=linked")))
    assert "Suspend 1 member?" in asked.text


def test_D14_who_is_linked_is_not_asked_by_others_nor_where_nobody_can_be(acme: Acme, umbra: Desk) -> None:
    browser = acme.browser(acme.manager)
    assert "filter-sso" not in Page(browser.get(acme.address("members"))).ids
    assert browser.get(acme.address("members?sso=linked")).status_code == 404
    Desk(acme, umbra.theirs)
    assert "filter-sso" in Page(browser.get(acme.address("members"))).ids
    assert browser.get(acme.address("members?sso=maybe")).status_code == 404
    other = acme.browser(acme.admin)
    assert "filter-sso" not in Page(other.get(acme.address("members"))).ids
    assert other.get(acme.address("members?sso=linked")).status_code == 404


def test_filter_by_linking_costs_one_statement_and_none_where_it_is_not_asked_for(
    app: Flask, acme: Acme, desk: Desk
) -> None:
    browser = acme.browser(acme.owner)
    for query, most in (("", 6), ("?sso=linked", 7)):
        with queries(app) as found:
            browser.get(acme.address(f"members{query}"))
        assert len(found) <= most
