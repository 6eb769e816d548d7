"""The tab "Add an existing user"."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.support.acme import Acme
from tests.support.pages import PANEL, Page
from tests.support.statements import Statements
from tests.support.worlds import CSRF, Person, csrf_token, post
from webapp.models import Role

NO_QUERY = ("BEGIN", "PRAGMA", "COMMIT", "ROLLBACK")


@pytest.fixture
def ned(acme: Acme) -> Person:
    """Somebody whom Acme's manager meets in another organization."""
    ned = acme.world.person("Ned Nearby", "ned@example.org")
    acme.world.member(acme.world.organization("Nearby", ned), acme.manager, Role.MEMBER)
    return ned


def send(acme: Acme, person: Person | None, email: str, role: str = "member", **more: Any) -> TestResponse:
    return post(acme.browser(person), acme.address("members/add"), email=email, role=role, **more)


def test_tab_is_there_for_whoever_may(acme: Acme) -> None:
    for person in (acme.manager, acme.admin, acme.member):
        page = Page(acme.browser(person).get(acme.address("members")))
        assert (page.link("tab-add") is not None) == (person is acme.manager)
    page = Page(acme.browser(acme.manager).get(acme.address("members/add"), headers=PANEL))
    assert page.roots[0].id == "panel"
    assert [e.attributes["value"] for e in page.named("role")] == ["member", "admin", "manager"]
    assert page.by_id("tab-add").attributes["aria-current"] == "page"


def test_known_user_is_a_member_at_once(acme: Acme, ned: Person) -> None:
    browser = acme.browser(acme.manager)
    done = post(browser, acme.address("members/add"), email="Ned@example.org", role="admin")
    assert (done.status_code, done.location) == (303, acme.address("members"))
    page = Page(browser.get(done.location))
    assert page.by_id("notices").text == "Ned@example.org is a member now."
    assert "Ned Nearby" in page.by_id("results").text
    assert acme.world.roles(acme.slug)["Ned Nearby"] == "admin"
    assert [(letter.kind, letter.to_address) for letter in acme.world.letters()] == [("added", "ned@example.org")]
    assert acme.events()[-1] == "member.added"


@pytest.mark.parametrize("email", ["", "ned", "ned@example.org eve@example.org"])
def test_invalid_address_is_kept_and_nothing_stored(acme: Acme, ned: Person, email: str) -> None:
    with acme.unchanged():
        refused = send(acme, acme.manager, email, "admin")
    assert refused.status_code == 422
    page = Page(refused)
    assert page.named("email")[0].attributes["value"] == email
    assert [e.attributes["value"] for e in page.named("role") if "checked" in e.attributes] == ["admin"]


@pytest.mark.parametrize("role", ["owner", "", "emperor"])
def test_C08_other_roles_are_refused(acme: Acme, ned: Person, role: str) -> None:
    with acme.unchanged():
        assert send(acme, acme.manager, "ned@example.org", role).status_code == 422


def test_unknown_address_can_be_invited_instead(acme: Acme) -> None:
    with acme.unchanged():
        refused = send(acme, acme.manager, "nobody@example.org")
    assert refused.status_code == 422
    page = Page(refused)
    assert "Nobody with the address nobody@example.org can be added" in page.by_id("email-error").text
    form = Page(acme.browser(acme.manager).get(page.link("invite-instead") or ""))
    assert form.named("emails")[0].text == "nobody@example.org"


@pytest.mark.parametrize("blocked", [False, True])
def test_C13_F06_answer_is_the_same_for_known_unknown_and_blocked(
    acme: Acme, statements: Statements, blocked: bool
) -> None:
    if blocked:
        acme.deactivate(acme.stranger)
    browser = acme.browser(acme.manager)
    token, answers = csrf_token(browser, acme.address("members/add")), []
    for email in ("una@example.org", "nix@example.org"):
        with statements() as asked:
            answer = browser.post(
                acme.address("members/add"), data={"email": email, "role": "member", "csrf_token": token}
            )
        body = CSRF.sub("", answer.text).replace(email, "")
        answers.append((answer.status_code, body.replace(email.replace("@", "%40"), ""), asked))
    assert answers[0] == answers[1]
    assert answers[0][0] == 422


def test_members_are_refused_by_name(acme: Acme) -> None:
    with acme.unchanged():
        refused = send(acme, acme.manager, "mina@example.com")
    assert refused.status_code == 422
    page = Page(refused)
    assert "mina@example.com is already a member." in page.by_id("email-error").text
    assert "invite-instead" not in page.ids


@pytest.mark.parametrize(("person", "status"), [("member", 403), ("admin", 403), ("suspended", 404), ("stranger", 404)])
def test_others_add_nobody(acme: Acme, ned: Person, person: str, status: int) -> None:
    who = getattr(acme, person)
    with acme.unchanged():
        assert send(acme, who, "ned@example.org").status_code == status
    assert acme.browser(who).get(acme.address("members/add")).status_code == status
    if status == 403:
        assert acme.events()[-1] == "access.refused"


def test_D03_organization_in_the_form_changes_nothing(acme: Acme, ned: Person) -> None:
    more = {"org": acme.other_slug, "organization_id": "2", "organization": acme.other_slug, "user_id": "1"}
    before = acme.world.roles(acme.other_slug)
    assert send(acme, acme.manager, "ned@example.org", **more).status_code == 303
    assert "Ned Nearby" in acme.world.roles(acme.slug)
    assert acme.world.roles(acme.other_slug) == before


def test_D02_nobody_is_added_under_another_organization(acme: Acme, ned: Person) -> None:
    with acme.unchanged():
        path = f"/orgs/{acme.other_slug}/members/add"
        assert post(acme.browser(acme.manager), path, email="ned@example.org", role="member").status_code == 404
