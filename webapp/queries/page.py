"""Keyset pages: a list is cut by the key of its last row, never by an offset."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Row, Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from webapp.db import db
from webapp.errors import N_, NotFound

PAGE_ROWS = 50

R = TypeVar("R")


@dataclass(frozen=True)
class Page(Generic[R]):
    """Some rows of a list, and the cursor of the next page, if there is one."""

    rows: Sequence[R]
    next: str | None
    is_first: bool


def fetch(
    statement: Select[*tuple[Any, ...]],
    keys: Sequence[InstrumentedAttribute[Any]],
    after: str,
    *,
    descending: bool = False,
) -> tuple[Sequence[Row[*tuple[Any, ...]]], str | None]:
    """Read one page of `statement`, ordered by `keys`, and the cursor of the next.

    Args:
        statement: selects the key columns under the names `key_0`, `key_1` …, among others.
        keys: the columns that order the list and tell its rows apart, all in one direction.
        after: the cursor where the page before ended; empty for the first page.
        descending: whether the list runs backwards.

    Raises:
        NotFound: the cursor is not one of ours.
    """
    if after:
        position = tuple_(*keys)
        end = tuple_(*(decode(after, len(keys))))
        statement = statement.where(position < end if descending else position > end)
    order = [key.desc() if descending else key.asc() for key in keys]
    rows = db.session.execute(statement.order_by(*order).limit(PAGE_ROWS + 1)).all()
    if len(rows) <= PAGE_ROWS:
        return rows, None
    last = rows[PAGE_ROWS - 1]._mapping
    return rows[:PAGE_ROWS], encode([last[f"key_{number}"] for number in range(len(keys))])


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
    except (ValueError, binascii.Error):
        values = None
    if not isinstance(values, list) or len(values) != length or not isinstance(values[-1], int):
        raise NotFound(N_("This page of the list does not exist. Go back to the first page."))
    if not all(isinstance(value, str) and "\x00" not in value for value in values[:-1]) or abs(values[-1]) >= 2**63:
        raise NotFound(N_("This page of the list does not exist. Go back to the first page."))
    return values
