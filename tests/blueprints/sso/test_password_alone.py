"""Single sign-on that is required, against whoever has no more of a member than their password."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.acme import Acme
from tests.support.sso import Desk, at_provider, departure
from tests.support.worlds import PASSWORD, Person, World, post
from webapp import clock
from webapp.db import db
from webapp.http.rules import rule_of
from webapp.models import Enforcement, Identity, Role

VICTIMS, THIEFS = "u-1", "u-2"
BUT = ("session", "sso_flow", "outbox_message")


@pytest.fixture(params=["linked", "taken back"])
def required(request: pytest.FixtureRequest, acme: Acme, desk: Desk) -> Desk:
    """The connection, which Acme requires; the thief is who signs in there.

    Whom it knows is the owner and the member, once with its word in force and once with it taken back.
    """
    desk.know(acme.manager, "u-9")
    acme.change(acme.manager, role=Role.OWNER)
    victims = [desk.know(acme.member, VICTIMS), desk.know(acme.owner, "u-8")]
    desk.set(enforcement=Enforcement.REQUIRED)
    desk.theirs.person = THIEFS
    if request.param == "taken back":
        acme.world.write(_take_back, victims)
    return desk


def _take_back(numbers: list[int]) -> None:
    for number in numbers:
        db.session.get_one(Identity, number).invalid_since = clock.now()


@pytest.fixture(params=["member", "owner"])
def victim(request: pytest.FixtureRequest, acme: Acme) -> Person:
    """Whose password the thief has."""
    found: Person = getattr(acme, request.param)
    return found


def thief(world: World, victim: Person) -> FlaskClient:
    browser = world.browser()
    assert post(browser, "/login", email=victim.email, password=PASSWORD).status_code == 303
    return browser


def told(world: World) -> list[str]:
    """Return to whom a letter goes: that of a link which was refused is the only one."""
    assert {letter.kind for letter in world.letters()} == {"sso_link_refused"}
    return [letter.to_address for letter in world.letters()]


def ways_in(app: Flask, slug: str) -> Iterator[tuple[str, str]]:
    """Return method and path of each route that is open to whoever has yet to come through the provider."""
    for route in app.url_map.iter_rules():
        if rule_of(app, route.endpoint).leads_in:
            for method in sorted((route.methods or set()) & {"GET", "POST"}):
                yield method, route.rule.replace("<org>", slug)


def test_A03_A22_password_of_a_linked_member_opens_nothing_on_the_way_to_the_provider(
    app: Flask, world: World, acme: Acme, required: Desk, victim: Person
) -> None:
    ways = list(ways_in(app, acme.slug))
    assert ways == [("GET", required.address("link")), ("POST", required.address("link"))]
    browser = thief(world, victim)
    with acme.unchanged(*BUT):
        for method, path in ways:
            if method == "GET":
                assert browser.get(path).status_code == 200
            else:
                there = departure(browser, post(browser, path, confirm="1"))
                assert browser.get(at_provider(there)).status_code == 409
        assert browser.get(acme.address("members")).status_code == 303
    assert told(world) == [victim.email]


def test_A03_A22_A23_password_of_a_linked_member_does_not_change_whom_the_provider_knows_as_them(
    world: World, acme: Acme, required: Desk, victim: Person
) -> None:
    browser = thief(world, victim)
    with acme.unchanged(*BUT):
        assert browser.get(required.address("unlink")).location.startswith(required.address("login"))
        assert post(browser, required.address("unlink"), confirm="1").location == required.address("login")
        assert required.link(browser).status_code == 409
        assert browser.get(acme.address("members")).status_code == 303
    assert told(world) == [victim.email]


def test_A23_whoever_has_come_through_the_provider_unlinks(world: World, acme: Acme, desk: Desk) -> None:
    """Also in a browser that a password began."""
    desk.know(acme.owner, "u-9")
    desk.know(acme.member, VICTIMS)
    desk.set(enforcement=Enforcement.REQUIRED)
    browser = thief(world, acme.member)
    way = browser.get(desk.address("unlink")).location
    assert way == f"{desk.address('login')}?next={desk.address('unlink')}"
    assert desk.sign_in(browser, way.partition("/sso/")[2]).location == desk.address("unlink")
    assert post(browser, desk.address("unlink"), confirm="1").status_code == 303
    assert [subject for subject, _user in desk.identities()] == ["u-9"]
