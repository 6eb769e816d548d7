"""Keyset pages: cutting a list by the key of its last row, and the cursor that stands for it."""

import base64
import json
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Subquery, bindparam, select
from sqlalchemy.orm import InstrumentedAttribute

from tests.support import crowds
from tests.support.acme import build
from tests.support.worlds import World
from webapp.db import transaction
from webapp.errors import NotFound
from webapp.models import Member
from webapp.queries.page import PAGE_ROWS, Statement, decode, encode, listing, read


def keys(length: int) -> list[InstrumentedAttribute[Any]]:
    """Return so many key columns, texts and an id at the end."""
    return [*[Member.sort_name] * (length - 1), Member.id]


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=80)
IDS = st.integers(-(2**63) + 1, 2**63 - 1)


@given(st.lists(TEXTS, max_size=3), IDS)
def test_cursor_gives_back_the_key_it_was_made_of(texts: list[str], number: int) -> None:
    cursor = encode([*texts, number])
    assert cursor.isascii()
    assert decode(cursor, keys(len(texts) + 1)) == [*texts, number]


@given(st.lists(TEXTS, max_size=2), IDS, st.integers(1, 4))
def test_cursor_of_another_list_is_refused(texts: list[str], number: int, length: int) -> None:
    cursor = encode([*texts, number])
    if length == len(texts) + 1:
        return
    with pytest.raises(NotFound):
        decode(cursor, keys(length))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2),
)


@given(JSON | st.tuples(JSON, JSON))
def test_no_other_value_passes_for_a_key(value: object) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
    for length in (1, 2):
        try:
            *texts, number = decode(cursor, keys(length))
        except NotFound:
            continue
        assert type(number) is int
        assert abs(number) < 2**63
        assert all(type(text) is str and "\x00" not in text and text.encode() for text in texts if text != "")


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_no_text_at_all_breaks_it(cursor: str) -> None:
    for length in (1, 2):
        try:
            decode(cursor, keys(length))
        except NotFound:
            continue


HOSTILE = ["[" * 100_000, "[" + "9" * 10_000 + "]", '{"a":' * 50_000, '["\\ud800",1]', '["\\u0000",1]']
HOSTILE += ["[true]", '["a",true]', "[1.0]", "[NaN]", '["a",9223372036854775808]', "[[1]]", '[["a"],1]', "null", ""]


@pytest.mark.parametrize("raw", HOSTILE, ids=lambda raw: raw[:12])
def test_json_that_no_database_could_compare_is_refused(raw: str) -> None:
    cursor = base64.urlsafe_b64encode(raw.encode()).decode()
    for length in (1, 2):
        with pytest.raises(NotFound):
            decode(cursor, keys(length))


def shown(page: Subquery) -> Statement:
    return select(Member.id).select_from(page).join(Member, Member.id == page.c.id)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("number", [0, 1, PAGE_ROWS - 1, PAGE_ROWS, PAGE_ROWS + 1, 2 * PAGE_ROWS, 2 * PAGE_ROWS + 1])
def test_pages_hold_each_row_once_in_order(app: Flask, world: World, number: int, descending: bool) -> None:
    acme = build(world)
    members = crowds.join(acme, [(f"Person {n % 7}", f"p{n}@example.net") for n in range(number)]) if number else []
    found, lengths, after = list[int](), list[int](), ""
    mine = select(Member.id).where(Member.id.in_(bindparam("members", expanding=True)))
    pages = listing(mine, [Member.sort_name, Member.id], shown, descending=descending)
    with app.app_context(), transaction(write=False):
        while after or not lengths:
            rows, cursor = read(pages, {"members": members}, after)
            found += [row.id for row in rows]
            lengths.append(len(rows))
            after = cursor or ""
    in_order = sorted(members, key=lambda member: (members.index(member) % 7, member), reverse=descending)
    assert found == in_order
    assert lengths == [PAGE_ROWS] * (number // PAGE_ROWS) + [number % PAGE_ROWS] * (
        number % PAGE_ROWS > 0 or not number
    )


@pytest.mark.parametrize("role", [2**15, -(2**15), 2**40, "10", True, None])
def test_role_beyond_its_column_is_refused(role: object) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps([role, "ada", 1]).encode()).decode()
    with pytest.raises(NotFound):
        decode(cursor, [Member.role, Member.sort_name, Member.id])
