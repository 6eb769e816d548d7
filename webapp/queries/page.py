"""Keyset pages: a list is cut by the key of its last row, never by an offset, and its statements are built once."""

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

from sqlalchemy import Integer, Row, Select, SmallInteger, Subquery, bindparam, literal_column, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from webapp.db import db
from webapp.errors import N_, NotFound

PAGE_ROWS = 50
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

R = TypeVar("R")
Statement = Select[*tuple[Any, ...]]
Keys = Sequence[InstrumentedAttribute[Any]]


@dataclass(frozen=True)
class Page(Generic[R]):
    """Some rows of a list, and the cursor of the next page, if there is one."""

    rows: Sequence[R]
    next: str | None
    is_first: bool


@dataclass(frozen=True)
class Listing:
    """A list, ready to be read a page at a time.

    `statement` takes how many rows a page has, and whether it is a later one than the first.
    """

    statement: Callable[[int, bool], Statement]
    keys: Keys


def listing(
    narrow: Statement, keys: Keys, show: Callable[[Subquery], Statement], *, descending: bool = False
) -> Listing:
    """Prepare a list, once for all requests: building a statement costs more than running it.

    A page is cut before anything is joined to it, which keeps its cost independent of the length of the list, whatever
    the planner believes.

    Args:
        narrow: selects what names a row, from the table or index the list runs along; every value is a `bindparam`.
        keys: the columns that order the list and tell its rows apart, all in one direction.
        show: given the page, returns the statement that selects what is shown of its rows.
        descending: whether the list runs backwards.
    """
    position = tuple_(*keys)
    end = tuple_(*(bindparam(f"after_{number}", type_=key.type) for number, key in enumerate(keys)))
    later = narrow.where(position < end if descending else position > end)

    @cache
    def statement(rows: int, is_later: bool) -> Statement:
        return _page(later if is_later else narrow, keys, show, descending, rows)

    return Listing(statement, keys)


def _page(
    narrow: Statement, keys: Keys, show: Callable[[Subquery], Statement], descending: bool, rows: int
) -> Statement:
    """Return the statement of a page. PostgreSQL plans it once, so it must read how few rows are asked for."""
    most = literal_column(str(int(rows)), Integer)
    named = [key.label(f"key_{number}") for number, key in enumerate(keys)]
    order = [key.desc() if descending else key.asc() for key in keys]
    page = narrow.add_columns(*named).order_by(*order).limit(most).subquery()
    shown = [page.c[name.key] for name in named]
    return show(page).add_columns(*shown).order_by(*(key.desc() if descending else key.asc() for key in shown))


def read(
    which: Listing, parameters: Mapping[str, Any], after: str, *, rows: int = PAGE_ROWS
) -> tuple[Sequence[Row[*tuple[Any, ...]]], str | None]:
    """Read a page of a list, and the cursor of the next.

    Args:
        which: what `listing` returned.
        parameters: the values of its bound parameters.
        after: the cursor where the page before ended; empty for the first page.
        rows: how many at most.

    Raises:
        NotFound: the cursor is not one of ours.
    """
    values = dict(parameters)
    if after:
        values |= {f"after_{number}": value for number, value in enumerate(decode(after, which.keys))}
    found = db.session.connection().execute(which.statement(rows + 1, bool(after)), values).all()
    if len(found) <= rows:
        return found, None
    return found[:rows], encode(found[rows - 1][-len(which.keys) :])


def encode(values: Sequence[str | int]) -> str:
    """Return the cursor that stands for the key of a row."""
    plain = [int(value) if isinstance(value, int) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def decode(cursor: str, keys: Keys) -> list[Any]:
    """Return the key a cursor stands for.

    Raises:
        NotFound: it is not one of ours.
    """
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        values = None
    is_list = isinstance(values, list) and len(values) == len(keys)
    if not is_list or not all(_fits(value, key) for value, key in zip(values, keys, strict=True)):
        raise NotFound(N_("This page of the list does not exist. Go back to the first page."))
    return list(values)


def _fits(value: object, key: InstrumentedAttribute[Any]) -> bool:
    """Tell whether both databases can compare a value with a column of texts or of integers."""
    if key.type.python_type is str:
        return isinstance(value, str) and not UNSTORABLE.search(value)
    bits = 15 if isinstance(getattr(key.type, "impl", None), SmallInteger) else 63
    return type(value) is int and abs(value) < 2**bits
