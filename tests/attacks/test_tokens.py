"""C01: a token opens the one thing it was made for; anywhere else it is as unknown as an invented one."""

import re
from collections.abc import Callable
from itertools import product

import pytest

from tests.support.acme import Acme
from tests.support.pages import Page
from tests.support.settings import SECRET_KEY
from tests.support.unproven import copied, unproven
from tests.support.worlds import csrf_token, post
from webapp.access.actor import Actor
from webapp.services import accounts, addresses
from webapp.services.first_run import setup_token
from webapp.services.tokens import digest, new_token

REFERENCE = re.compile(r"\b[0-9a-f]{12}\b")
PLACES = {
    "invitation": "/invitations/{}",
    "reset": "/reset-password/{}",
    "verification": "/verify-email/{}",
    "setup": "/setup/{}",
    "session": "/orgs/",
}


def reset(acme: Acme) -> str:
    acme.world.write(accounts.request_reset, Actor.system(), addresses.parse(acme.member.email))
    return acme.world.token_of(acme.world.letters("password_reset")[-1])


def session(acme: Acme) -> str:
    with acme.browser(acme.owner).session_transaction() as cookie:
        return str(cookie["token"])


def invitation(acme: Acme) -> str:
    return acme.world.invite(acme.slug, acme.owner, "bob@example.org").token


def copied_invitation(acme: Acme) -> str:
    return copied(acme, acme.world.invite(acme.slug, acme.owner, "cora@example.org")).token


# Each kind of token, and the place that it opens; none for those that open nothing.
TOKENS: dict[str, tuple[str, Callable[[Acme], str]]] = {
    "invitation": ("invitation", invitation),
    "copied invitation": ("invitation", copied_invitation),
    "reset": ("reset", reset),
    "verification": ("verification", lambda acme: unproven(acme.world, "una.proven@example.org")[1]),
    "setup": ("setup", lambda _acme: setup_token(SECRET_KEY)),
    "session": ("session", session),
    "csrf": ("", lambda acme: csrf_token(acme.browser(acme.owner))),
    "hash of an invitation": ("", lambda acme: digest(invitation(acme))),
    "hash of a session": ("", lambda acme: digest(session(acme))),
}
WRONG = [(kind, place) for kind, place in product(TOKENS, PLACES) if TOKENS[kind][0] != place]


def test_every_token_opens_its_own_place(acme: Acme) -> None:
    for kind, (place, make) in TOKENS.items():
        if place not in ("", "setup"):
            assert status_at(acme, place, make(acme)) == 200, kind


def status_at(acme: Acme, place: str, token: str) -> int:
    """Return what opening a place with a token gets: its page, or the list of organizations with it in the cookie."""
    browser = acme.browser()
    if place == "session":
        with browser.session_transaction() as cookie:
            cookie["token"] = token
    return browser.get(PLACES[place].format(token)).status_code


def answers(acme: Acme, path: str) -> list[tuple[int, str]]:
    form = {"name": "Eve Example", "password": "pale blue lantern orchard", "organization_name": "Eve"}
    found = [
        acme.browser().get(path),
        *(post(acme.browser(), path, **form, **more) for more in ({"accept": "1"}, {"decline": "1"})),
    ]
    return [(answer.status_code, REFERENCE.sub("", Page(answer).text)) for answer in found]


@pytest.mark.parametrize(("kind", "place"), WRONG, ids=" at ".join)
def test_C01_token_of_another_kind_is_as_unknown_as_an_invented_one(acme: Acme, kind: str, place: str) -> None:
    token = TOKENS[kind][1](acme)
    with acme.unchanged():
        if place == "session":
            assert status_at(acme, place, token) == 303
        else:
            invented = answers(acme, PLACES[place].format(new_token()))
            assert answers(acme, PLACES[place].format(token)) == invented
            assert {status for status, _ in invented} == {404}
