"""Languages: the pages follow the viewer's account, else the browser."""

from typing import Final

from flask import Flask, has_request_context, request
from flask_babel import get_locale

from webapp.extensions import babel
from webapp.http.session import viewer

DEFAULT: Final = "en"
# Each by its own name, as people look for it.
LANGUAGES: Final = {DEFAULT: "English", "de": "Deutsch"}


def init_app(app: Flask) -> None:
    """Choose a language for each request to `app`, and let every template name it."""
    babel.init_app(app, default_locale=DEFAULT, locale_selector=_language_of_request)
    app.jinja_env.globals["language"] = current_language


def current_language() -> str:
    """Return the language of the page, or of the letter that is being written."""
    locale = get_locale()
    return locale.language if locale is not None else DEFAULT


def _language_of_request() -> str:
    if not has_request_context():
        return DEFAULT
    found = viewer()
    chosen = found.language if found is not None else None
    if chosen in LANGUAGES:
        return chosen
    return _language_of_browser()


def _language_of_browser() -> str:
    """Return the first language the browser asks for that there is, whatever the region: en-GB comes before de."""
    asked_for = (tag.partition("-")[0].lower() for tag, quality in request.accept_languages if quality > 0)
    return next((language for language in asked_for if language in LANGUAGES), DEFAULT)
