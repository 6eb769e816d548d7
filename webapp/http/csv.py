"""Lists as CSV files that a spreadsheet can open without obeying what is written in them."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from flask import Response, stream_with_context

# What makes a spreadsheet take a cell for a formula or a command, full-width forms and trimmed cells too.
# Where lists are separated by semicolons, what follows one is a cell of its own.
COMMAND = re.compile(r"(^|;)( *)(?=[=+\-@\t\r\n＝＋－＠])")


def csv_file(name: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Response:
    """Answer a file, row by row as they come.

    Args:
        name: of the file, ASCII.
        columns: the first line.
        rows: texts for each column.
    """
    response = Response(stream_with_context(_lines(columns, rows)), mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _lines(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([harmless(cell) for cell in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def harmless(cell: str) -> str:
    """Return a cell no part of which a spreadsheet takes for a command: such a part begins with an apostrophe."""
    return COMMAND.sub(r"\1'\2", cell)
