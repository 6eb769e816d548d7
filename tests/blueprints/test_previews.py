"""A question before something is taken away tries the change out, and leaves everything as it was."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from tests.support.acme import Acme
from tests.support.dumps import Dump
from tests.support.pages import PANEL, Page
from tests.support.routes import Routes
from tests.support.worlds import World, post
from webapp import clock
from webapp.db import db
from webapp.http.rules import rule_of
from webapp.models import AuditEntry, Role

# Everybody may ask this about themselves; Acme's owner may not leave while there is no other.
ABOUT_ONESELF = "members.leave"

# An invitation gives no access yet.
WITHOUT_IMPACT = {"members.pending_bulk"}


@pytest.fixture
def questions(app: Flask, acme: Acme, routes: Routes) -> dict[str, str]:
    """Every route whose GET makes the change to see what it does, with an address of it."""
    found = [route for route in routes if route.method == "GET" and rule_of(app, route.endpoint).previews]
    paths = {route.endpoint: routes.request(route).path for route in found}
    invited = acme.world.invite(acme.slug, acme.owner, "chosen@example.org")
    chosen = {
        "members.end": f"?last_day={clock.now().date() + timedelta(days=9)}",
        "members.bulk": f"?action=suspend&ids={acme.member_id(acme.member)}",
        "members.pending_bulk": f"?action=resend&ids={invited.id}",
    }
    return {endpoint: path + chosen.get(endpoint, "") for endpoint, path in paths.items()}


def says_impact(answer: TestResponse) -> bool:
    return "impact-title" in Page(answer).ids


def entries(world: World) -> int:
    return int(world.read(lambda: db.session.scalar(select(func.count()).select_from(AuditEntry))))


def test_every_way_to_take_access_away_by_an_address_of_its_own_says_so_first(questions: dict[str, str]) -> None:
    assert set(questions) == {
        "groups.remove",
        "members.bulk",
        "members.end",
        "members.leave",
        "members.pending_bulk",
        "members.remove",
        "members.suspend",
        "projects.archive",
        "projects.remove",
        "sso.remove_mapping",
        "sso.take_away",
        "teams.remove",
        "teams.take_out",
    }


def test_asking_changes_nothing_and_writes_no_audit_entry(
    acme: Acme, world: World, questions: dict[str, str], dump: Callable[[], Dump]
) -> None:
    acme.change(acme.manager, role=Role.OWNER)
    browser = acme.browser(acme.owner)
    before, noted = dump(), entries(world)
    for route, path in questions.items():
        for method, headers in (("GET", {}), ("GET", PANEL), ("HEAD", {})):
            answer = browser.open(path, method=method, headers=headers, buffered=True)
            assert answer.status_code == 200, route
            if method == "GET":
                assert says_impact(answer) is (route not in WITHOUT_IMPACT), route
                assert len(Page(answer).answer()["seen"][0]) == 64, route
            assert (dump(), entries(world)) == (before, noted), f"{route} changed something"


def test_asking_is_refused_to_whoever_would_be_refused_and_changes_nothing(
    acme: Acme, world: World, questions: dict[str, str]
) -> None:
    before, noted = world.dump(), entries(world)
    for route, path in questions.items():
        for person, status in (
            (acme.member, 200 if route == ABOUT_ONESELF else 403),
            (acme.stranger, 404),
            (None, 303),
        ):
            assert acme.browser(person).get(path).status_code == status, route
    assert (world.dump(), entries(world)) == (before, noted)


def test_form_that_asks_back_changes_nothing_without_a_yes_to_just_that(
    acme: Acme, world: World, questions: dict[str, str]
) -> None:
    acme.change(acme.manager, role=Role.OWNER)
    browser, before, noted = acme.browser(acme.owner), world.dump(), entries(world)
    for route, path in questions.items():
        name = Page(browser.get(path)).text.rpartition("exactly: ")[2].partition(" Remove")[0]
        for answered, status in (({}, 422), ({"confirm": "1", "seen": "0" * 64}, 409)):
            answer = post(browser, path, name=name, **answered)
            assert (answer.status_code, says_impact(answer)) == (status, route not in WITHOUT_IMPACT), route
    assert (world.dump(), entries(world)) == (before, noted)
