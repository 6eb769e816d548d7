"""An organization connected to a provider, and browsers on the way there and back over real HTTP."""

import threading
from dataclasses import dataclass, field, replace
from functools import partial
from html import unescape
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from tests.support.acme import Acme, organization_of
from tests.support.identity_provider import CLIENT_ID, CLIENT_SECRET, LOOPBACK, HostileProvider
from tests.support.worlds import Person, post
from webapp.db import db, perform
from webapp.http import sso
from webapp.mail import errands as worker
from webapp.models import Identity, IdentityProvider, Organization, ProviderStatus, SsoDomain
from webapp.providers.connected import known_issuer_of
from webapp.providers.demo_identity_provider import DemoClient
from webapp.providers.patience import Patience
from webapp.services.sso import connections, errands
from webapp.services.sso.connections import Answers


def let_all_ask(app: Flask, number: int) -> None:
    """Let so many people ask one provider at the same moment, however slow the machine is: each has a place at once.

    Whoever waits for one is refused after less than a second, which is right, and nothing that these tests are about.
    """
    surroundings = app.extensions[sso.SURROUNDINGS]
    app.extensions[sso.SURROUNDINGS] = replace(surroundings, patience=Patience(threads=8 * number))


def work(app: Flask) -> None:
    """Let the worker do what is owed after changes of single sign-on, to the end."""
    with app.app_context():
        while perform(partial(errands.due, worker.STEPS), write=False):
            worker.go_on(threading.Event())


def knows(theirs: HostileProvider, *addresses: str) -> None:
    """Let a provider send browsers back to these addresses of ours, besides those it knows."""
    known = theirs.clients[CLIENT_ID].redirect_uris
    theirs.clients[CLIENT_ID] = DemoClient(CLIENT_SECRET, (*known, *addresses))


def at_provider(address: str) -> str:
    """Go to a provider, who answers at once; return the path and query of ours that it sends the browser back to."""
    parts = urlsplit(address)
    connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=60)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    assert answer.status == 302, answer.status
    back = urlsplit(answer.headers["Location"])
    connection.close()
    return f"{back.path}?{back.query}"


def departure(browser: FlaskClient, answer: TestResponse) -> str:
    """Follow what a button answers to the page that leaves; return where it leads."""
    assert answer.status_code == 303, answer.text
    page = browser.get(answer.location)
    assert page.status_code == 200, page.text
    return page.headers["Refresh"].partition("url=")[2]


@dataclass
class Desk:
    """Acme's connection to a provider.

    `slug` is another organization's, where the connection is that one's.
    """

    acme: Acme
    theirs: HostileProvider
    slug: str = ""
    provider_id: int = field(init=False)

    def __post_init__(self) -> None:
        """Put the connection to use."""
        self.slug = self.slug or self.acme.slug
        self.provider_id = self.acme.world.write(self._connect)
        with self.acme.world.app.test_request_context():
            knows(self.theirs, sso.redirect_uri(self.provider_id))

    def address(self, path: str) -> str:
        """Return an address within the organization."""
        return f"/orgs/{self.slug}/sso/{path}"

    def set(self, **values: object) -> None:
        """Change what the row of the connection says."""

        def change() -> None:
            for name, value in values.items():
                setattr(db.session.get_one(IdentityProvider, self.provider_id), name, value)

        self.acme.world.write(change)

    def prove_domain(self, domain: str) -> None:
        """Let the organization have proven a domain."""

        def prove() -> None:
            organization = organization_of(self.slug)
            made = SsoDomain(organization_id=organization.id, domain=domain, token="0" * 64)
            made.proven_at = organization.created_at
            db.session.add(made)

        self.acme.world.write(prove)

    def know(self, person: Person, subject: str = "u-1") -> int:
        """Let somebody be linked to a subject; return the id of the identity."""

        def add() -> int:
            of_provider = {"organization_id": organization_of(self.slug).id, "provider_id": self.provider_id}
            identity = Identity(**of_provider, user_id=person.user_id, subject=subject, claims={})
            db.session.add(identity)
            db.session.flush()
            return identity.id

        return int(self.acme.world.write(add))

    def way_out(self, browser: FlaskClient, path: str = "login", **form: Any) -> str:
        """Press the button of a page of single sign-on; return where it leads."""
        return departure(browser, post(browser, self.address(path), **form))

    def sign_in(self, browser: FlaskClient, path: str = "login", **form: Any) -> TestResponse:
        """Go to the provider and come back; return our answer."""
        return browser.get(at_provider(self.way_out(browser, path, **form)))

    def link(self, browser: FlaskClient) -> TestResponse:
        """Link whoever is signed in."""
        return self.sign_in(browser, "link")

    def identities(self) -> list[tuple[str, int]]:
        """Return the subjects known at the connection, with whose they are."""
        found = select(Identity.subject, Identity.user_id).where(Identity.provider_id == self.provider_id)
        rows = self.acme.world.read(lambda: db.session.execute(found.order_by(Identity.id)).all())
        return [(row.subject, row.user_id) for row in rows]

    def _connect(self) -> int:
        return connection(organization_of(self.slug), self.theirs.issuer).id


def connection(organization: Organization, issuer: str) -> IdentityProvider:
    """Put a connection of an organization to use, within a transaction."""
    of_organization = {"organization_id": organization.id, "status": ProviderStatus.ACTIVE}
    provider = IdentityProvider(**of_organization, kind="oidc", issuer=issuer, client_id=CLIENT_ID, options={})
    db.session.add(provider)
    db.session.flush()
    provider.client_secret = db.vault.seal(connections.seal_name(provider), CLIENT_SECRET)
    return provider


def signed_in_as(browser: FlaskClient) -> str | None:
    """Return the name of whoever is signed in, as the head of a page says it."""
    page = browser.get("/orgs/")
    if page.status_code != 200:
        return None
    return unescape(page.text.partition('class="menu-person"')[2].partition("<strong>")[2].partition("</strong>")[0])


def rows(acme: Acme, model: Any) -> int:
    """Count the rows of a table."""
    return int(acme.world.read(lambda: db.session.scalar(select(func.count()).select_from(model)) or 0))


def entered(kind: str, issuer: str, options: dict[str, str]) -> dict[str, Any]:
    """Return what the row of a connection has once this was entered."""
    known_issuer = known_issuer_of(kind, Answers(issuer, "a", options), LOOPBACK)
    return {"kind": kind, "issuer": issuer, "options": options, "known_issuer": known_issuer}
