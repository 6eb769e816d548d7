"""Moments as people read them: how far away they are, in the unit that tells most."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask, render_template_string
from flask_babel import force_locale

NOW = datetime(2027, 10, 8, 14, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("distance", "english", "german"),
    [
        (timedelta(hours=5), "in 5 hours", "in 5 Stunden"),
        (timedelta(days=1), "in 1 day", "in 1 Tag"),
        (timedelta(days=7), "in 7 days", "in 7 Tagen"),
        (timedelta(days=10), "in 10 days", "in 10 Tagen"),
        (timedelta(days=-9, hours=-4), "9 days ago", "vor 9 Tagen"),
        (timedelta(days=29, hours=23), "in 29 days", "in 29 Tagen"),
        (timedelta(days=30), "in 1 month", "in 1 Monat"),
        (timedelta(days=-400), "1 year ago", "vor 1 Jahr"),
    ],
)
def test_moments_less_than_thirty_days_away_are_told_in_days(
    app: Flask, distance: timedelta, english: str, german: str
) -> None:
    for language, said in (("en", english), ("de", german)):
        with app.test_request_context(), force_locale(language), time_machine.travel(NOW, tick=False):
            assert render_template_string("{{ at|ago }}", at=NOW + distance) == said
            assert f">{said}</time>" in render_template_string("{{ at|moment }}", at=NOW + distance)
