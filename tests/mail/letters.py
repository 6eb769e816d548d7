"""Letters for the tests of the outbox, and what became of them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from flask import Flask

from webapp.config import Settings
from webapp.db import db, transaction
from webapp.mail.deliver import Worker
from webapp.mail.transport import transport_for
from webapp.models import OutboxMessage
from webapp.services import outbox
from webapp.services.outbox import Letter
from webapp.services.tokens import new_token

INVITATION = {
    "organization": "Harbour Works",
    "inviter": "Ada Example",
    "role": "member",
    "expires_at": "2027-01-08T14:03:00+00:00",
}


def settings_of(app: Flask) -> Settings:
    """Return the settings an application runs with."""
    settings: Settings = app.extensions["vestibule"]
    return settings


def worker_of(app: Flask, **changes: Any) -> Worker:
    """Return a worker; `changes` are settings its connections use instead of the application's."""
    return Worker(app, transport_for(replace(settings_of(app), **changes)))


def queue_invitation(app: Flask, to: str, token: str | None = None, **data: str) -> int:
    """Queue an invitation letter and return its id."""
    said = {**INVITATION, "email": to, **data}
    return queue(app, "invitation", to, said, new_token() if token is None else token)


def queue_invitations(app: Flask, addresses: list[str]) -> None:
    """Queue an invitation letter to each address, all in one transaction."""
    with app.app_context(), transaction(write=True):
        for address in addresses:
            outbox.enqueue(Letter("invitation", address, {**INVITATION, "email": address}, new_token()))


def queue(app: Flask, kind: str, to: str, data: Mapping[str, Any], token: str | None = None, **more: Any) -> int:
    """Queue a letter and return its id."""
    with app.app_context(), transaction(write=True):
        return outbox.enqueue(Letter(kind, to, data, token, **more)).id


def stored(app: Flask, letter_id: int) -> OutboxMessage:
    """Return a letter as the database has it now."""
    with app.app_context(), transaction(write=False):
        return db.session.get_one(OutboxMessage, letter_id)


MOST_CHARACTERS = 76
"""Of a line with more than one word."""
NAMED = re.compile(r"\w+: ")


def require_well_set(text: str) -> None:
    """Fail where a letter has lines that are blank in vain, begin or end with spaces, or are too long or too short."""
    letter, _, why = "\n".join(text.splitlines()).partition("\n\n\n-- \n")
    assert [part for part in (letter, why) if not part or part != part.strip()] == [], repr(text)
    assert "\n\n\n" not in letter, text
    assert "\n\n" not in why, text
    assert [line for line in letter.splitlines() if line != line.strip()] == [], text
    assert [line for line in text.splitlines() if len(line) > MOST_CHARACTERS and " " in line] == [], text
    for part in (letter, why):
        assert [lines for lines in pairwise(part.splitlines()) if _is_broken_early(*lines)] == [], text


def _is_broken_early(line: str, after: str) -> bool:
    """Tell whether the word after a line would have fitted in it, or is an address, which stands by itself.

    What is listed line by line has names before it.
    """
    is_listed = all(NAMED.match(one) for one in (line, after))
    if not line or not after or is_listed:
        return False
    return after.startswith(("http://", "https://")) or len(f"{line} {after.split(maxsplit=1)[0]}") <= MOST_CHARACTERS
