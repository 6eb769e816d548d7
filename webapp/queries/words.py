"""Search by the start of any word, at a cost that does not grow with the organization."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from webapp.db import db
from webapp.models import InvitationWord, MemberWord
from webapp.services.words import words_of

LAST_CHARACTER = "\U0010ffff"
MAX_SEARCHED_WORDS = 5
MOST_COUNTED = 1000

WordTable = type[MemberWord] | type[InvitationWord]


def searched_words(q: str, table: WordTable, organization_id: int) -> list[str]:
    """Return the words of a search, the rarest in the organization first: the search runs along that one."""
    words = words_of(q)[:MAX_SEARCHED_WORDS]
    if len(words) < 2:
        return words
    counts = [_up_to_most(table, organization_id, word) for word in words]
    numbers = db.session.execute(select(*counts)).one()
    return [word for _, word in sorted(zip(numbers, words, strict=True))]


def _up_to_most(table: WordTable, organization_id: int, word: str) -> ScalarSelect[int]:
    some = select(table.word).where(table.organization_id == organization_id, _starts(table.word, word))
    return select(func.count()).select_from(some.limit(MOST_COUNTED).subquery()).scalar_subquery()


def matching(
    table: WordTable, owner: InstrumentedAttribute[int], organization_id: int, words: Sequence[str]
) -> Select[*tuple[Any, ...]]:
    """Select the ids of rows that have, for each of `words`, a word beginning so.

    The list runs along the index of words; a row with several matches appears at the first of them.

    Args:
        table: the words of the rows searched for.
        owner: the column of `table` that names the row.
        organization_id: whose rows.
        words: folded words, at least one.
    """
    first, *others = words
    earlier = aliased(table)
    statement = select(owner.label("id")).where(
        table.organization_id == organization_id,
        _starts(table.word, first),
        ~exists().where(getattr(earlier, owner.key) == owner, _starts(earlier.word, first), earlier.word < table.word),
    )
    for word in others:
        other = aliased(table)
        statement = statement.where(exists().where(getattr(other, owner.key) == owner, _starts(other.word, word)))
    return statement


def _starts(column: Any, word: str) -> ColumnElement[bool]:
    return and_(column >= word, column < word + LAST_CHARACTER)
