"""Making an organization: who may, and what its address becomes."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from tests.support.acme import Acme
from tests.support.applications import close
from tests.support.pages import PANEL, Page
from tests.support.worlds import Person, World, post
from webapp import create_app
from webapp.config import Settings
from webapp.db import db
from webapp.models import FormerSlug, Organization, User
from webapp.services import attempts
from webapp.services.attempts import CHANGES_A_DAY, DAY, Limit
from webapp.services.slugs import MAX_CHARACTERS, RESERVED


@pytest.fixture
def administrator(acme: Acme) -> Person:
    """Acme's manager, who administers the instance."""
    change = update(User).where(User.id == acme.manager.user_id).values(is_instance_administrator=True)
    acme.world.write(db.session.execute, change)
    return acme.manager


@pytest.fixture
def open_world(acme: Acme, settings: Settings) -> Iterator[World]:
    """The same installation, where anybody may make organizations."""
    application: Flask = create_app(replace(settings, organization_creation="anyone"))
    yield World(application)
    close(application)


def create(browser: FlaskClient, **fields: Any) -> tuple[int, str]:
    answer = post(browser, "/orgs/new", **fields)
    return answer.status_code, answer.headers.get("Location", "")


def test_administrator_makes_an_organization_and_owns_it(acme: Acme, administrator: Person) -> None:
    browser = acme.browser(administrator)
    assert Page(browser.get("/orgs/")).link("new-organization") == "/orgs/new"
    assert browser.get("/orgs/new").status_code == 200
    assert create(browser, name=" Lakeside  Clinic ") == (303, "/orgs/lakeside-clinic/members")
    assert acme.world.roles("lakeside-clinic") == {"Mona Manager": "owner"}
    assert "Lakeside Clinic is ready" in browser.get("/orgs/lakeside-clinic/members").text
    created, joined = acme.entries("lakeside-clinic")
    assert (created.event, created.actor_name, created.after) == (
        "organization.created",
        "Mona Manager",
        {"name": "Lakeside Clinic", "slug": "lakeside-clinic"},
    )
    assert (joined.event, joined.actor_name) == ("member.joined", "Mona Manager")


def test_X06_somebody_makes_so_many_organizations_a_day(acme: Acme, administrator: Person) -> None:
    limit = Limit(f"organizations:user:{administrator.user_id}", CHANGES_A_DAY, DAY)
    acme.world.write(attempts.raise_counters, {limit: CHANGES_A_DAY - 1})
    browser = acme.browser(administrator)
    assert create(browser, name="Lakeside Clinic")[0] == 303
    with acme.unchanged():
        assert create(browser, name="Hillside Clinic")[0] == 422


@pytest.mark.parametrize("who", ["owner", "member", "suspended", "stranger"])
def test_everybody_else_sees_no_button_and_is_refused(acme: Acme, who: str) -> None:
    browser = acme.browser(getattr(acme, who))
    assert Page(browser.get("/orgs/")).link("new-organization") is None
    for fields in ({"name": "Lakeside Clinic"}, {"name": ""}):
        with acme.unchanged():
            answer = post(browser, "/orgs/new", **fields)
            assert answer.status_code == 403
            assert "Only administrators of this server make organizations" in answer.text
    assert browser.get("/orgs/new").status_code == 403


def test_visitor_signs_in_first(acme: Acme) -> None:
    assert acme.browser().get("/orgs/new").location == "/login?next=/orgs/new"
    with acme.unchanged():
        assert create(acme.browser(), name="Lakeside Clinic") == (303, "/login")


def test_anybody_signed_in_may_where_the_settings_say_so(acme: Acme, open_world: World) -> None:
    browser = open_world.browser(acme.member)
    assert Page(browser.get("/orgs/")).link("new-organization") == "/orgs/new"
    assert create(browser, name="Lakeside Clinic") == (303, "/orgs/lakeside-clinic/members")
    assert acme.world.roles("lakeside-clinic") == {"Mina Member": "owner"}


@pytest.mark.parametrize("name", ["", " \t ", "\x00\x1b", "x" * 201])
def test_invalid_form_stores_nothing_and_keeps_what_was_typed(acme: Acme, administrator: Person, name: str) -> None:
    with acme.unchanged():
        answer = post(acme.browser(administrator), "/orgs/new", name=name)
    assert answer.status_code == 422
    [field] = Page(answer).named("name")
    assert field.attributes["aria-invalid"] == "true"
    assert field.attributes["value"] == name.strip(" \t\x00\x1b")


@pytest.mark.parametrize("name", ["東京", "Ωμέγα", "🦉", "---"])
def test_name_without_latin_letters_gets_a_made_up_address(acme: Acme, administrator: Person, name: str) -> None:
    status, location = create(acme.browser(administrator), name=name)
    assert status == 303
    assert location.startswith("/orgs/org-")
    assert location.isascii()


@pytest.mark.parametrize("name", [*sorted(RESERVED), "Acme", "ACME", "Ａｃｍｅ", "Old Harbour", "x" * 200])
def test_D15_address_is_neither_reserved_nor_anybody_elses(acme: Acme, administrator: Person, name: str) -> None:
    def had_before() -> None:
        db.session.add(FormerSlug(slug="old-harbour", organization_id=acme.organization().id))
        db.session.add(Organization(name="Long", slug="x" * MAX_CHARACTERS))

    acme.world.write(had_before)
    status, location = create(acme.browser(administrator), name=name)
    slug = location.removeprefix("/orgs/").removesuffix("/members")
    assert status == 303
    assert slug not in RESERVED | {"acme", "old-harbour", "x" * MAX_CHARACTERS}
    assert len(slug) <= MAX_CHARACTERS
    assert slug.rpartition("-")[0]


@pytest.mark.parametrize(
    "extra", [{"slug": "mine"}, {"id": 7}, {"members_may_invite": "y"}, {"owner": 1}, {"role": "x"}]
)
def test_D07_other_fields_are_ignored(acme: Acme, administrator: Person, extra: dict[str, object]) -> None:
    assert create(acme.browser(administrator), name="Lakeside", **extra) == (303, "/orgs/lakeside/members")
    assert acme.world.roles("lakeside") == {"Mona Manager": "owner"}


def test_form_comes_alone_where_htmx_swaps_it(acme: Acme, administrator: Person) -> None:
    panel, notices = Page(acme.browser(administrator).get("/orgs/new", headers=PANEL)).roots
    assert (panel.id, notices.id) == ("panel", "notices")
