"""A change that concerns more access than can be compared says of how many people, in the language of the page."""

import pytest
from flask import Flask, render_template
from flask_babel import force_locale

from webapp.access.impact import MOST_PAIRS, Affected
from webapp.http.confirmations import Counted


@pytest.mark.parametrize(
    ("people", "english", "german"),
    [
        (1, "This concerns up to 1 person, and more access", "Das betrifft bis zu 1 Person und mehr Zugriffe"),
        (5_000, "This concerns up to 5000 people, and more", "Das betrifft bis zu 5000 Personen und mehr Zugriffe"),
        (MOST_PAIRS, "This concerns up to 10000 people, and", "Das betrifft bis zu 10000 Personen und mehr Zugriffe"),
        (
            MOST_PAIRS + 1,
            "This concerns 10001 people or more,",
            "Das betrifft 10001 Personen oder mehr und",
        ),
    ],
)
def test_counted_change_says_how_many_people_it_concerns(app: Flask, people: int, english: str, german: str) -> None:
    preview = Counted(lambda: None, Affected(1, range(people)))
    for language, said in (("en", english), ("de", german)):
        with app.test_request_context(), force_locale(language):
            assert said in render_template("layout/_impact.html", preview=preview)
