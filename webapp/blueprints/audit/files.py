"""The audit log as files, newest first: read while they are sent, so that their length costs no memory."""

import json
from collections.abc import Iterator
from typing import Any

from webapp.blueprints.audit.names import visible
from webapp.http.guard import read_on
from webapp.queries.audit import END, Filters, newest
from webapp.services.audit import said_by

ROWS_A_STEP = 1_000
COLUMNS = (
    "sequence",
    "created_at",
    "event",
    "actor_kind",
    "actor_user_id",
    "actor_name",
    "ip",
    "target_kind",
    "target_id",
    "target_name",
    "before",
    "after",
    "hash",
)


def facts(organization_id: int, filters: Filters) -> Iterator[dict[str, Any]]:
    """Yield the entries with all that their hashes cover (see `audit.hash_of`), so that each can be checked alone.

    Each thousand is read in a transaction of its own; entries do not change in between, nor ever.
    """
    before = END
    while entries := read_on(newest, organization_id, filters, before=before, most=ROWS_A_STEP):
        for entry in entries:
            yield said_by(entry) | {"hash": entry.hash}
        before = entries[-1].sequence


def cells(organization_id: int, filters: Filters) -> Iterator[list[str]]:
    """Yield the entries as the texts of `COLUMNS`, each on one line; before and after are JSON."""
    for entry in facts(organization_id, filters):
        yield [_cell(entry[name]) for name in COLUMNS]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return visible(json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, dict) else str(value))
