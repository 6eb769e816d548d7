"""Search and order of both lists, against a plain model in Python: so both databases agree (R15)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import crowds
from webapp.access.actor import Actor
from webapp.db import db, transaction
from webapp.models import Organization, Role
from webapp.queries.invitations import pending_of
from webapp.queries.members import WantedMembers, members_of
from webapp.queries.page import Page
from webapp.services import addresses, invitations
from webapp.services.invitations import Offer
from webapp.services.words import sort_key, words_of

TRICKY = "aAbBzZ0 1_-.'%@äÄåßẞøŁłçÉИи王小ııİſKΩΣσς𝐀𝐛ﬀ①٣\u0301\u0308\u200d\U0010fffd\uffee\ud7a3"
CHARACTERS = st.sampled_from(TRICKY) | st.characters(exclude_categories=("Cs", "Cc"))
NAMES = st.text(CHARACTERS, min_size=1, max_size=12)
LOCAL_PARTS = st.from_regex(r"[a-b0-1]{1,3}([._+-][a-b0-1]{1,3}){0,3}", fullmatch=True)
EVERY_DATABASE = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


class Undo(Exception):
    """Rolls the example back."""


@contextmanager
def organization(app: Flask) -> Iterator[Organization]:
    """An organization that is gone after the example."""
    try:
        with app.app_context(), transaction(write=True):
            found = Organization(name="Acme", slug="acme")
            db.session.add(found)
            db.session.flush()
            yield found
            raise Undo
    except Undo:
        pass


def all_pages(read: Callable[[str], Page]) -> list[int]:
    """Follow a list to its end and return the ids on it."""
    page = read("")
    found = [row.id for row in page.rows]
    while page.next:
        page = read(page.next)
        assert page.rows
        found += [row.id for row in page.rows]
    return found


def model(rows: dict[int, Sequence[str]], q: str) -> list[int]:
    """Return which of the rows a search finds, in order; `rows` maps ids to words.

    Each of the first five words searched for begins a word of the row; the rarest of them, counted up to a thousand,
    gives the order.
    """
    stored = [word for words in rows.values() for word in words]
    starts = words_of(q)[:5]
    rarest = min(starts, key=lambda start: (min(sum(word.startswith(start) for word in stored), 1000), start))
    found = {
        number: [word for word in words if word.startswith(rarest)]
        for number, words in rows.items()
        if all(any(word.startswith(start) for word in words) for start in starts)
    }
    return sorted(found, key=lambda number: (min(found[number]), number))


@st.composite
def people_and_search(draw: st.DrawFn) -> tuple[list[tuple[str, str]], str]:
    """Some people, the same ones many times over, and a search that may well find some of them."""
    some = draw(st.lists(st.tuples(NAMES, LOCAL_PARTS), min_size=1, max_size=8))
    people = [(name, f"{local}@example.org") for name, local in some * draw(st.integers(1, 18))]
    words = st.sampled_from([word for person in some for word in words_of(*person)] or ["a"])
    starts = st.lists(st.tuples(words, st.integers(1, 5)).map(lambda cut: cut[0][: cut[1]]), max_size=3).map(" ".join)
    return people, draw(starts | NAMES | st.just(""))


@EVERY_DATABASE
@given(people_and_search())
def test_R15_members_are_found_and_ordered_as_the_model_says(
    app: Flask, example: tuple[list[tuple[str, str]], str]
) -> None:
    people, q = example
    with organization(app) as acme:
        # An address is unique; what tells these apart is no word.
        numbered = [(name, f"{'-' * n}{email}") for n, (name, email) in enumerate(people)]
        members = crowds.add(acme.id, numbered)
        found = all_pages(lambda after: members_of(acme, WantedMembers(q), after=after, viewer_id=None))
    if words_of(q):
        expected = model({number: words_of(*person) for number, person in zip(members, people, strict=True)}, q)
    else:
        names = {number: sort_key(name) for number, (name, _) in zip(members, people, strict=True)}
        expected = sorted(members, key=lambda number: (names[number], number))
    assert found == expected


@EVERY_DATABASE
@given(st.lists(LOCAL_PARTS, min_size=1, max_size=70, unique=True), st.text("ab01.+-_@% exampl", max_size=8))
def test_R15_invitations_are_found_and_ordered_as_the_model_says(app: Flask, locals_: list[str], q: str) -> None:
    emails = [f"{local}@example.org" for local in locals_]
    with organization(app) as acme:
        wanted = [addresses.parse(email) for email in emails]
        made = invitations.invite_all(Actor.system(), acme, wanted, Offer(Role.MEMBER, 7))
        numbers = [invitation.id for invitation in made]
        found = all_pages(lambda after: pending_of(acme, q=q, after=after))
    if words_of(q):
        expected = model({number: words_of(email) for number, email in zip(numbers, emails, strict=True)}, q)
    else:
        expected = sorted(numbers, reverse=True)
    assert found == expected
