"""A made-up organization of any size, as `vestibule seed` makes it, with its owner signed in."""

from dataclasses import dataclass

from flask import Flask

from webapp.cli.seed import Size, fill
from webapp.db import perform
from webapp.services import sessions

# Searches of its members: words that everybody or thousands have, and one that nobody has.
COMMON_WORDS, UNKNOWN_WORD = "example+a", "example+zzz"


@dataclass(frozen=True)
class Seeded:
    """Where the organization is, and the session token of its owner."""

    slug: str
    session_token: str


def organization_of(app: Flask, members: int) -> Seeded:
    """Make an organization with an owner, this many more members, and an open invitation for every ten of them."""
    with app.app_context():
        made = fill(f"Of {members}", Size(members, invitations=members // 10), lambda _rows: None)
        token = perform(lambda: sessions.begin(made.owner_id, ip=None, user_agent="benchmark"), write=True)
        return Seeded(made.slug, token)
