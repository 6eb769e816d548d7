"""Keyset pages: a list is cut by the key of its last row, never by an offset."""

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Row, Select, Subquery, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from webapp.db import db
from webapp.errors import N_, NotFound

PAGE_ROWS = 50
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

R = TypeVar("R")


@dataclass(frozen=True)
class Page(Generic[R]):
    """Some rows of a list, and the cursor of the next page, if there is one."""

    rows: Sequence[R]
    next: str | None
    is_first: bool


def cut(
    narrow: Select[*tuple[Any, ...]],
    keys: Sequence[InstrumentedAttribute[Any]],
    after: str,
    *,
    descending: bool = False,
) -> Subquery:
    """Return one page of a list, and one row more, before anything is joined to it.

    Cutting first keeps the cost of a page independent of the length of the list, whatever the planner believes.

    Args:
        narrow: selects what names a row, from the table or index the list runs along.
        keys: the columns that order the list and tell its rows apart, all in one direction; added as `key_0`, `key_1` …
        after: the cursor where the page before ended; empty for the first page.
        descending: whether the list runs backwards.

    Raises:
        NotFound: the cursor is not one of ours.
    """
    if after:
        position, end = tuple_(*keys), tuple_(*decode(after, len(keys)))
        narrow = narrow.where(position < end if descending else position > end)
    order = [key.desc() if descending else key.asc() for key in keys]
    named = [key.label(f"key_{number}") for number, key in enumerate(keys)]
    return narrow.add_columns(*named).order_by(*order).limit(PAGE_ROWS + 1).subquery()


def fetch(
    statement: Select[*tuple[Any, ...]], page: Subquery, *, descending: bool = False
) -> tuple[Sequence[Row[*tuple[Any, ...]]], str | None]:
    """Read the rows of a page, and the cursor of the next.

    Args:
        statement: selects what is shown, joined to `page`.
        page: what `cut` returned.
        descending: whether the list runs backwards.
    """
    keys = [column for column in page.c if column.key.startswith("key_")]
    order = [key.desc() if descending else key.asc() for key in keys]
    rows = db.session.execute(statement.add_columns(*keys).order_by(*order)).all()
    if len(rows) <= PAGE_ROWS:
        return rows, None
    return rows[:PAGE_ROWS], encode(list(rows[PAGE_ROWS - 1][-len(keys) :]))


def encode(values: Sequence[str | int]) -> str:
    """Return the cursor that stands for the key of a row."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def decode(cursor: str, length: int) -> list[Any]:
    """Return the key a cursor stands for.

    Raises:
        NotFound: it is not one of ours.
    """
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, list) or len(values) != length or not _is_key(values):
        raise NotFound(N_("This page of the list does not exist. Go back to the first page."))
    return values


def _is_key(values: list[Any]) -> bool:
    """Tell whether these are texts and an id at the end, all of which both databases can compare."""
    *texts, last = values
    is_id = type(last) is int and abs(last) < 2**63
    return is_id and all(isinstance(text, str) and not UNSTORABLE.search(text) for text in texts)
