"""Which entries of the audit log an address asks for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from flask_babel import gettext as _

from webapp.blueprints.audit.names import FAMILIES
from webapp.errors import InvalidAddress
from webapp.queries.audit import Filters, user_with_address
from webapp.services import addresses

NAMES = ("actor", "event", "target", "from", "to")
NOBODY = 0
FIRST_YEAR = 2000
ACTOR = re.compile(r"[0-9]{1,18}")
TARGET = re.compile(r"([a-z_]{1,40}):([0-9]{1,18})")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass
class Asked:
    """What was asked for: as it was typed, what is wrong with it by the name of the field, and what it comes to."""

    typed: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    filters: Filters = field(default_factory=Filters)

    @property
    def query(self) -> dict[str, str]:
        """The filters for another address."""
        return {name: text for name, text in self.typed.items() if text}

    @property
    def is_actor_chosen(self) -> bool:
        """Whether a link chose who acted, so that there is a name to show instead of an address."""
        return ACTOR.fullmatch(self.typed["actor"]) is not None

    def without(self, name: str) -> dict[str, str]:
        """Return the other filters, for another address."""
        return {other: text for other, text in self.query.items() if other != name}


def asked(arguments: Mapping[str, str]) -> Asked:
    """Return what the query of an address asks for."""
    found = Asked({name: arguments.get(name, "").strip() for name in NAMES})
    first, last = _day(found, "from"), _day(found, "to")
    if first and last and first > last:
        found.errors["to"] = _("The last day comes before the first. Change one of them.")
    found.filters = Filters(
        actor_id=_actor(found),
        events=_events(found),
        target=_target(found),
        since=_midnight(first) if first else None,
        until=_midnight(last + timedelta(days=1)) if last else None,
    )
    return found


def _actor(found: Asked) -> int | None:
    typed = found.typed["actor"]
    if not typed:
        return None
    if found.is_actor_chosen:
        return int(typed)
    try:
        return user_with_address(addresses.parse(typed).canonical) or NOBODY
    except InvalidAddress as error:
        found.errors["actor"] = _(error.sentence)
        return None


def _events(found: Asked) -> tuple[str, ...]:
    typed = found.typed["event"]
    single = {name: (name,) for names in FAMILIES.values() for name in names}
    events = {"": (), **FAMILIES, **single}.get(typed)
    if events is None:
        found.errors["event"] = _("There is no such kind of entry. Choose one from the list.")
    return events or ()


def _target(found: Asked) -> tuple[str, int] | None:
    typed = found.typed["target"]
    match = TARGET.fullmatch(typed)
    if typed and match is None:
        found.errors["target"] = _("This is no target of an entry. Follow one of the links in the list instead.")
    return (match[1], int(match[2])) if match else None


def _day(found: Asked, name: str) -> date | None:
    typed = found.typed[name]
    if not typed:
        return None
    try:
        day = date.fromisoformat(typed) if DAY.fullmatch(typed) else date.min
    except ValueError:
        day = date.min
    if not FIRST_YEAR <= day.year < date.max.year:
        found.errors[name] = _("Enter a day as year, month and day, such as 2026-11-21.")
        return None
    return day


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
