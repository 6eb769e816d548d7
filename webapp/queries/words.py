"""Search by the start of any word, at a cost that does not grow with the organization."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, bindparam, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from webapp.db import db
from webapp.models import InvitationWord, MemberWord
from webapp.services.words import words_of

LAST_CHARACTER = "\U0010ffff"
MAX_SEARCHED_WORDS = 5
MOST_COMPARED = 1000

WordTable = type[MemberWord] | type[InvitationWord]


def searched_words(q: str, table: WordTable, organization_id: int) -> list[str]:
    """Return the words of a search, the rarest in the organization first: the search runs along that one."""
    words = words_of(q)[:MAX_SEARCHED_WORDS]
    if len(words) < 2:
        return words
    numbers = db.session.connection().execute(_counts(table, len(words)), parameters_of(words, organization_id)).one()
    return [word for _, word in sorted(zip(numbers, words, strict=True))]


@cache
def _counts(table: WordTable, words: int) -> Select[*tuple[Any, ...]]:
    return select(*(_up_to_most(table, number) for number in range(words)))


def _up_to_most(table: WordTable, number: int) -> ScalarSelect[int]:
    some = select(table.word).where(table.organization_id == bindparam("organization_id"), _starts(table.word, number))
    return select(func.count()).select_from(some.limit(MOST_COMPARED).subquery()).scalar_subquery()


def matching(table: WordTable, owner: InstrumentedAttribute[int], words: int) -> Select[*tuple[Any, ...]]:
    """Select the ids of rows that have, for each of the words searched for, a word beginning so.

    The list runs along the index of words; a row with several matches appears at the first of them. Its parameters are
    those of `parameters_of`.

    Args:
        table: the words of the rows searched for.
        owner: the column of `table` that names the row.
        words: how many words are searched for, at least one; the first leads.
    """
    earlier = aliased(table)
    statement = select(owner.label("id")).where(
        table.organization_id == bindparam("organization_id"),
        _starts(table.word, 0),
        ~exists().where(*_of_same(earlier, table, owner), _starts(earlier.word, 0), earlier.word < table.word),
    )
    for number in range(1, words):
        other = aliased(table)
        statement = statement.where(exists().where(*_of_same(other, table, owner), _starts(other.word, number)))
    return statement


def _of_same(
    other: WordTable, table: WordTable, owner: InstrumentedAttribute[int]
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the condition that words are of one row; the index of words by rows begins with these two."""
    return getattr(other, owner.key) == owner, other.organization_id == table.organization_id


def parameters_of(words: Sequence[str], organization_id: int) -> dict[str, Any]:
    """Return the values for what `matching` binds; `words` are folded."""
    starts = {f"word_{number}": word for number, word in enumerate(words)}
    ends = {f"word_{number}_end": word + LAST_CHARACTER for number, word in enumerate(words)}
    return {"organization_id": organization_id, **starts, **ends}


def _starts(column: Any, number: int) -> ColumnElement[bool]:
    start, end = bindparam(f"word_{number}", type_=column.type), bindparam(f"word_{number}_end", type_=column.type)
    return and_(column >= start, column < end)
