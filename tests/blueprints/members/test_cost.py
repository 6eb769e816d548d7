"""What a page costs: few statements, the same at any size, and nothing kept for the next request."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

import pytest
from flask import Flask
from sqlalchemy import event

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.pages import PANEL, RESULTS
from tests.support.statements import queries
from tests.support.teams import make_projects, make_team
from webapp.db import db


def number_of_statements(app: Flask, acme: Acme, path: str, headers: dict[str, str]) -> int:
    browser = acme.browser(acme.owner)
    with queries(app) as found:
        assert browser.get(acme.address(path), headers=headers).status_code == 200
    return len(found)


@pytest.mark.parametrize("headers", [{}, PANEL, RESULTS], ids=["page", "panel", "results"])
def test_page_takes_at_most_six_statements_and_as_many_at_three_as_at_three_hundred(
    app: Flask, acme: Acme, headers: dict[str, str]
) -> None:
    paths = ["members", "members?q=p", "members?q=p+example", "members/pending", "members/pending?q=i", "members/new"]
    paths += ["members?role=owner&status=active&sort=-role", "members?q=p+example&role=member", "members/removed"]
    paths += ["teams", "projects"]
    few = {path: number_of_statements(app, acme, path, headers) for path in paths}
    crowds.join(acme, [(f"Person {n}", f"p{n}@example.net") for n in range(300)])
    crowds.invite(acme, [f"i{n}@example.org" for n in range(300)])
    many = {path: number_of_statements(app, acme, path, headers) for path in paths}
    assert many == few
    assert max(many.values()) <= 6


def test_page_of_a_member_with_many_projects_takes_at_most_seven_statements(app: Flask, acme: Acme) -> None:
    make_projects(acme, make_team(acme, "Red", acme.admin), [f"Project {n}" for n in range(60)])
    assert number_of_statements(app, acme, f"members/{acme.member_id(acme.admin)}", PANEL) <= 7


def test_audit_page_takes_at_most_six_statements(app: Flask, acme: Acme) -> None:
    crowds.invite(acme, [f"i{n}@example.org" for n in range(60)])
    assert number_of_statements(app, acme, "audit", PANEL) <= 6


@contextmanager
def rows_in_memory() -> Iterator[Callable[[], int]]:
    """Yield what counts the rows loaded or made since, as long as somebody keeps them."""
    seen: WeakSet[Any] = WeakSet()

    def note(row: Any, *_more: object) -> None:
        seen.add(row)

    def count() -> int:
        gc.collect()
        return len(seen)

    gc.freeze()  # only what is made from now on is looked through
    for moment in ("load", "init"):
        event.listen(db.Model, moment, note, propagate=True)
    try:
        yield count
    finally:
        for moment in ("load", "init"):
            event.remove(db.Model, moment, note)


def test_rows_in_memory_are_counted(acme: Acme) -> None:
    with rows_in_memory() as count:
        kept = acme.entries()
        assert count() == len(kept) > 0
        del kept
        assert count() == 0


def test_nothing_one_request_loaded_is_kept_for_the_next(acme: Acme) -> None:
    crowds.join(acme, [(f"Person {n}", f"p{n}@example.net") for n in range(60)])
    browser, stranger = acme.browser(acme.owner), acme.browser(acme.stranger)
    paths = ["members", "members?q=p", "members/pending", "members/new", "audit", "nothing", "members?after=x"]
    paths += ["members/removed", "leave", f"members/{acme.member_id(acme.admin)}/remove"]

    def walk() -> None:
        for path in paths:
            browser.get(acme.address(path))
            stranger.get(acme.address(path))
            browser.post(acme.address(path))

    with rows_in_memory() as count:
        walk()
        before = count()
        for _ in range(2):
            walk()
        assert count() == before
