"""Strangers hold nobody up: they are refused before anybody asks for the lock of an organization."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.support.acme import Acme
from tests.support.statements import queries
from tests.support.worlds import csrf_token
from webapp.db import db
from webapp.models import Organization


@contextmanager
def held(app: Flask, slug: str) -> Iterator[None]:
    """Hold the lock of an organization, as somebody else's request does, until the block ends."""
    with app.app_context():
        engine = db.engine
    with engine.connect() as connection:
        connection.execute(select(Organization.id).where(Organization.slug == slug).with_for_update())
        yield


def send(browser: FlaskClient, address: str, token: str) -> int:
    return browser.post(address, data={"name": "Mine", "csrf_token": token}).status_code


@pytest.mark.parametrize("who", ["stranger", "suspended", "visitor", "signed out"])
def test_stranger_is_refused_while_somebody_holds_the_lock(app: Flask, acme: Acme, who: str) -> None:
    acme.wake()
    people = {"stranger": acme.stranger, "suspended": acme.suspended, "signed out": acme.member}
    browser = acme.browser(people.get(who))
    token = csrf_token(browser)
    if who == "signed out":
        acme.deactivate(acme.member)
    with held(app, acme.slug):
        answers = [send(browser, address, token) for address in (acme.address("teams/new"), acme.address("leave"))]
    assert answers == ([404, 404] if who in ("stranger", "suspended") else [303, 303]), (
        "those who are not signed in are led there"
    )


def test_visitor_of_the_account_is_refused_while_somebody_holds_the_lock(app: Flask, acme: Acme) -> None:
    browser = acme.browser()
    token = csrf_token(browser)
    with held(app, acme.slug), queries(app) as found:
        assert send(browser, "/account/", token) == 303
    assert found == []


def test_looking_first_costs_a_member_one_statement_which_reads(app: Flask, acme: Acme) -> None:
    acme.wake()
    browser = acme.browser(acme.manager)
    token = csrf_token(browser)
    with queries(app) as found:
        assert send(browser, acme.address("teams/new"), token) == 303
    assert found[0].startswith("SELECT EXISTS")
    assert "organization" in found[1], "the next one is the lock"
