"""What every template can say: who is looking, where, and how people, roles and times are shown."""

from datetime import datetime
from typing import Any
from zlib import crc32

from flask import Flask, g
from flask_babel import format_datetime, format_timedelta
from flask_babel import gettext as _
from jinja2 import StrictUndefined

from webapp import clock
from webapp.config import Settings
from webapp.errors import N_
from webapp.http.guard import can
from webapp.http.session import viewer
from webapp.models import Role

AVATAR_COLOURS = 6
ROLE_NAMES = {
    Role.MEMBER: N_("Member"),
    Role.ADMIN: N_("Admin"),
    Role.MANAGER: N_("Manager"),
    Role.OWNER: N_("Owner"),
}


def init_app(app: Flask, settings: Settings) -> None:
    """Give the templates of `app` their filters and what every page knows."""
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(ago=ago, exact=exact, initials=initials, hue=hue, role_name=role_name)

    @app.context_processor
    def page() -> dict[str, Any]:
        return {
            "viewer": viewer(),
            "organization": g.get("organization"),
            "can": can,
            "demo": settings.demo,
        }


def ago(moment: datetime) -> str:
    """Return how long ago a moment was, or how far ahead it is, in words."""
    return str(format_timedelta(moment - clock.now(), add_direction=True))


def exact(moment: datetime) -> str:
    """Return a moment with date, time and zone."""
    return str(_("%(moment)s UTC", moment=format_datetime(moment, "d MMM yyyy, HH:mm")))


def initials(name: str) -> str:
    """Return the first letters of the first and the last word of a name or address."""
    words = name.partition("@")[0].replace(".", " ").split()
    letters = [word[0] for word in (words[:1] + words[1:][-1:])]
    return "".join(letters).upper() or "?"


def hue(name: str) -> int:
    """Return the number of the avatar colour of a name; the same each time."""
    return crc32(name.encode()) % AVATAR_COLOURS


def role_name(role: Role) -> str:
    """Return a role as people read it."""
    return str(_(ROLE_NAMES[role]))
