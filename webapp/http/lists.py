"""Lists of names in a line, cut where there are many."""

from collections.abc import Sequence

from flask_babel import ngettext

MOST_NAMED = 10


def first_of(names: Sequence[str], most: int = MOST_NAMED) -> str:
    """Return names in a line, in the language of the page: the first of them, and how many more there are."""
    named, more = ", ".join(names[:most]), len(names) - most
    if more <= 0:
        return named
    return str(ngettext("%(names)s and %(num)s more", "%(names)s and %(num)s more", more, names=named))
