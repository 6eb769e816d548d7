"""The same histories on SQLite and on PostgreSQL: the results of the model, and the same refusals in the same words."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.model.acts import VERBS, Act, Chooser
from tests.model.plain import Plain
from tests.model.played import Played, beginnings
from tests.support.applications import close
from tests.support.databases import PostgresTemplate, SqliteTemplate
from tests.support.settings import environment_for
from tests.support.sizes import Figures, short_and_long
from webapp import create_app
from webapp.config import Settings

STEPS = 12
# What makes something to act upon comes up more often.
WEIGHTS = [4 if verb in ("invite", "accept", "register") else 2 if verb == "resend" else 1 for verb in VERBS]


@pytest.fixture
def both(
    sqlite_template: SqliteTemplate[None], postgresql_template: PostgresTemplate[None], tmp_path: Path
) -> Iterator[list[Callable[[], Played]]]:
    """What lets a history begin on a database of each kind."""
    with ExitStack() as stack:
        urls = [stack.enter_context(template.copy(tmp_path)) for template in (sqlite_template, postgresql_template)]
        apps = [create_app(Settings.from_environment(environment_for(url, tmp_path))) for url in urls]
        yield [beginnings(app) for app in apps]
        for app in apps:
            close(app)


def history(seed: int, plain: Plain) -> Iterator[tuple[Act, str]]:
    """Make up acts and let the model do them; yield each with what the model says comes of it."""
    source, left = random.Random(seed), STEPS  # noqa: S311  (made-up histories, no secrets)
    while left:
        [verb] = source.choices(VERBS, WEIGHTS)
        if act := Chooser(plain, source.randrange).choose(verb):
            yield act, plain.do(act)
            left -= 1


@pytest.mark.parametrize("histories", short_and_long(15, 1000))
def test_R15_both_databases_give_the_same_results_and_refusals(
    both: list[Callable[[], Played]], histories: int, figures: Figures
) -> None:
    outcomes: Counter[str] = Counter()
    for seed in range(histories):
        played = [begin() for begin in both]
        plain = Plain()
        for act, expected in history(seed, plain):
            first, second = ((one.do(act), one.sentence) for one in played)
            assert first == second, f"history {seed}: {act}"
            assert first[0] == expected, f"history {seed}: {act}"
            outcomes[expected] += 1
        assert plain.picture() == played[0].picture() == played[1].picture(), f"history {seed}"
    assert outcomes.total() == histories * STEPS
    figures(histories=histories, acts=outcomes.total(), differences=0, **dict(outcomes.most_common()))
