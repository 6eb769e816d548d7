"""The audit log as CSV and as JSON lines."""

import csv
import hashlib
import io
import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.pages import Page
from webapp.access.actor import Actor
from webapp.blueprints.audit import files
from webapp.models import Organization
from webapp.services import audit
from webapp.services.audit import FIRST_HASH, Event, Target

FILES = ("audit.csv", "audit.jsonl")


def download(acme: Acme, file: str, who: str = "owner", slug: str | None = None, **query: Any) -> TestResponse:
    address = f"/orgs/{slug or acme.slug}/{file}"
    return acme.browser(getattr(acme, who)).get(address, query_string=query)


def rows_of(answer: TestResponse) -> list[dict[str, str]]:
    """Return the rows of a CSV file by the names of its columns."""
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))


def lines_of(answer: TestResponse) -> list[dict[str, Any]]:
    """Return what the lines of a JSON file hold."""
    return [json.loads(line) for line in answer.get_data(as_text=True).splitlines()]


def test_files_hold_every_entry_newest_first(acme: Acme) -> None:
    crowds.invite(acme, [f"i{n}@example.org" for n in range(files.ROWS_A_STEP + 5)])
    hashes = [entry.hash for entry in acme.entries()[::-1]]
    assert [row["hash"] for row in rows_of(download(acme, "audit.csv"))] == hashes
    assert [line["hash"] for line in lines_of(download(acme, "audit.jsonl"))] == hashes


def test_files_are_downloads_that_nobody_keeps(acme: Acme) -> None:
    for file, kind in (("audit.csv", "text/csv; charset=utf-8"), ("audit.jsonl", "application/x-ndjson")):
        answer = download(acme, file)
        assert answer.get_data()
        assert answer.headers["Content-Type"] == kind
        assert (
            answer.headers["Content-Disposition"]
            == f"attachment; filename={acme.slug}-{file.replace('audit.', 'audit.')}"
        )
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("file", FILES)
def test_file_that_is_given_up_half_way_holds_nothing(acme: Acme, file: str) -> None:
    crowds.invite(acme, [f"i{n}@example.org" for n in range(files.ROWS_A_STEP + 5)])
    answer = download(acme, file)
    next(iter(answer.response))
    answer.close()
    acme.world.invite(acme.slug, acme.owner, "bob@example.org")


def test_json_lines_can_be_checked_without_the_database(acme: Acme) -> None:
    acme.world.invite(acme.slug, acme.admin, "bob@example.org")
    before = FIRST_HASH
    for line in lines_of(download(acme, "audit.jsonl"))[::-1]:
        said = json.dumps({k: v for k, v in line.items() if k != "hash"}, sort_keys=True, separators=(",", ":"))
        assert line["hash"] == hashlib.sha256(said.encode()).hexdigest()
        assert line["previous_hash"] == before
        before = line["hash"]
    assert before == acme.entries()[-1].hash


@pytest.mark.parametrize(
    "query", [{"event": "member"}, {"event": "invitation.sent"}, {"target": "member:1"}, {"from": "2099-01-01"}, {}]
)
def test_files_and_page_let_the_same_entries_through(acme: Acme, query: dict[str, str]) -> None:
    acme.world.invite(acme.slug, acme.admin, "bob@example.org")
    page = Page(acme.browser(acme.owner).get(acme.address("audit"), query_string=query))
    numbers = {entry.id: entry.sequence for entry in acme.entries()}
    wanted = [numbers[entry] for entry in page.rows("entry")]
    assert [int(row["sequence"]) for row in rows_of(download(acme, "audit.csv", **query))] == wanted
    assert [line["sequence"] for line in lines_of(download(acme, "audit.jsonl", **query))] == wanted


def test_page_leads_to_the_files_with_its_filters(acme: Acme) -> None:
    page = Page(acme.browser(acme.owner).get(acme.address("audit?event=member&from=2026-01-01")))
    assert page.link("export-csv") == acme.address("audit.csv?event=member&from=2026-01-01")
    assert page.link("export-json-lines") == acme.address("audit.jsonl?event=member&from=2026-01-01")


@pytest.mark.parametrize("file", FILES)
def test_wrong_filter_makes_no_file(acme: Acme, file: str) -> None:
    answer = download(acme, file, **{"from": "soon"})
    assert answer.status_code == 422
    assert "Enter a day as year, month and day" in Page(answer).text
    assert "Content-Disposition" not in answer.headers


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    ("who", "status"),
    [("owner", 200), ("manager", 200), ("admin", 403), ("member", 403), ("suspended", 404), ("stranger", 404)],
)
def test_files_are_for_managers_and_owners(acme: Acme, file: str, who: str, status: int) -> None:
    answer = download(acme, file, who)
    assert answer.status_code == status
    assert ("Olive Owner" in answer.get_data(as_text=True)) == (status == 200)


@pytest.mark.parametrize("file", FILES)
def test_U05_files_of_another_organization_do_not_exist(acme: Acme, file: str) -> None:
    acme.world.invite(acme.other_slug, acme.stranger, "secret@example.org")
    assert download(acme, file, slug=acme.other_slug).status_code == 404
    assert download(acme, file, "stranger").status_code == 404
    for query in ({}, {"actor": acme.stranger.user_id}, {"actor": acme.stranger.email}, {"event": "invitation"}):
        assert "secret@example.org" not in download(acme, file, **query).get_data(as_text=True)


HOSTILE = [
    '=HYPERLINK("https://evil.example.org","click")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "a\r\nb,c",
    "\x1b[31mred\x1b[0m",
    "\x9b31m",
    "right\u202eleft",
    'quote "and", comma',
]


@pytest.mark.parametrize("text", HOSTILE)
def test_U04_cells_neither_run_nor_break_their_line_nor_reach_a_terminal(acme: Acme, text: str) -> None:
    def record(actor: Actor, organization: Organization) -> None:
        named = Actor(actor.kind, text, actor.user_id)
        target = Target("page", None, text)
        audit.record(named, Event.ACCESS_REFUSED, target, organization=organization, after={"reason": text})

    acme.act(acme.owner, record)
    content = download(acme, "audit.csv", event="access").get_data(as_text=True)
    assert len(content.splitlines()) == 2
    [row] = csv.DictReader(io.StringIO(content))
    for cell in (row["actor_name"], row["target_name"], row["after"]):
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
        assert cell.isprintable()
    lines = download(acme, "audit.jsonl", event="access").get_data(as_text=True).splitlines()
    assert len(lines) == 1
    assert lines[0].isascii()
    assert lines[0].isprintable()
    assert json.loads(lines[0])["after"] == {"reason": text}
