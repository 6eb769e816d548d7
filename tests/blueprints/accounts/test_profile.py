"""One's own account: the name and the language."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from tests.support.pages import PANEL, Page
from tests.support.worlds import Person, World, post
from webapp.db import db
from webapp.models import AuditEntry, EmailAddress, Member, MemberWord, Role, User
from webapp.services import attempts
from webapp.services.attempts import Limit


@pytest.fixture
def browser(world: World, ada: Person) -> FlaskClient:
    """Ada's browser."""
    return world.browser(ada)


def user(world: World, person: Person) -> User:
    return world.read(lambda: db.session.get_one(User, person.user_id))


def last_entry(world: World) -> AuditEntry:
    newest = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)
    return world.read(lambda: db.session.scalars(newest).one())


def found_by(browser: FlaskClient, slug: str, word: str) -> list[int]:
    return Page(browser.get(f"/orgs/{slug}/members?q={word}")).rows("member")


def test_page_shows_what_is(world: World, ada: Person, browser: FlaskClient) -> None:
    page = Page(browser.get("/account/"))
    assert page.named("name")[0].attributes["value"] == "Ada Example"
    assert "ada@example.org Verified" in page.text
    assert "This browser" in page.text


def test_unproven_address_says_so(world: World, ada: Person, browser: FlaskClient) -> None:
    world.write(lambda: db.session.execute(update(EmailAddress).values(verified_at=None)))
    assert "ada@example.org Not verified" in Page(browser.get("/account/")).text


def test_new_name_is_what_every_organization_shows_and_finds(world: World, ada: Person, browser: FlaskClient) -> None:
    mia = world.person("Mia Example", "mia@example.org")
    slugs = [world.organization("Acme", ada), world.organization("Umbra", mia)]
    world.member(slugs[1], ada, Role.MEMBER)
    answer = post(browser, "/account/", name=" Ida  Zimmermann ", language="")
    assert (answer.status_code, answer.location) == (303, "/account/")
    assert "Your account is changed" in browser.get("/account/").text
    for slug in slugs:
        assert len(found_by(browser, slug, "zimmer")) == 1
        assert len(found_by(browser, slug, "ada@")) == 1  # by the address, still
    text = Page(browser.get(f"/orgs/{slugs[1]}/members")).text
    assert text.index("Mia Example") > text.index("Ida Zimmermann")
    sort_names = world.read(lambda: db.session.scalars(select(Member.sort_name).order_by(Member.id)).all())
    assert sort_names == ["ida zimmermann", "mia example", "ida zimmermann"]
    entry = last_entry(world)
    assert (entry.event, entry.before, entry.after) == (
        "account.changed",
        {"name": "Ada Example"},
        {"name": "Ida Zimmermann"},
    )


def test_words_of_the_old_name_find_nobody(world: World, ada: Person, browser: FlaskClient) -> None:
    slug = world.organization("Acme", ada)
    world.write(lambda: db.session.execute(update(EmailAddress).values(address="post@example.org")))
    post(browser, "/account/", name="Ida Winter", language="")
    assert found_by(browser, slug, "ada") == []
    words = set(world.read(lambda: db.session.scalars(select(MemberWord.word)).all()))
    assert words == {"ida", "winter", "post", "example", "org"}


def test_saving_what_is_already_so_changes_nothing(
    world: World, browser: FlaskClient, events: Callable[[], list[str]]
) -> None:
    before = world.dump()
    assert post(browser, "/account/", name="Ada Example", language="").status_code == 303
    assert world.dump() == before
    assert events() == []


@pytest.mark.parametrize(
    ("fields", "invalid"),
    [
        ({"name": "", "language": ""}, "name"),
        ({"name": "x" * 201, "language": ""}, "name"),
        ({"name": "Ada", "language": "tlh"}, "language"),
        ({"name": "Ada", "language": "../de"}, "language"),
    ],
)
def test_invalid_form_stores_nothing(world: World, browser: FlaskClient, fields: dict[str, str], invalid: str) -> None:
    before = world.dump()
    answer = post(browser, "/account/", **fields)
    assert answer.status_code == 422
    found = [e.attributes["name"] for e in Page(answer).elements if e.attributes.get("aria-invalid") == "true"]
    assert found == [invalid]
    assert world.dump() == before


@pytest.mark.parametrize(
    "extra",
    [
        {"is_instance_administrator": "y"},
        {"is_active": ""},
        {"kind": "bot"},
        {"password_hash": "x"},
        {"id": 2},
        {"user_id": 2},
        {"email": "mia@example.org"},
        {"verified_at": "2027-01-01"},
    ],
)
def test_D07_columns_that_are_no_fields_are_ignored(
    world: World, ada: Person, browser: FlaskClient, extra: dict[str, Any]
) -> None:
    before = world.dump()
    assert post(browser, "/account/", name=ada.name, language="", **extra).status_code == 303
    assert world.dump() == before


def test_visitor_signs_in_first(world: World, client: FlaskClient) -> None:
    before = world.dump()
    assert client.get("/account/").location == "/login?next=/account/"
    for address in ("/account/", "/account/password", "/account/sessions/end", "/account/sessions/1/end"):
        assert post(client, address, name="Eve").location == "/login"
    assert world.dump() == before


def test_page_comes_alone_where_htmx_swaps_it(browser: FlaskClient) -> None:
    panel, notices = Page(browser.get("/account/", headers=PANEL)).roots
    assert (panel.id, notices.id) == ("panel", "notices")


def test_page_leads_to_the_organizations(world: World, ada: Person, browser: FlaskClient) -> None:
    world.organization("Acme", ada)
    for address in ("/account/", "/orgs/"):
        assert "/orgs/" in [e.attributes.get("href") for e in Page(browser.get(address)).elements]
    assert "/account/" in [e.attributes.get("href") for e in Page(browser.get("/orgs/acme/members")).elements]


def test_U01_new_name_is_in_the_audit_log_of_each_organization(world: World, ada: Person, browser: FlaskClient) -> None:
    mia = world.person("Mia Example", "mia@example.org")
    slugs = [world.organization("Acme", ada), world.organization("Umbra", mia)]
    world.member(slugs[1], ada, Role.MEMBER)
    assert post(browser, "/account/", name="Mia Example", language="").status_code == 303
    renamed = select(AuditEntry).where(AuditEntry.event == "member.renamed").order_by(AuditEntry.organization_id)
    found = world.read(lambda: db.session.scalars(renamed).all())
    assert [(entry.actor_name, entry.before, entry.after) for entry in found] == [
        ("Ada Example", {"name": "Ada Example"}, {"name": "Mia Example"})
    ] * 2
    assert len({entry.organization_id for entry in found}) == 2
    text = Page(world.browser(mia).get(f"/orgs/{slugs[1]}/audit")).text
    assert "Ada Example is called Mia Example from now on" in text
    assert "Ada Example ada@example.org" in text, "who acted can be told apart by the address"


def test_C14_somebody_changes_their_name_so_often_a_day(world: World, ada: Person, browser: FlaskClient) -> None:
    limit = Limit(f"renames:user:{ada.user_id}", attempts.CHANGES_A_DAY, timedelta(days=1))
    world.write(lambda: attempts.raise_counters({limit: attempts.CHANGES_A_DAY}))
    before = world.dump()
    answer = post(browser, "/account/", name="Ida Winter", language="")
    assert (answer.status_code, world.dump()) == (422, before)
    assert "You did this 30 times today" in Page(answer).by_id("name-error").text
    assert post(browser, "/account/", name="Ada Example", language="de").status_code == 303
