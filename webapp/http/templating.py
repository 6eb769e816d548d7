"""What every template can say: who is looking, where, and how people, roles and times are shown."""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any, TypeAlias
from zlib import crc32

from babel.dates import format_timedelta, get_month_names
from flask import Flask, g, request
from flask_babel import gettext, ngettext
from jinja2 import Environment, StrictUndefined, Template, pass_context, pass_environment
from jinja2.environment import TemplateModule
from jinja2.runtime import Context
from markupsafe import Markup

from webapp import clock
from webapp.access import sentences
from webapp.access.grants import Path
from webapp.config import Settings
from webapp.errors import N_
from webapp.http.days import day
from webapp.http.guard import can
from webapp.http.languages import current_language
from webapp.http.lists import first_of
from webapp.http.session import viewer
from webapp.models import SINGLE_SIGN_ON, Role, Team
from webapp.models.member import last_day
from webapp.queries.numbers import shown
from webapp.queries.teams import MOST_COUNTED

AVATAR_COLOURS = 6
PLACE = re.compile(r"\[\[([a-z_]+)\]\]")
Html: TypeAlias = "Markup"
"""What is HTML already: for annotations elsewhere, where nobody may declare a text to be HTML."""
Filling = Mapping[str, Markup | int]
Filled = dict[str, Markup | int]
NOTHING = Markup()
TICKED = Markup(" checked")
UNBROKEN = Markup('<span class="unbroken">{}</span>')
DAY_SECONDS, HOUR_SECONDS, MINUTE_SECONDS = 86_400, 3_600, 60
# Days until then: seven of them and ten would both be one week, and babel speaks of months from twenty-six on.
IN_DAYS_BELOW = 30
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
    filters = (ago, exact, moment, avatar, initials, hue, role_name, some, source_name, day, last_day)
    words = (reason, way, giving, unbroken)
    app.jinja_env.filters.update({made.__name__: made for made in (*filters, *words)})
    app.jinja_env.globals.update(_=translated, gettext=translated, ngettext=translated_number, pieces_of=pieces_of)
    app.jinja_env.globals["ways_to_open"] = ways_to_open
    app.jinja_env.globals["url_for"] = _addresses_of(app)

    @app.context_processor
    def page() -> dict[str, Any]:
        language = current_language()
        return {
            "viewer": viewer(),
            "organization": g.get("organization"),
            "_": messages_in(language),
            "page_language": language,
            "can": can,
            "demo": settings.demo,
        }


def _addresses_of(app: Flask) -> Callable[..., str]:
    """Return Flask's `url_for` of paths, remembering what it built: lists name the same few dozen on every page."""

    @lru_cache(maxsize=4096)
    def built(_mounted_at: str, endpoint: str, values: tuple[tuple[str, Any], ...]) -> str:
        return app.url_for(endpoint, **dict(values))

    def address(endpoint: str, /, **values: Hashable) -> str:
        return built(request.script_root, endpoint, tuple(values.items()))

    return address


@cache
def messages_in(language: str) -> Callable[..., Markup]:
    """Return `translated` for one language: templates ask for it once, and then for dozens of messages."""

    def translated_there(message: str, /, **values: object) -> Markup:
        found = _markup(language, message)
        return found % values if values else found

    return translated_there


def translated(message: str, /, **values: object) -> Markup:
    """Return a message of a template in the language of the page; what is put into it is escaped."""
    return messages_in(current_language())(message, **values)


def translated_number(singular: str, plural: str, num: int, /, **values: object) -> Markup:
    """Return a message of a template that depends on a number, in the language of the page."""
    return Markup(ngettext(singular, plural, num)) % {"num": num, **values}  # noqa: S704  (our own message)


@lru_cache(maxsize=4096)
def _markup(_language: str, message: str) -> Markup:
    """Look a message up once for each language: a page says the same few hundred of them each time."""
    return Markup(gettext(message))  # noqa: S704  (our own message, not what somebody typed)


@pass_environment
def pieces_of(environment: Environment, template: str, **values: Hashable) -> TemplateModule:
    """Return the pieces of HTML that a template of them sets: what the fifty rows of a page share, and all pages do.

    Args:
        environment: where the template is.
        template: its name.
        values: what its pieces are made of, the same for everybody who reads the language of the page.
    """
    return _pieces(environment.get_template(template), current_language(), **values)


@lru_cache(maxsize=128)
def _pieces(template: Template, language: str, **values: Hashable) -> TemplateModule:
    return template.make_module({**values, "_": messages_in(language)})


def filled(piece: Markup, values: Filling) -> Markup:
    """Put values into a piece of HTML that many rows share, at `[[name]]`; all are HTML already, or numbers."""
    return Markup(_form(piece) % values)  # noqa: S704  (a piece of a template, and what its type says is HTML)


def joined(pieces: Iterable[Markup]) -> Markup:
    """Return pieces of HTML one after another."""
    return Markup("".join(pieces))  # noqa: S704  (what its type says is HTML)


@lru_cache(maxsize=256)
def _form(piece: str) -> str:
    """Return a piece as `%` formats it."""
    return PLACE.sub(r"%(\1)s", str(piece).replace("%", "%%"))


@pass_context
def moment(context: Context, at: datetime) -> Markup:
    """Return a moment as the element that says how long ago it was and, on hover, when exactly."""
    language = context.parent.get("page_language") or current_language()
    return _moment(language, _minute(at), _rounded(at, clock.now()))


def moments() -> Callable[[datetime], Markup]:
    """Return `moment` for many moments of one page."""
    language, now = current_language(), clock.now()
    return lambda at: _moment(language, _minute(at), _rounded(at, now))


@lru_cache(maxsize=4096)
def _moment(language: str, minute: int, seconds: int) -> Markup:
    at = datetime.fromtimestamp(minute * MINUTE_SECONDS, UTC)
    element = Markup('<time datetime="{}" title="{}">{}</time>')
    return element.format(at.isoformat(), _exact(language, minute), _ago(language, seconds))


def unbroken(title: Markup) -> Markup:
    """Return a title in which no line ends within "sign-on"."""
    for word in ("sign-on", "Sign-on"):
        title = title.replace(word, UNBROKEN.format(word))
    return title


def ago(at: datetime) -> str:
    """Return how long ago a moment was, or how far ahead it is, in words."""
    return _ago(current_language(), _rounded(at, clock.now()))


def exact(at: datetime) -> str:
    """Return a moment with date, time and zone."""
    return _exact(current_language(), _minute(at))


@lru_cache(maxsize=4096)
def _exact(language: str, minute: int) -> str:
    at = datetime.fromtimestamp(minute * MINUTE_SECONDS, UTC)
    month = get_month_names("abbreviated", locale=language)[at.month]
    said = {"day": at.day, "month": month, "year": at.year, "time": f"{at:%H:%M}"}
    return str(gettext("%(day)s %(month)s %(year)s, %(time)s UTC", **said))


def _minute(at: datetime) -> int:
    return int(at.timestamp() // MINUTE_SECONDS)


def _rounded(at: datetime, now: datetime) -> int:
    """Return the seconds from `now` to a moment, in whole days, hours or minutes, so that many moments share a text."""
    seconds = (at - now).total_seconds()
    distance = abs(seconds)
    unit = DAY_SECONDS if distance >= DAY_SECONDS else HOUR_SECONDS if distance >= HOUR_SECONDS else MINUTE_SECONDS
    return int(seconds / unit) * unit if distance >= MINUTE_SECONDS else int(seconds)


@lru_cache(maxsize=4096)
def _ago(language: str, seconds: int) -> str:
    if not seconds:
        return str(gettext("just now"))
    far = timedelta(seconds=seconds)
    if DAY_SECONDS <= abs(seconds) < IN_DAYS_BELOW * DAY_SECONDS:
        return format_timedelta(far, granularity="day", threshold=IN_DAYS_BELOW, add_direction=True, locale=language)
    return format_timedelta(far, add_direction=True, locale=language)


def initials(name: str) -> str:
    """Return the first letters of the first and the last word of a name or address."""
    words = name.partition("@")[0].replace(".", " ").split()
    letters = [word[0] for word in (words[:1] + words[1:][-1:])]
    return "".join(letters).upper() or "?"


@lru_cache(maxsize=4096)
def avatar(name: str) -> Markup:
    """Return the picture that stands for a name or address: its initials on a colour of its own."""
    return Markup('<span class="avatar avatar-{}" aria-hidden="true">{}</span>').format(hue(name), initials(name))


def hue(name: str) -> int:
    """Return the number of the avatar colour of a name; the same each time."""
    return crc32(name.encode()) % AVATAR_COLOURS


def some(number: int) -> str:
    """Return a number of what is in a team as lists show it."""
    return shown(number, MOST_COUNTED)


def source_name(source: str) -> str:
    """Return what fills a managed access group as people read it; plug-ins go by their names."""
    return gettext("Single sign-on") if source == SINGLE_SIGN_ON else source


def reason(path: Path) -> Markup:
    """Return why somebody reaches a project as lists say it."""
    return translated(sentences.REASONS[path.kind], name=path.name)


def way(kind: str) -> Markup:
    """Return what people read of a kind of grants."""
    return translated(sentences.WAYS[kind])


def giving(teams: Sequence[Team]) -> list[str]:
    """Return what would let somebody open a project as people read it; `teams` are those that own it."""
    return _said(sentences.giving(Role.MEMBER, [team.name for team in teams]))


def ways_to_open() -> list[str]:
    """Return what lets a member open some project as people read it."""
    return _said(sentences.opening())


def _said(of: Iterable[sentences.Sentence]) -> list[str]:
    return [sentence.said(lambda message: str(gettext(message)), role_name, first_of) for sentence in of]


def role_name(role: Role) -> str:
    """Return a role as people read it."""
    return str(translated(ROLE_NAMES[role]))
