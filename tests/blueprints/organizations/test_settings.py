"""What owners change about their organization."""

from dataclasses import asdict
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.support.acme import Acme
from tests.support.pages import PANEL, Page
from tests.support.worlds import Person, post
from webapp.services import organizations

FORM = {
    "name": "Acme",
    "slug": "acme",
    "address_match_required": "y",
    "invitation_reminders": "y",
    "invitation_lifetime_days": "7",
}
CHANGED = {
    "name": "Acme Works",
    "slug": "acme-works",
    "members_may_invite": "y",
    "join_requests_allowed": "y",
    "invitation_lifetime_days": "30",
}


def save(acme: Acme, who: Person | None, **fields: Any) -> TestResponse:
    return post(acme.browser(who), acme.address("settings"), **fields)


def settings_of(acme: Acme, slug: str = "acme") -> dict[str, Any]:
    return acme.act(acme.owner, lambda _actor, organization: asdict(organizations.settings_of(organization)), slug)


def test_owner_changes_everything_at_once(acme: Acme) -> None:
    answer = save(acme, acme.owner, **CHANGED)
    assert (answer.status_code, answer.location) == (303, "/orgs/acme-works/settings")
    assert settings_of(acme, "acme-works") == {
        "name": "Acme Works",
        "slug": "acme-works",
        "members_may_invite": True,
        "join_requests_allowed": True,
        "address_match_required": False,
        "invitation_reminders": False,
        "invitation_lifetime_days": 30,
    }
    assert acme.world.letters() == []


def test_audit_log_has_before_and_after_of_what_changed_only(acme: Acme) -> None:
    save(acme, acme.owner, **FORM | {"invitation_lifetime_days": "14", "members_may_invite": "y"})
    entry = acme.entries()[-1]
    assert (entry.event, entry.actor_name, entry.target_kind) == ("organization.changed", "Olive Owner", "organization")
    assert entry.before == {"invitation_lifetime_days": 7, "members_may_invite": False}
    assert entry.after == {"invitation_lifetime_days": 14, "members_may_invite": True}


def test_saving_what_is_already_so_changes_nothing(acme: Acme) -> None:
    before = acme.events()
    with acme.unchanged():
        assert save(acme, acme.owner, **FORM).status_code == 303
    assert acme.events() == before


def test_form_shows_what_is(acme: Acme) -> None:
    page = Page(acme.browser(acme.owner).get(acme.address("settings")))
    assert page.named("slug")[0].attributes["value"] == "acme"
    checked = {
        name: "checked" in page.named(name)[0].attributes for name in ("members_may_invite", "invitation_reminders")
    }
    assert checked == {"members_may_invite": False, "invitation_reminders": True}
    assert "open invitations that members have sent stop working" in page.text


@pytest.mark.parametrize(
    ("changes", "invalid"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"slug": ""}, "slug"),
        ({"invitation_lifetime_days": "0"}, "invitation_lifetime_days"),
        ({"invitation_lifetime_days": "31"}, "invitation_lifetime_days"),
        ({"invitation_lifetime_days": "9" * 400}, "invitation_lifetime_days"),
        ({"invitation_lifetime_days": "soon"}, "invitation_lifetime_days"),
        ({"invitation_lifetime_days": ""}, "invitation_lifetime_days"),
    ],
)
def test_invalid_form_stores_nothing_and_keeps_what_was_typed(
    acme: Acme, changes: dict[str, str], invalid: str
) -> None:
    typed = {**FORM, "members_may_invite": "y", **changes}
    with acme.unchanged():
        answer = save(acme, acme.owner, **typed)
    assert answer.status_code == 422
    page = Page(answer)
    assert [e.attributes["name"] for e in page.elements if e.attributes.get("aria-invalid") == "true"] == [invalid]
    assert "checked" in page.named("members_may_invite")[0].attributes
    assert "organization.changed" not in acme.events()


@pytest.mark.parametrize(
    "slug",
    [
        "Acme",
        "ac me",
        "acme/works",
        "acme.works",
        "-acme",
        "acme-",
        "ac--me",
        "аcme",  # its first letter is Cyrillic
        "ａｃｍｅ",
        "ac\u200dme",
        "a" * 61,
        "new",
        "settings",
        "umbra",
        "%2e%2e",
    ],
)
def test_D15_address_is_plain_and_leads_to_nobody_else(acme: Acme, slug: str) -> None:
    with acme.unchanged():
        answer = save(acme, acme.owner, **FORM | {"slug": slug})
    assert answer.status_code == 422
    page = Page(answer)
    [field] = page.named("slug")
    assert (field.attributes["aria-invalid"], field.attributes["value"]) == ("true", slug.replace("\u200d", " "))
    assert page.by_id("slug-error").text


@pytest.mark.parametrize("who", ["member", "admin", "manager"])
def test_members_without_the_right_are_refused_with_a_sentence(acme: Acme, who: str) -> None:
    browser = acme.browser(getattr(acme, who))
    assert browser.get(acme.address("settings")).status_code == 403
    assert acme.address("settings") not in browser.get(acme.address("members")).text
    with acme.unchanged():
        answer = save(acme, getattr(acme, who), **CHANGED)
    assert (answer.status_code, "Your role does not allow this" in answer.text) == (403, True)
    assert acme.events()[-1] == "access.refused"


@pytest.mark.parametrize("who", ["stranger", "suspended"])
def test_strangers_find_nothing(acme: Acme, who: str) -> None:
    assert acme.browser(getattr(acme, who)).get(acme.address("settings")).status_code == 404
    with acme.unchanged():
        assert save(acme, getattr(acme, who), **CHANGED).status_code == 404


def test_U01_refused_change_is_a_sentence_in_the_audit_log(acme: Acme) -> None:
    save(acme, acme.member, **CHANGED)
    text = Page(acme.browser(acme.owner).get(acme.address("audit"))).text
    assert "Mina Member tried to change the settings and was refused" in text


@pytest.mark.parametrize(
    "extra", [{"id": 99}, {"created_at": "2000-01-01"}, {"organization_id": 2}, {"role": "owner"}, {"is_active": ""}]
)
def test_D07_columns_that_are_no_fields_are_ignored(acme: Acme, extra: dict[str, object]) -> None:
    with acme.unchanged():
        assert save(acme, acme.owner, **FORM, **extra).status_code == 303


def test_owner_reaches_the_settings_by_the_navigation(acme: Acme) -> None:
    hrefs = [e.attributes.get("href") for e in Page(acme.browser(acme.owner).get(acme.address("members"))).elements]
    assert acme.address("settings") in hrefs
    assert "/orgs/" in hrefs


def test_form_comes_alone_where_htmx_swaps_it(acme: Acme) -> None:
    panel, notices = Page(acme.browser(acme.owner).get(acme.address("settings"), headers=PANEL)).roots
    assert (panel.id, notices.id) == ("panel", "notices")
