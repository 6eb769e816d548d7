"""Every kind of grant and every blocker has words, for pages and for the command line."""

import pytest

from webapp.access import sentences
from webapp.access.grants import BLOCKERS, KINDS


@pytest.mark.parametrize("table", ["PATHS", "REASONS", "WAYS", "GIVING", "GIVING_MORE", "OPENING"])
def test_every_kind_of_grant_has_its_words_and_nothing_else_has(table: str) -> None:
    assert getattr(sentences, table).keys() == set(KINDS)


def test_every_blocker_has_its_words_and_nothing_else_has() -> None:
    assert sentences.BLOCKERS.keys() == {blocker.kind for blocker in BLOCKERS}
