"""What an invitation offers beside the role, and what it left out, in short."""

from collections.abc import Iterable

from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.queries.offers import Held
from webapp.services.giving import EVERY_PROJECT


def in_short(has_global_access: bool, held: Held) -> str:
    """Return what is reached by whoever accepts: by name where it is one thing, else how many there are."""
    parts = [_(EVERY_PROJECT)] if has_global_access else []
    if held.teams.number:
        many = ngettext("%(num)s team", "%(num)s teams", held.teams.number)
        parts.append(held.teams.name if held.teams.number == 1 else many)
    if held.groups.number:
        many = ngettext("%(num)s access group", "%(num)s access groups", held.groups.number)
        parts.append(held.groups.name if held.groups.number == 1 else many)
    return ", ".join(parts) or _("No project yet")


def names_of(left_out: Iterable[str]) -> str:
    """Return what was left out, in the language of the page."""
    return ", ".join(_(name) if name == EVERY_PROJECT else name for name in left_out)
