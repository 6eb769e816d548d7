"""Lists as files of JSON lines, for other programs."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from flask import Response, stream_with_context


def json_lines_file(name: str, rows: Iterable[Mapping[str, Any]]) -> Response:
    """Answer a file, row by row as they come, in ASCII.

    Args:
        name: of the file, ASCII.
        rows: what each line holds.
    """
    response = Response(stream_with_context(_lines(rows)), mimetype="application/x-ndjson")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for row in rows:
        yield json.dumps(row) + "\n"
