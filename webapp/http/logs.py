"""Logs: JSON lines with a request id, and never an address that carries a token."""

import logging
import re
import secrets
import sys
import time

from flask import Flask, Response, g, request
from flask_login import current_user
from pythonjsonlogger.json import JsonFormatter

log = logging.getLogger("vestibule.requests")

TOKEN_IN_PATH = re.compile(r"(/(?:setup|invitations|reset-password|verify-email|sso/leave)/)[^\s/?<\"'\\]+")


class RedactingFormatter(JsonFormatter):
    """JSON lines in which no address carries a token, whoever wrote them."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        return TOKEN_IN_PATH.sub(r"\1[token]", super().format(record))


def configure(*, quiet: bool = False) -> None:
    """Send all logs of this process to standard error as JSON lines; a quiet one says only what needs attention."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING if quiet else logging.INFO, handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def init_app(app: Flask) -> None:
    """Give each request an id and write one line about it: the route, never the address."""

    @app.before_request
    def begin() -> None:
        g.request_id = secrets.token_hex(6)
        g.started = time.monotonic()

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        if request.endpoint not in ("static", "health.alive", "health.ready"):
            log.info("request", extra=_facts(response))
        return response


def _facts(response: Response) -> dict[str, object]:
    return {
        "request_id": g.get("request_id", ""),
        "method": request.method,
        "route": str(request.url_rule or "-"),
        "status": response.status_code,
        "milliseconds": round((time.monotonic() - g.get("started", time.monotonic())) * 1000, 1),
        "user": getattr(current_user, "user_id", None) if "_login_user" in g else None,
        "ip": request.remote_addr,
    }
