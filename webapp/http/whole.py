"""Requests whose bodies count only when all of them has come."""

from typing import Any

from flask import Request


class WholeRequest(Request):
    """A request that is bad where its body ends before the announced length (RFC 9112, section 8).

    A server that says it ends bodies itself also ends those of clients that are gone: half a form would be acted upon.
    """

    def __init__(self, environ: dict[str, Any], populate_request: bool = True, shallow: bool = False) -> None:
        environ.pop("wsgi.input_terminated", None)
        super().__init__(environ, populate_request, shallow)
