"""Days as people read them."""

from datetime import date
from functools import lru_cache

from babel.dates import get_month_names
from flask_babel import gettext as _

from webapp.http.languages import current_language


def day(on: date) -> str:
    """Return a day in the language of the page."""
    return _said(current_language(), on)


@lru_cache(maxsize=1024)
def _said(language: str, on: date) -> str:
    month = get_month_names("abbreviated", locale=language)[on.month]
    return str(_("%(day)s %(month)s %(year)s", day=on.day, month=month, year=on.year))
