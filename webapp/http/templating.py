"""What every template can say: who is looking, where, and how people, roles and times are shown."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zlib import crc32

from babel import Locale
from babel.dates import format_datetime, format_timedelta
from flask import Flask, g
from flask_babel import get_locale, gettext, ngettext
from jinja2 import StrictUndefined
from markupsafe import Markup

from webapp import clock
from webapp.config import Settings
from webapp.errors import N_
from webapp.http.guard import can
from webapp.http.session import viewer
from webapp.models import Role

AVATAR_COLOURS = 6
DAY_SECONDS, HOUR_SECONDS, MINUTE_SECONDS = 86_400, 3_600, 60
ROUNDED_SECONDS = (DAY_SECONDS, HOUR_SECONDS, MINUTE_SECONDS)
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
    app.jinja_env.globals.update(_=translated, gettext=translated, ngettext=translated_number)

    @app.context_processor
    def page() -> dict[str, Any]:
        return {
            "viewer": viewer(),
            "organization": g.get("organization"),
            "can": can,
            "demo": settings.demo,
        }


def translated(message: str, /, **values: object) -> Markup:
    """Return a message of a template in the language of the page; what is put into it is escaped."""
    return _markup(get_locale(), message) % values


def translated_number(singular: str, plural: str, num: int, /, **values: object) -> Markup:
    """Return a message of a template that depends on a number, in the language of the page."""
    return Markup(ngettext(singular, plural, num)) % {"num": num, **values}  # noqa: S704  (our own message)


@lru_cache(maxsize=4096)
def _markup(_locale: Locale, message: str) -> Markup:
    """Look a message up once for each language: a page says the same few hundred of them each time."""
    return Markup(gettext(message))  # noqa: S704  (our own message, not what somebody typed)


def ago(moment: datetime) -> str:
    """Return how long ago a moment was, or how far ahead it is, in words."""
    seconds = (moment - clock.now()).total_seconds()
    unit = next((unit for unit in ROUNDED_SECONDS if abs(seconds) >= unit), 1)
    return _ago(get_locale(), int(seconds / unit) * unit)


@lru_cache(maxsize=4096)
def _ago(locale: Locale, seconds: int) -> str:
    if not seconds:
        return str(gettext("just now"))
    return format_timedelta(timedelta(seconds=seconds), add_direction=True, locale=locale)


def exact(moment: datetime) -> str:
    """Return a moment with date, time and zone."""
    return _exact(get_locale(), moment.replace(second=0, microsecond=0))


@lru_cache(maxsize=4096)
def _exact(locale: Locale, minute: datetime) -> str:
    return str(gettext("%(moment)s UTC", moment=format_datetime(minute, "d MMM yyyy, HH:mm", locale=locale)))


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
    return str(gettext(ROLE_NAMES[role]))
