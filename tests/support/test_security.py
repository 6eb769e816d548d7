"""docs/security.md says of every row what a run of the suite has shown, and of no other."""

import re

import pytest

from tests.support.attack_rows import GROUPS, REASONS, ROWS
from tests.support.conformance import MODULES
from tests.support.security import DID_NOT_RUN, PAGE, Case, ids_in, ids_in_sources, is_wanted, page

ID = r"[A-Z][0-9]{2}|[a-z0-9]+-client-test[a-z0-9-]*"
LINE = re.compile(rf"^\| ({ID}) \| [^|]+ \| ([^|]+) \| [^|]+ \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)


def case(*outcomes: str, database: str = "sqlite") -> Case:
    return Case(database, set(outcomes))


def line_of(row: str, cases: dict[str, Case], named: set[str] | None = None) -> str:
    [line] = [line for line in page(cases, named or set()).splitlines() if line.startswith(f"| {row} |")]
    return line.partition(ROWS[row])[2]


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("test_C07_link_is_dead", ["C07"]),
        ("test_C13_F06_same_answer", ["C13", "F06"]),
        ("tests/http/test_csrf.py::test_E06_forged", ["E06"]),
        ("test_oidcc_client_test", ["oidcc-client-test"]),
        ("tests/a.py::test_fapi2_client_test_invalid_null_alg[x]", ["fapi2-client-test-invalid-null-alg"]),
        ("test_oidcc_client_test_made_up", []),
        ("test_200_is_answered", []),
        ("test_utf8", []),
        ("tests/a.py::test_roles[test_C07_x]", []),
    ],
)
def test_ids_are_read_from_names(name: str, ids: list[str]) -> None:
    assert ids_in(name) == ids


def test_row_is_green_once_every_case_passed() -> None:
    cases = {"a.py::test_C07_x[sqlite]": case("passed"), "a.py::test_C07_x[pg]": case("passed", database="postgresql")}
    assert line_of("C07", cases) == " | 1 | 2 | SQLite, PostgreSQL | yes |"


@pytest.mark.parametrize(
    ("outcomes", "verdict"), [(["passed", "failed"], "**no**: 1 failed"), (["skipped"], "1 skipped")]
)
def test_case_that_did_not_pass_spoils_its_rows(outcomes: list[str], verdict: str) -> None:
    cases = {"a.py::test_C07_E06_x": case("passed"), "b.py::test_E06_C07_y": case(*outcomes)}
    for row in ("C07", "E06"):
        assert line_of(row, cases) == f" | 2 | 2 | SQLite | {verdict} |"


def test_row_without_a_case_says_why() -> None:
    assert line_of("E16", {}) == f" | – | – | – | {REASONS['E16']} |"
    assert line_of("C07", {}, {"C07"}) == f" | – | – | – | {DID_NOT_RUN} |"


def test_every_row_that_is_tested_has_its_words() -> None:
    assert set(MODULES) <= ids_in_sources() <= {*ROWS, *MODULES}
    assert {row[0] for row in ROWS} == set(GROUPS)


@pytest.mark.skipif(is_wanted(), reason="the page is written when this run ends")
def test_committed_page_lists_exactly_the_rows_that_have_tests() -> None:
    """Write it anew with UPDATE_SECURITY=1 make test."""
    lines = {row: (tests, verdict) for row, tests, verdict in LINE.findall(PAGE.read_text("utf-8"))}
    assert set(lines) == {*ROWS, *MODULES}
    assert {row for row, (tests, _) in lines.items() if tests != "–"} == ids_in_sources()
    assert [row for row, (_, verdict) in lines.items() if verdict == DID_NOT_RUN] == []
