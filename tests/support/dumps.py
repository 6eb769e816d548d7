"""The world before and after a request, dumped anew only where something may have changed it in between."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from tests.support.worlds import NOT_THE_WORLD, World
from webapp.db import db

Dump = dict[str, list[tuple[Any, ...]]]

# What changes no row, and what changes rows that no dump holds. All else may change any: a deletion takes others along.
HARMLESS = re.compile(
    r"\s*(SELECT|PRAGMA|BEGIN|COMMIT|SAVEPOINT|RELEASE|ROLLBACK)\b"
    rf'|(INSERT INTO|UPDATE|DELETE FROM) "?({"|".join(sorted(NOT_THE_WORLD))})\b',
    re.IGNORECASE,
)


@contextmanager
def kept_dumps(world: World) -> Iterator[Callable[[], Dump]]:
    """Yield what dumps the world. It is the dump of before while this application has said nothing that changes a row.

    What it took back again counts as said, and is looked for. What other processes say is not seen.
    """
    kept: Dump | None = None

    def forget(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        nonlocal kept
        if not HARMLESS.match(statement):
            kept = None

    def dump() -> Dump:
        nonlocal kept
        if kept is None:
            kept = world.dump()
        return kept

    with world.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", forget)
    try:
        yield dump
    finally:
        event.remove(engine, "before_cursor_execute", forget)
