"""Requests whose bodies count only when all of them has come."""

from io import BytesIO
from typing import IO, Any

from flask import Request
from gunicorn.http.errors import ParseException

from webapp.http.limits import MAX_BYTES_OF_LISTS


class WholeRequest(Request):
    """A request that is bad where its body ends before the announced length, or its last chunk (RFC 9112, section 8).

    A server that says it ends bodies itself also ends those of clients that are gone: half a form would be acted upon.
    But it knows where chunks end, with which proxies come that pass on what they have not read whole. Those are read
    here: Werkzeug would cut off at its limit what is read in one go.
    """

    def __init__(self, environ: dict[str, Any], populate_request: bool = True, shallow: bool = False) -> None:
        is_ended = environ.pop("wsgi.input_terminated", False)
        if is_ended and "CONTENT_LENGTH" not in environ and environ.pop("HTTP_TRANSFER_ENCODING", None):
            body, length = _joined(environ["wsgi.input"])
            environ |= {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(length)}
        super().__init__(environ, populate_request, shallow)


def _joined(chunks: IO[bytes]) -> tuple[bytes, int]:
    """Return a body that came in chunks, up to what is too much anywhere, and its length: more where it breaks off."""
    try:
        body = chunks.read(MAX_BYTES_OF_LISTS + 1)
    except (OSError, ParseException):
        return b"", 1
    return body, len(body)
