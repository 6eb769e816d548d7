"""The settings of the application that serves the request."""

from typing import cast

from flask import current_app

from webapp.config import Settings


def settings() -> Settings:
    """Return the settings in force."""
    return cast(Settings, current_app.extensions["vestibule"])
