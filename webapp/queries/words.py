"""Search by the start of any word, at a cost that does not grow with the organization."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists
from sqlalchemy.orm import aliased

from webapp.models import InvitationWord, MemberWord
from webapp.services.words import words_of

LAST_CHARACTER = "\U0010ffff"
MAX_SEARCHED_WORDS = 5

WordTable = type[MemberWord] | type[InvitationWord]


def searched_words(q: str) -> list[str]:
    """Return the words of a search, the longest first: it narrows most."""
    return sorted(words_of(q), key=len, reverse=True)[:MAX_SEARCHED_WORDS]


def matching(
    statement: Select[*tuple[Any, ...]],
    table: WordTable,
    owner: str,
    organization_id: int,
    target: Any,
    words: Sequence[str],
) -> Select[*tuple[Any, ...]]:
    """Keep the rows of `statement` that have, for each of `words`, a word beginning so.

    The list then runs along the index of words; a row with several matches appears at the first of them.

    Args:
        statement: selects from the rows searched for.
        table: their words.
        owner: the column of `table` that names the row.
        organization_id: whose rows.
        target: the id column of the rows.
        words: folded words, at least one.
    """
    first, *others = words
    earlier = aliased(table)
    statement = statement.join(table, getattr(table, owner) == target).where(
        table.organization_id == organization_id,
        _starts(table.word, first),
        ~exists().where(
            getattr(earlier, owner) == getattr(table, owner),
            _starts(earlier.word, first),
            earlier.word < table.word,
        ),
    )
    for word in others:
        other = aliased(table)
        statement = statement.where(exists().where(getattr(other, owner) == target, _starts(other.word, word)))
    return statement


def _starts(column: Any, word: str) -> ColumnElement[bool]:
    return and_(column >= word, column < word + LAST_CHARACTER)
