"""Links in reminders, each for one member: they say whose account shall be linked, and let nobody in."""

from datetime import datetime, timedelta

from webapp import clock
from webapp.db import db
from webapp.models import Organization
from webapp.vault import NotReadable

LIVES_FOR = timedelta(days=30)


def made_for(organization: Organization, user_id: int) -> str:
    """Return what the address of the page that links holds in a letter to a user of an organization."""
    ends_at = clock.now() + LIVES_FOR
    return db.vault.seal(_row(organization), f"{user_id} {ends_at.isoformat()}")


def whose(organization: Organization, sealed: str) -> int | None:
    """Return the id of the user whom a link is for; none where it is too old, or no such link of this organization."""
    try:
        user_id, _, ends_at = db.vault.open(_row(organization), sealed).partition(" ")
    except NotReadable:
        return None
    return int(user_id) if datetime.fromisoformat(ends_at) > clock.now() else None


def _row(organization: Organization) -> str:
    return f"sso_link:{organization.id}"
