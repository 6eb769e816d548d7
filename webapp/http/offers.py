"""What an invitation offers beside the role, and what it left out, in short."""

from collections.abc import Iterable

from flask import flash
from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.http import uow
from webapp.http.lists import first_of
from webapp.queries.offers import Held, left_out_of
from webapp.services.giving import GLOBAL_ACCESS

MOST_CHARACTERS = 60
"""Of one name."""


def in_short(has_global_access: bool, held: Held) -> str:
    """Return what is reached by whoever accepts: by name where it is one thing, else how many there are."""
    parts = [_(GLOBAL_ACCESS)] if has_global_access else []
    if held.teams.number:
        many = ngettext("%(num)s team", "%(num)s teams", held.teams.number)
        parts.append(held.teams.name if held.teams.number == 1 else many)
    if held.groups.number:
        many = ngettext("%(num)s access group", "%(num)s access groups", held.groups.number)
        parts.append(held.groups.name if held.groups.number == 1 else many)
    return ", ".join(parts) or _("No project yet")


def names_of(left_out: Iterable[str]) -> str:
    """Return what was left out, in the language of the page: the first ten, each no longer than a line holds."""
    names = [_(name) if name == GLOBAL_ACCESS else _shortened(name) for name in left_out]
    return first_of(names)


def _shortened(name: str) -> str:
    return name if len(name) <= MOST_CHARACTERS else name[: MOST_CHARACTERS - 1].rstrip() + "…"


def greet(organization_name: str) -> None:
    """Greet whoever has just become a member."""
    flash(_("Welcome to %(organization)s", organization=organization_name), "success")


def welcome(organization_name: str, invitation_id: int) -> None:
    """Greet whoever has just accepted an invitation, and name what of it they did not get; no transaction is open."""
    greet(organization_name)
    if left_out := uow.read(left_out_of, invitation_id):
        sentence = _("Left out, because it is gone or may not be given any more: %(names)s.", names=names_of(left_out))
        flash(sentence, "warning")
