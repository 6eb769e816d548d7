"""Fields that choose some of many things, or how far somebody reaches."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from flask import request
from flask_babel import lazy_gettext as _
from wtforms import RadioField, SelectMultipleField
from wtforms.fields import SelectChoice
from wtforms.validators import Optional

from webapp.errors import DomainError
from webapp.http.limits import LONGEST_ADDRESS
from webapp.models import Organization
from webapp.queries.choices import PersonChoice
from webapp.queries.people import choices_among, found_in

EVERYTHING: Final = "1"
CHOSEN: Final = "0"
MOST_DIGITS = 18


def number(text: Any) -> int:
    """Return the number that stands for something, as forms send it.

    Raises:
        ValueError: it is none that an id can be.
    """
    if not _is_number(str(text)):
        raise ValueError(text)
    return int(text)


def _is_number(text: str) -> bool:
    return text.isdecimal() and text.isascii() and len(text) <= MOST_DIGITS


def numbers_of(name: str) -> list[int]:
    """Return the ids that the request carries under a name, whatever else it carries there left out."""
    return [int(text) for text in request.values.getlist(name) if _is_number(text)]


def chosen_on_list(matching: Callable[[], Iterable[int]], most: int, refusal: DomainError) -> list[int]:
    """Return the ids of the rows that were chosen on a list (`ids`), or of those its filter lets through (`all`).

    Args:
        matching: asks for the latter; it need not return more than one too many.
        most: how many may be chosen.
        refusal: of more.
    """
    numbers = list(dict.fromkeys(matching() if request.values.get("all") else numbers_of("ids")))
    if len(numbers) > most:
        raise refusal
    return numbers


def list_at_hand(filters: Sequence[str]) -> list[tuple[str, str]]:
    """Return what the request says of the list that rows were chosen on, for a question that names each of them.

    Args:
        filters: the names of the fields that narrow the list.
    """
    return [*_narrowed(filters), ("every", "1")] if _is_every() else _narrowed(filters)


def back_to_list(address: str, filters: Sequence[str]) -> str:
    """Return where that list is, on the same page, with the same rows and the same action chosen.

    Args:
        address: of the list; alone where all that would be too long for an address.
        filters: the names of the fields that narrow it.
    """
    chosen = [("all", "1")] if _is_every() else [("ids", str(number)) for number in numbers_of("ids")]
    same = urlencode([*_narrowed(filters), *_given("action"), *chosen])
    return f"{address}?{same}" if same and len(address) + len(same) < LONGEST_ADDRESS else address


def _narrowed(filters: Sequence[str]) -> list[tuple[str, str]]:
    return _given(*filters, "after")


def _given(*names: str) -> list[tuple[str, str]]:
    return [(name, request.values[name]) for name in names if request.values.get(name)]


def _is_every() -> bool:
    """Tell whether all rows of a list were chosen: `all` of them, or `every` one by its name by now."""
    return bool(request.values.get("all") or request.values.get("every"))


def numbers_field(label: Any, **kwargs: Any) -> SelectMultipleField:
    """Return a field for ids of things; the service refuses those that are not there."""
    return SelectMultipleField(label, coerce=number, choices=[], validate_choice=False, **kwargs)


def chosen_in(field: SelectMultipleField, present: Collection[int]) -> frozenset[int]:
    """Return the ids that a field chooses, and those chosen at present that it could not offer, being too many."""
    offered = {number for number, _name in field.choices}
    return frozenset(field.data or ()) | (frozenset(present) - offered)


def reach_field() -> RadioField:
    """Return a field for global access or chosen teams; forms of earlier pages send none."""
    return RadioField(_("Projects"), choices=reach_choices(), validators=[Optional()])


def reach_choices(*, everything: bool = True) -> list[SelectChoice]:
    """Return how far somebody may reach: everything, where that can be chosen, or what teams give."""
    labels = {EVERYTHING: _("Global access"), CHOSEN: _("Chosen teams")}
    return [SelectChoice(value=value, label=label) for value, label in labels.items() if everything or value == CHOSEN]


def is_search() -> bool:
    """Tell whether a form came only to look for people or groups.

    Its button to find them was pressed; or Enter, with something else to be found than was found before.
    """
    given = request.form
    is_new = given.get("q", "").strip() not in ("", given.get("found", "").strip())
    return request.method == "POST" and ("find" in given or ("enter" in given and is_new))


@dataclass(frozen=True)
class Picker:
    """Members to choose from: those chosen so far, and those a search finds besides."""

    q: str
    chosen: Sequence[PersonChoice]
    found: Sequence[PersonChoice]


def picker(organization: Organization, chosen: Collection[int], known: Sequence[PersonChoice] | None = None) -> Picker:
    """Return what the request has chosen and searches for (`q`).

    Args:
        organization: where.
        chosen: who is chosen, by id.
        known: the same people, where they have been read already.
    """
    q = request.values.get("q", "")
    people = choices_among(organization, chosen) if known is None else known
    return Picker(q, people, found_in(organization, q, without=chosen))
