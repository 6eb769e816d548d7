"""How large a request may be: small, but for the forms that take a thousand addresses or choose a thousand things."""

from flask import Flask, request
from werkzeug.exceptions import RequestEntityTooLarge

MAX_BYTES = 64 * 1024
MAX_BYTES_OF_LISTS = 1024 * 1024
MAX_FORM_PARTS = 100
LONGEST_ADDRESS = 3_000
"""Servers and browsers refuse addresses of more than about 4,000 characters."""
PLAIN_FORM = "application/x-www-form-urlencoded"
MAX_FORM_PARTS_OF_CHOICES = 2_100
"""A thousand people, a thousand projects or teams, and what a form holds besides."""
ENDPOINTS_WITH_LISTS = frozenset({"invites.create"})
ENDPOINTS_WITH_CHOICES = frozenset(
    {
        "additions.create",
        "groups.new",
        "groups.update",
        "invites.create",
        "members.bulk",
        "members.pending_bulk",
        "members.update",
        "projects.update",
        "teams.add",
    }
)


def init_app(app: Flask) -> None:
    """Refuse what is too large before anything reads it."""
    app.config.update(MAX_CONTENT_LENGTH=MAX_BYTES, MAX_FORM_MEMORY_SIZE=MAX_BYTES, MAX_FORM_PARTS=MAX_FORM_PARTS)

    @app.before_request
    def allow_lists() -> None:
        if request.endpoint in ENDPOINTS_WITH_LISTS:
            request.max_content_length = request.max_form_memory_size = MAX_BYTES_OF_LISTS

    @app.before_request
    def refuse_many_fields() -> None:
        """Count the fields of a plain form, as Werkzeug does of others only: half a million take a second to read."""
        if request.endpoint in ENDPOINTS_WITH_CHOICES:
            request.max_form_parts = MAX_FORM_PARTS_OF_CHOICES
        if request.mimetype == PLAIN_FORM and request.get_data().count(b"&") >= (request.max_form_parts or 0):
            raise RequestEntityTooLarge
