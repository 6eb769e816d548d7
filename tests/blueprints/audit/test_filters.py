"""Filters of the audit log: who, what, about what, and when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.pages import PANEL, Page
from tests.support.transactions import transactions
from tests.support.worlds import post
from webapp.blueprints.audit.names import EVENT_NAMES, FAMILIES, FIELD_NAMES
from webapp.models import Role
from webapp.queries.page import PAGE_ROWS
from webapp.services import members
from webapp.services.audit import Event

NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


def ask(acme: Acme, headers: dict[str, str] | None = None, **query: Any) -> TestResponse:
    return acme.browser(acme.owner).get(acme.address("audit"), query_string=query, headers=headers)


def shown(acme: Acme, **query: Any) -> list[int]:
    """Return the ids of the entries on the first page."""
    answer = ask(acme, **query)
    assert answer.status_code == 200
    return Page(answer).rows("entry")


def expected(acme: Acme, **values: Any) -> list[int]:
    """Return the ids of the entries whose columns have these values, the newest first."""
    entries = acme.entries()[::-1]
    return [e.id for e in entries if all(getattr(e, name) == value for name, value in values.items())]


def test_only_what_one_person_did(acme: Acme) -> None:
    acme.world.invite(acme.slug, acme.admin, "bob@example.org")
    by_admin = expected(acme, actor_user_id=acme.admin.user_id)
    assert shown(acme, actor=acme.admin.user_id) == by_admin != []
    assert shown(acme, actor=acme.admin.email.upper()) == by_admin


@pytest.mark.parametrize("actor", ["0", "999999", "nobody@example.org", "una@example.org"])
def test_U05_somebody_who_did_nothing_here_has_no_entries_known_or_not(acme: Acme, actor: str) -> None:
    assert shown(acme, actor=actor) == []


def test_only_one_kind_of_event_or_a_whole_family(acme: Acme) -> None:
    acme.world.invite(acme.slug, acme.admin, "bob@example.org")
    joined = expected(acme, event="member.joined")
    assert shown(acme, event="member.joined") == joined == shown(acme, event="member")
    assert shown(acme, event="invitation") == expected(acme, event="invitation.sent") != []
    assert shown(acme, event="request") == []


def test_only_what_happened_to_one_thing(acme: Acme) -> None:
    invited = acme.world.invite(acme.slug, acme.admin, "bob@example.org")
    acme.world.invite(acme.slug, acme.admin, "eve@example.org")
    post(acme.browser(acme.manager), acme.address(f"invitations/{invited.id}/revoke"))
    about = expected(acme, target_kind="invitation", target_id=invited.id)
    assert shown(acme, target=f"invitation:{invited.id}") == about
    assert len(about) == 2


def test_filters_narrow_each_other(acme: Acme) -> None:
    invited = acme.world.invite(acme.slug, acme.admin, "bob@example.org")
    acme.world.invite(acme.slug, acme.manager, "eve@example.org")
    both = {"actor": acme.admin.user_id, "event": "invitation", "from": f"{datetime.now(UTC):%Y-%m-%d}"}
    assert shown(acme, **both) == expected(acme, target_kind="invitation", target_id=invited.id)
    assert shown(acme, **both, target="member:1") == []


def days(acme: Acme) -> dict[str, int]:
    """Invite on three days around midnight; return the entries by the names of their moments."""
    made = {}
    for name, moment in (
        ("first", NOON + timedelta(days=1)),
        ("last moment", NOON.replace(hour=23, minute=59, second=59) + timedelta(days=2)),
        ("midnight", NOON.replace(hour=0) + timedelta(days=3)),
        ("last", NOON + timedelta(days=4)),
    ):
        with time_machine.travel(moment, tick=False):
            crowds.invite(acme, [f"{name.replace(' ', '-')}@example.org"])
        made[name] = acme.entries()[-1].id
    return made


@pytest.mark.parametrize(
    ("first", "last", "names"),
    [
        (2, None, ["last", "midnight", "last moment"]),
        (3, None, ["last", "midnight"]),
        (None, 2, ["last moment", "first"]),
        (2, 2, ["last moment"]),
        (2, 3, ["midnight", "last moment"]),
        (5, None, []),
        (None, -9, []),
    ],
)
def test_days_begin_and_end_at_midnight_utc(acme: Acme, first: int | None, last: int | None, names: list[str]) -> None:
    made = days(acme)
    query = {
        name: f"{NOON + timedelta(days=day):%Y-%m-%d}"
        for name, day in (("from", first), ("to", last))
        if day is not None
    }
    assert [entry for entry in shown(acme, event="invitation", **query)] == [made[name] for name in names]
    assert [entry for entry in shown(acme, **query) if entry >= made["first"]] == [made[name] for name in names]


def test_entry_of_a_server_whose_clock_is_behind_is_not_overlooked(acme: Acme) -> None:
    for minutes in (1, -1, 2):
        with time_machine.travel(NOON.replace(hour=0) + timedelta(days=3, minutes=minutes), tick=False):
            crowds.invite(acme, [f"clock{minutes}@example.org"])
    newest = [entry.id for entry in acme.entries()[:-4:-1]]
    third = f"{NOON + timedelta(days=3):%Y-%m-%d}"
    assert shown(acme, **{"from": third}) == [newest[0], newest[2]]
    assert newest[1] in shown(acme, to=f"{NOON + timedelta(days=2):%Y-%m-%d}")


def test_pages_of_a_filtered_log_follow_each_other(acme: Acme) -> None:
    crowds.invite(acme, [f"i{n}@example.org" for n in range(PAGE_ROWS + 3)], by=acme.admin)
    crowds.invite(acme, [f"j{n}@example.org" for n in range(PAGE_ROWS)], by=acme.manager)
    browser, found = acme.browser(acme.owner), []
    address = f"{acme.address('audit')}?actor={acme.admin.user_id}&event=invitation"
    while address:
        page = Page(browser.get(address))
        found.append(page.rows("entry"))
        address = page.link("page-next") or ""
    assert [len(rows) for rows in found] == [PAGE_ROWS, 3]
    assert sum(found, []) == expected(acme, actor_user_id=acme.admin.user_id)


def test_each_entry_leads_to_what_its_actor_did_and_to_its_target(acme: Acme) -> None:
    acme.world.invite(acme.slug, acme.admin, "bob@example.org")
    links = [e.attributes["href"] for e in Page(ask(acme, event="invitation")).elements if e.tag == "a"]
    entry = acme.entries()[-1]
    for wanted in (f"?event=invitation&actor={entry.actor_user_id}", f"target=invitation:{entry.target_id}"):
        [link] = [link for link in links if wanted in link.replace("%3A", ":")]
        assert Page(acme.browser(acme.owner).get(link)).rows("entry") == [entry.id]


def test_what_is_chosen_is_shown_by_name_and_can_be_taken_back(acme: Acme) -> None:
    acme.world.invite(acme.slug, acme.admin, "bob@example.org")
    entry = acme.entries()[-1]
    page = Page(ask(acme, actor=acme.admin.user_id, target=f"invitation:{entry.target_id}"))
    assert "Only by Adam Admin" in page.text
    assert "Only about bob@example.org" in page.text
    assert [e.attributes["value"] for e in page.named("actor")] == [str(acme.admin.user_id)]
    assert "Remove this filter: Only by Adam Admin" in page.text


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"from": "2026-02-30"}, "Enter a day as year, month and day"),
        ({"to": "yesterday"}, "Enter a day as year, month and day"),
        ({"from": "20261121"}, "Enter a day as year, month and day"),
        ({"from": "0001-01-01"}, "Enter a day as year, month and day"),
        ({"to": "9999-12-31"}, "Enter a day as year, month and day"),
        ({"from": "2026-11-02", "to": "2026-11-01"}, "The last day comes before the first."),
        ({"event": "member.vanished"}, "There is no such kind of entry."),
        ({"event": "account"}, "There is no such kind of entry."),
        ({"event": "account.signed_in"}, "There is no such kind of entry."),
        ({"target": "member"}, "This is no target of an entry."),
        ({"target": "member:99999999999999999999"}, "This is no target of an entry."),
        ({"actor": "two words"}, "This is not an email address"),
        ({"actor": "9" * 30}, "This is not an email address"),
        ({"actor": "a\x00@example.org"}, "This is not an email address"),
    ],
)
@pytest.mark.parametrize("headers", [{}, PANEL], ids=["page", "fragment"])
def test_wrong_filter_is_a_sentence_and_what_was_typed_is_kept(
    acme: Acme, query: dict[str, str], sentence: str, headers: dict[str, str]
) -> None:
    answer = ask(acme, headers, **query)
    page = Page(answer)
    assert answer.status_code == 422
    assert sentence in page.text
    assert page.rows("entry") == []
    for name, typed in query.items():
        if name in ("from", "to", "actor"):
            assert [e.attributes["value"] for e in page.named(name)] == [typed.replace("\x00", "\ufffd")]


def test_filters_work_through_htmx_as_without(acme: Acme) -> None:
    page, fragment = Page(ask(acme, event="member")), Page(ask(acme, PANEL, event="member"))
    assert fragment.roots[0].id == "panel"
    assert fragment.rows("entry") == page.rows("entry") != []


def test_U05_filters_never_show_another_organization(acme: Acme) -> None:
    acme.world.invite(acme.other_slug, acme.stranger, "secret@example.org")
    strange = acme.entries(acme.other_slug)
    ids = {entry.id for entry in strange}
    queries: list[dict[str, Any]] = [{"actor": acme.stranger.user_id}, {"actor": acme.stranger.email}]
    queries += [{"event": name} for name in (*FAMILIES, *(entry.event for entry in strange))]
    queries += [{"target": f"{entry.target_kind}:{entry.target_id}"} for entry in strange]
    queries += [{"from": "2026-01-01"}, {"to": "2099-01-01"}, {"from": "2026-01-01", "event": "invitation"}]
    for query in queries:
        answer = ask(acme, **query)
        assert ids.isdisjoint(Page(answer).rows("entry")), query
        assert "secret@example.org" not in answer.text
        assert "Una Umbra" not in answer.text


def test_entry_opens_to_its_values_before_and_after_its_moment_and_its_hash(acme: Acme) -> None:
    acme.act(acme.owner, lambda actor, org: members.change_role(actor, org, _member(acme), Role.ADMIN))
    entry = acme.entries()[-1]
    said = Page(ask(acme)).by_id(f"entry-{entry.id}").text
    for part in ("Role before: Member after: Admin", entry.created_at.isoformat(), entry.hash):
        assert part in said


def _member(acme: Acme) -> Any:
    found = members.of_user(acme.organization(), acme.member.user_id)
    assert found
    return found


def test_every_event_of_an_organization_can_be_filtered_by_name() -> None:
    offered = {event for events in FAMILIES.values() for event in events}
    assert offered == {event for event in Event if not event.value.startswith("account.")} == set(EVENT_NAMES)


def test_every_field_has_a_name(acme: Acme) -> None:
    acme.world.invite(acme.slug, acme.admin, "bob@example.org")
    fields = {name for entry in acme.entries() for name in {**(entry.before or {}), **(entry.after or {})}}
    assert fields - set(FIELD_NAMES) == set()


@pytest.mark.parametrize("rows", [1, 200])
def test_log_costs_at_most_six_statements_whatever_is_asked(app: Flask, acme: Acme, rows: int) -> None:
    crowds.invite(acme, [f"i{n}@example.org" for n in range(rows)])
    today = f"{NOON:%Y-%m-%d}"
    for query in ({}, {"event": "member"}, {"actor": acme.owner.email, "event": "member", "from": today, "to": today}):
        with transactions(app) as found:
            ask(acme, PANEL, **query)
        assert sum(len(one.statements) for one in found) <= 6
