"""D13: people who take turns in one process, and in its threads, never get each other's rights, menus or language."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import time_machine
from flask.testing import FlaskClient

from tests.support.acme import Acme
from tests.support.pages import PANEL, Page
from tests.support.visitor import at_once
from tests.support.worlds import Person, World
from webapp.db import db
from webapp.models import User

TURNS = 60
THREADS = 8
PAGES = ("members", "members/pending", "members/new", "audit", "settings")


@dataclass(frozen=True)
class Seen:
    """What somebody gets at an address: the status, the language, every link, and the text."""

    status: int
    language: str
    links: tuple[str, ...]
    text: str


def look(browser: FlaskClient, path: str, headers: dict[str, str]) -> Seen:
    """Open an address; the reference of a refusal is left out, as it is another each time."""
    answer = browser.get(path, headers=headers)
    if answer.status_code in (303, 401):
        return Seen(answer.status_code, "", (), answer.location or "")
    page = Page(answer)
    links = tuple(e.attributes["href"] for e in page.elements if "href" in e.attributes)
    [language] = [e.attributes["lang"] for e in page.elements if e.tag == "html"] or [""]
    return Seen(answer.status_code, language, links, re.sub(r"\b[0-9a-f]{12}\b", "", page.text))


@pytest.fixture
def people(world: World, acme: Acme) -> list[Person | None]:
    """People with different rights and languages, and nobody."""

    def speak_german() -> None:
        for person in (acme.manager, acme.stranger):
            db.session.get_one(User, person.user_id).language = "de"

    world.write(speak_german)
    return [acme.owner, acme.manager, acme.admin, acme.member, acme.suspended, acme.stranger, None]


def asked(acme: Acme) -> list[tuple[str, dict[str, str]]]:
    return [(acme.address(page), headers) for page in PAGES for headers in ({}, PANEL)]


def expected(acme: Acme, people: list[Person | None]) -> list[dict[int, Seen]]:
    """Return what each of them gets alone, by the number of the question."""
    return [
        {number: look(acme.browser(who), *question) for number, question in enumerate(asked(acme))} for who in people
    ]


def test_D13_people_who_take_turns_get_what_each_gets_alone(acme: Acme, people: list[Person | None]) -> None:
    with time_machine.travel(datetime.now(UTC), tick=False):
        alone = expected(acme, people)
        assert len({(seen[0].language, seen[0].links, seen[0].status) for seen in alone}) > 4
        browsers = [acme.browser(who) for who in people]
        for number, question in enumerate(asked(acme)):
            for turn in [*range(len(people)), *reversed(range(len(people)))]:
                assert look(browsers[turn], *question) == alone[turn][number], (people[turn], question)


def test_D13_people_at_once_in_threads_get_what_each_gets_alone(acme: Acme, people: list[Person | None]) -> None:
    with time_machine.travel(datetime.now(UTC), tick=False):
        alone, questions = expected(acme, people), asked(acme)

        def take_turns(thread: int) -> list[tuple[Person | None, int]]:
            browsers = [acme.browser(who) for who in people]
            turns = [((thread + turn) % len(people), (thread + turn) % len(questions)) for turn in range(TURNS)]
            return [(people[who], n) for who, n in turns if look(browsers[who], *questions[n]) != alone[who][n]]

        assert [wrong for found in at_once(THREADS, take_turns) for wrong in found] == []
