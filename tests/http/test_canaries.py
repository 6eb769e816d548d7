"""U04: a whole walk through the application at the highest level of logging writes no secret anywhere."""

import logging
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.support.settings import ENCRYPTION_KEY, SECRET_KEY
from tests.support.smtp import SmtpSink
from tests.support.worlds import World, csrf_token
from webapp.config import Settings
from webapp.db import db
from webapp.http.settings import settings as settings_at_hand
from webapp.mail.deliver import Worker
from webapp.mail.transport import transport_for
from webapp.services.first_run import setup_token

PASSWORDS = {
    "owner": "canary orchard lantern owner",
    "wrong": "canary orchard lantern wrong",
    "newcomer": "canary orchard lantern guest",
    "reset": "canary orchard lantern fresh",
    "short": "canary short",
}


@pytest.fixture
def settings(environment: dict[str, str], smtp_sink: SmtpSink) -> Settings:
    """Settings with a mail server, and a password for it that no log may show."""
    return Settings.from_environment(
        {
            **environment,
            "VESTIBULE_MAIL_SERVER": smtp_sink.host,
            "VESTIBULE_MAIL_PORT": str(smtp_sink.port),
            "VESTIBULE_MAIL_SECURITY": "none",
        }
    )


@pytest.fixture
def everything_written(written: Callable[[], str]) -> Iterator[Callable[[], str]]:
    """Logs everything that any library has to say, but for the mail server of the tests."""
    levels = {"": logging.DEBUG, "sqlalchemy": logging.DEBUG, "mail": logging.WARNING}
    before = {name: logging.getLogger(name).level for name in levels}
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    yield written
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


class Walker:
    """Walks through the application, and remembers every secret it comes by."""

    def __init__(self, app: Flask, sink: SmtpSink) -> None:
        self._app = app
        self._sink = sink
        self.secrets: set[str] = {SECRET_KEY, ENCRYPTION_KEY, setup_token(SECRET_KEY), *PASSWORDS.values()}

    def send(self, client: FlaskClient, path: str, **fields: str) -> int:
        """Send a form, and note the secrets of this browser before and after."""
        token = csrf_token(client)
        self._note(client, token)
        status = client.post(path, data={**fields, "csrf_token": token}).status_code
        self._note(client)
        return status

    def link(self) -> str:
        """Deliver all letters; return the path of the newest link, and note its token."""
        with self._app.app_context():
            transport = transport_for(settings_at_hand())
        Worker(self._app, transport).run_once()
        path = next(path for letter in reversed(self._sink.letters) for path in letter.links if path.count("/") == 4)
        self.secrets.add(path.rpartition("/")[2])
        return path.split("/", 3)[3].join(["/", ""])

    def _note(self, client: FlaskClient, *more: str) -> None:
        with client.session_transaction() as cookie:
            found = [cookie.get("token", ""), cookie.get("csrf_token", "")]
        stored = client.get_cookie("vestibule")
        self.secrets.update(secret for secret in (*found, *more, stored.value if stored else "") if secret)


def walk(app: Flask, world: World, walker: Walker) -> None:
    """Set up, invite, register, be refused, forget the password, reset it, sign out, and fail."""
    owner, guest = app.test_client(), app.test_client()
    set_up = {"organization_name": "Harbour Works", "name": "Ada Example", "email": "ada@example.org"}
    link = f"/setup/{setup_token(SECRET_KEY)}"
    assert walker.send(owner, link, **set_up, password=PASSWORDS["short"]) == 422
    assert walker.send(owner, link, **set_up, password=PASSWORDS["owner"]) == 303
    invite = {"emails": "mia@example.org", "role": "member", "lifetime_days": "7"}
    assert walker.send(owner, "/orgs/harbour-works/members/new", **invite) == 303
    invitation = walker.link()
    assert guest.get(invitation).status_code == 200
    assert walker.send(guest, invitation, name="Mia Example", password=PASSWORDS["newcomer"], accept="1") == 303
    assert walker.send(guest, "/logout") == 303
    assert walker.send(guest, "/login", email="mia@example.org", password=PASSWORDS["wrong"]) == 422
    assert walker.send(guest, "/login", email="mia@example.org", password=PASSWORDS["newcomer"]) == 303
    assert walker.send(guest, "/forgot-password", email="mia@example.org") == 303
    reset = walker.link()
    assert guest.get(reset).status_code == 200
    assert walker.send(guest, reset, password=PASSWORDS["reset"]) == 303
    assert walker.send(guest, reset, password=PASSWORDS["reset"]) == 404
    assert guest.post(reset, data={"password": PASSWORDS["reset"]}).status_code == 403
    for path in (invitation, f"{invitation}/nowhere", f"/login?next={reset}", f"/nowhere?token={reset}"):
        guest.get(path, headers={"Referer": f"http://localhost{reset}", "HX-Current-URL": invitation})
    world.write(lambda: db.session.execute(text('alter table "session" rename to gone')))
    assert owner.get("/orgs/").status_code >= 500
    assert owner.get(invitation).status_code >= 500


def test_U04_walk_writes_no_secret(
    app: Flask, world: World, smtp_sink: SmtpSink, everything_written: Callable[[], str]
) -> None:
    walker = Walker(app, smtp_sink)
    walk(app, world, walker)
    written = everything_written()
    assert "INSERT INTO" in written
    assert len(walker.secrets) > 15
    assert [secret for secret in walker.secrets if secret in written] == []


def test_K01_walk_stores_no_secret(app: Flask, world: World, smtp_sink: SmtpSink) -> None:
    walker = Walker(app, smtp_sink)
    walk(app, world, walker)
    world.write(lambda: db.session.execute(text('alter table gone rename to "session"')))
    tables = db.metadata.sorted_tables
    stored = repr(world.read(lambda: [db.session.execute(table.select()).all() for table in tables]))
    assert "Mia Example" in stored
    assert [secret for secret in walker.secrets if secret in stored] == []
