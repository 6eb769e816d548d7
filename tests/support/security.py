"""Writes docs/security.md from a run of the suite: which attacks were tried, on which databases, and with what success.

A test names the rows it covers: `test_C07_…`, or `test_C13_F06_…` for two; that of a conformance module has its name,
`test_oidcc_client_test_…`. UPDATE_SECURITY=1 writes the file when the
run ends; only what ran and passed in that run counts.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from tests.support.attack_rows import GROUPS, NO_TEST_YET, REASONS, ROWS
from tests.support.conformance import MODULES

PAGE: Final = Path(__file__).parents[2] / "docs" / "security.md"
TESTS: Final = Path(__file__).parents[1]
NAME: Final = re.compile(r"\btest((?:_[A-Z][0-9]{2})+)_")
DATABASE: Final = "database"
NAMES_OF_DATABASES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
CONFORMANCE: Final = "What the OpenID Foundation's conformance modules demand"
DID_NOT_RUN: Final = "did not run"

ABOUT = """\
# What was attacked

Each row is an attack; its id is in the names of the tests that try it. It is green when every case of every such test
passed. Refused means: the status, nothing stored, no letter. Cases are counted on each database they ran on. A row
without a test says why: often because what it attacks is not built yet.

Written by `UPDATE_SECURITY=1 make test`; do not edit.
"""


@dataclass
class Case:
    """One test with one set of arguments, as far as it has come."""

    database: str = ""
    outcomes: set[str] = field(default_factory=set)

    @property
    def outcome(self) -> str:
        """Passed, failed or skipped: the worst of its setup, its call and its teardown."""
        return next((worst for worst in ("failed", "skipped") if worst in self.outcomes), "passed")


Cases = Mapping[str, Case]
"""By the node id of the test."""


def ids_in(name: str) -> list[str]:
    """Return the ids that the name of a test, or its node id, holds."""
    module = name.partition("[")[0].rpartition("::")[2].removeprefix("test_").replace("_", "-")
    if module in MODULES:
        return [module]
    found = NAME.search(name.partition("[")[0])
    return found[1].strip("_").split("_") if found else []


def ids_in_sources() -> set[str]:
    """Return every id that some test of the suite names, whether it ran or not."""
    sources = (path.read_text("utf-8") for path in TESTS.rglob("test_*.py"))
    return {row for source in sources for name in re.findall(r"def (test_\w+)\(", source) for row in ids_in(name)}


def page(cases: Cases, named: Iterable[str]) -> str:
    """Return the file.

    Args:
        cases: what ran.
        named: the ids of rows that have tests, whether they ran or not.
    """
    by_row: defaultdict[str, dict[str, Case]] = defaultdict(dict)
    for node, case in cases.items():
        for row in ids_in(node):
            by_row[row][node] = case
    tested = set(named)
    tables = [_table(f"{group}: {GROUPS[group]}", _of_group(group), by_row, tested) for group in GROUPS]
    return "\n".join([ABOUT, *tables, _table(CONFORMANCE, MODULES, by_row, tested)])


def _of_group(group: str) -> dict[str, str]:
    return {row: words for row, words in sorted(ROWS.items()) if row.startswith(group)}


def _table(title: str, words: Mapping[str, str], by_row: Mapping[str, Cases], named: set[str]) -> str:
    lines = [_line(row, words[row], by_row.get(row, {}), is_named=row in named) for row in words]
    green = sum(line.endswith("| yes |") for line in lines)
    heading = f"## {title}\n\n{green} of {len(words)} rows are green.\n"
    table = ["| id | what is tried | tests | cases | databases | green |", "|---|---|---|---|---|---|"]
    return "\n".join([heading, *table, *lines, ""])


def _line(row: str, words: str, cases: Cases, *, is_named: bool) -> str:
    if not cases:
        reason = DID_NOT_RUN if is_named else REASONS.get(row, NO_TEST_YET)
        return f"| {row} | {words} | – | – | – | {reason} |"
    tests = {node.partition("[")[0] for node in cases}
    databases = sorted({NAMES_OF_DATABASES[c.database] for c in cases.values() if c.database}, reverse=True)
    cells = (row, words, str(len(tests)), str(len(cases)), ", ".join(databases) or "–", _verdict(cases))
    return f"| {' | '.join(cells)} |"


def _verdict(cases: Cases) -> str:
    outcomes = [case.outcome for case in cases.values()]
    if "failed" in outcomes:
        return f"**no**: {outcomes.count('failed')} failed"
    return f"{outcomes.count('skipped')} skipped" if "skipped" in outcomes else "yes"


class SecurityPage:
    """A plugin of pytest that notes how every case with an id ended. With xdist, every worker's reports come here."""

    def __init__(self) -> None:
        self._cases: defaultdict[str, Case] = defaultdict(Case)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the end of a setup, a call or a teardown."""
        if ids_in(report.nodeid):
            case = self._cases[report.nodeid]
            case.outcomes.add(report.outcome)
            case.database = str(dict(report.user_properties).get(DATABASE, ""))

    def pytest_sessionfinish(self) -> None:
        """Write the file."""
        PAGE.write_text(page(self._cases, ids_in_sources()), "utf-8")


class DatabaseNames:
    """A plugin of pytest that lets each report say which kind of database its test ran on."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Note the kind of database, if the test has one."""
        if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            database = item.callspec.params.get("database_url")
            if database in NAMES_OF_DATABASES:
                item.user_properties.append((DATABASE, database))


def is_wanted() -> bool:
    """Tell whether this run shall write the file."""
    return os.environ.get("UPDATE_SECURITY") == "1"


def register(config: pytest.Config) -> None:
    """Watch a run that shall write the file; the workers of xdist only say on which database they are."""
    if is_wanted():
        config.pluginmanager.register(DatabaseNames())
        if not hasattr(config, "workerinput"):
            config.pluginmanager.register(SecurityPage())
