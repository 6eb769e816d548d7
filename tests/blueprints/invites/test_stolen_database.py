"""K01: whoever reads the whole database can sign in as nobody and open no link."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from tests.support.pages import Page
from tests.support.settings import ENCRYPTION_KEY, SECRET_KEY
from tests.support.worlds import World, post
from webapp.db import db
from webapp.models import OutboxMessage
from webapp.services import outbox
from webapp.services.first_run import setup_token
from webapp.vault import NotReadable

OWNERS, BOBS, NEWEST = "three blind mice see how", "purple monkey dishwasher", "tango violet canyon rivers"
LINKS = {"invitation": "/invitations/", "password_reset": "/reset-password/"}


def tokens_in_letters(world: World) -> dict[str, str]:
    """Return the secrets of letters, by kind, as the worker would read them."""

    def read() -> dict[str, str]:
        letters = db.session.scalars(select(OutboxMessage).where(OutboxMessage.secret.is_not(None)))
        return {letter.kind: db.vault.open(outbox.seal_name(letter), letter.secret or "") for letter in letters}

    return dict(world.read(read))


def session_token(browser: FlaskClient) -> str:
    with browser.session_transaction() as cookie:
        return str(cookie["token"])


def walk(world: World) -> dict[str, str]:
    """Use everything that has a secret; return the secrets by name."""
    owner, bob = world.browser(), world.browser()
    secrets = {"setup": setup_token(SECRET_KEY), "owner's": OWNERS, "bob's": BOBS, "newest": NEWEST}
    first = {"organization_name": "Acme", "name": "Olive Owner", "email": "olive@example.com", "password": OWNERS}
    assert post(owner, f"/setup/{secrets['setup']}", **first).status_code == 303
    form = {"emails": "bob@example.org eve@example.org", "role": "admin", "lifetime_days": "7"}
    assert post(owner, "/orgs/acme/members/new", **form).status_code == 303
    secrets |= {f"first {kind}": token for kind, token in tokens_in_letters(world).items()}
    link = next(link for link in links(world, "bob@example.org"))
    assert post(bob, link, name="Bob Builder", password=BOBS, accept="1").status_code == 303
    secrets |= {"owner's session": session_token(owner), "bob's session": session_token(bob), "link": link}
    assert post(world.browser(), "/forgot-password", email="bob@example.org").status_code == 303
    assert post(world.browser(), "/forgot-password", email="nobody@example.org").status_code == 303
    secrets |= tokens_in_letters(world)
    return secrets


def links(world: World, address: str) -> list[str]:
    """Return the paths of the links in the letters to an address."""

    def read() -> list[str]:
        letters = db.session.scalars(select(OutboxMessage).where(OutboxMessage.to_address == address))
        return [LINKS[one.kind] + db.vault.open(outbox.seal_name(one), one.secret or "") for one in letters]

    return list(world.read(read))


def everything_stored(world: World) -> str:
    """Return every column of every row of every table there is, also of those the application does not know."""

    def read() -> str:
        dialect = db.engine.dialect.name
        catalog = "select name from sqlite_master where type = 'table'"
        if dialect == "postgresql":
            catalog = "select tablename from pg_tables where schemaname = 'public'"
        names = db.session.scalars(text(catalog)).all()
        assert {"user", "session", "outbox_message", "audit_entry"} <= set(names)
        return "\n".join(repr(db.session.execute(text(f'select * from "{name}"')).all()) for name in names)

    return str(world.read(read))


def test_K01_no_token_password_or_key_is_in_the_database(world: World) -> None:
    secrets = walk(world)
    assert len(secrets) >= 9
    link = secrets.pop("link").rpartition("/")[2]
    stored = everything_stored(world)
    assert "bob@example.org" in stored
    for name, secret in {**secrets, "token": link, "key": SECRET_KEY, "encryption key": ENCRYPTION_KEY}.items():
        assert secret not in stored, name


def test_K01_changing_the_password_leaves_no_secret_behind(world: World) -> None:
    walk(world)
    [reset] = [link for link in links(world, "bob@example.org") if link.startswith("/reset-password/")]
    assert post(world.browser(), reset, password=NEWEST).status_code == 303
    stored = everything_stored(world)
    assert NEWEST not in stored
    assert reset.rpartition("/")[2] not in stored


def test_K01_what_is_stored_of_a_token_opens_nothing(world: World) -> None:
    walk(world)

    def hashes() -> list[str]:
        return [
            str(value)
            for table in ("session", "invitation_token", "account_token")
            for value in db.session.scalars(text(f"select token_hash from {table}"))
        ]

    found: list[str] = world.read(hashes)
    assert len(found) >= 6
    for value in found:
        assert world.browser().get(f"/invitations/{value}").status_code == 404
        assert world.browser().get(f"/reset-password/{value}").status_code == 404
        browser = world.browser()
        with browser.session_transaction() as cookie:
            cookie["token"] = value
        assert browser.get("/orgs/").status_code == 303


def test_K01_sealed_secrets_swapped_between_letters_do_not_open(world: World) -> None:
    walk(world)

    def swap() -> None:
        first, second = db.session.scalars(select(OutboxMessage).where(OutboxMessage.secret.is_not(None)).limit(2))
        with pytest.raises(NotReadable):
            db.vault.open(outbox.seal_name(first), second.secret or "")

    world.read(swap)


def test_K01_secrets_are_on_no_page_and_in_no_log(app: Flask, world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    secrets = walk(world)
    owner = world.browser()
    post(owner, "/login", email="olive@example.com", password=OWNERS)
    pages = ["/orgs/acme/members", "/orgs/acme/members/pending", "/orgs/acme/members/new?batch=1", "/orgs/acme/audit"]
    answers = [owner.get(address) for address in pages]
    assert [answer.status_code for answer in answers] == [200] * 4
    said = "".join(answer.get_data(as_text=True) for answer in answers)
    said += repr([record.__dict__ for record in caplog.records])
    assert Page(answers[1]).rows("invitation")
    for name, secret in secrets.items():
        assert secret not in said, name
