"""U04: what is written in a list stays text in a spreadsheet."""

import csv
import io

import pytest
from flask import Flask

from tests.support import crowds
from tests.support.acme import Acme
from webapp.errors import NotFound
from webapp.http.csv import csv_file, harmless
from webapp.models import MemberStatus

COMMANDS = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    '=HYPERLINK("http://example.org")',
]


@pytest.mark.parametrize("cell", COMMANDS)
def test_U04_command_becomes_text(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["Eve;=HYPERLINK(0)", "Eve; ＝1", "Eve;-1"])
def test_U04_command_after_a_semicolon_becomes_text(cell: str) -> None:
    before, _, command = cell.partition(";")
    assert harmless(cell) == f"{before};'{command}"


@pytest.mark.parametrize("cell", ["", "ada@example.org", "Ada Winter", "a=1", "2027-01-01", "'quoted", "O'Neill"])
def test_text_stays_as_it_is(cell: str) -> None:
    assert harmless(cell) == cell


def test_file_has_its_columns_one_line_per_row_and_a_name(app: Flask) -> None:
    rows = [("=1", 'with "quotes", commas'), ("line\nbreak", "ä")]
    with app.test_request_context():
        response = csv_file("list.csv", ("a", "b"), rows)
        text = response.get_data(as_text=True)
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["a", "b"],
        ["'=1", 'with "quotes", commas'],
        ["line\nbreak", "ä"],
    ]
    assert response.headers["Content-Disposition"] == "attachment; filename=list.csv"
    assert response.mimetype == "text/csv"


def test_C08_file_breaks_off_once_whoever_asked_for_it_may_not_have_it(acme: Acme) -> None:
    crowds.join(acme, [(f"Person {n}", f"p{n}@example.net") for n in range(1_005)])
    crowds.invite(acme, [f"i{n}@example.org" for n in range(1_005)])
    for path in ("members.csv", "members/pending.csv", "audit.csv", "audit.jsonl"):
        lines = iter(acme.browser(acme.manager).get(acme.address(path)).response)
        next(lines)
        acme.change(acme.manager, status=MemberStatus.SUSPENDED)
        with pytest.raises(NotFound):
            list(lines)
        acme.change(acme.manager, status=MemberStatus.ACTIVE)
