"""Secrets at rest open in their own row only, and survive a new key."""

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.worlds import World
from webapp.db import db
from webapp.models import OutboxMessage
from webapp.services import outbox
from webapp.services.outbox import Letter
from webapp.vault import NotReadable, Vault

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@settings(deadline=None)
@given(row=st.text(), secret=st.text())
def test_what_was_sealed_opens(row: str, secret: str) -> None:
    vault = Vault([NEW])
    assert vault.open(row, vault.seal(row, secret)) == secret


def test_K01_ciphertext_does_not_open_in_another_row() -> None:
    vault = Vault([NEW])
    sealed = vault.seal("outbox_message:1", "a token")
    for other in ("outbox_message:12", "outbox_message:", "identity_provider:1"):
        with pytest.raises(NotReadable):
            vault.open(other, sealed)


def test_K01_ciphertexts_swapped_in_the_database_do_not_open(app: Flask, world: World) -> None:
    def swap() -> list[int]:
        letters = [outbox.enqueue(Letter("invitation", "mia@example.org", {}, name)) for name in "ab"]
        letters[0].secret, letters[1].secret = letters[1].secret, letters[0].secret
        return [letter.id for letter in letters]

    def open_letter(letter_id: int) -> str:
        letter = db.session.get_one(OutboxMessage, letter_id)
        return db.vault.open(outbox.seal_name(letter), letter.secret or "")

    for letter_id in world.write(swap):
        with pytest.raises(NotReadable):
            world.read(open_letter, letter_id)


def test_K01_altered_ciphertext_does_not_open() -> None:
    vault = Vault([NEW])
    sealed = vault.seal("row", "a token")
    for altered in (sealed[:-8], sealed[:30] + "A" * 4 + sealed[34:], "", "nonsense"):
        with pytest.raises(NotReadable):
            vault.open("row", altered)


def test_K01_no_secret_is_in_the_ciphertext() -> None:
    assert "a token" not in Vault([NEW]).seal("row", "a token")


def test_K02_older_key_still_opens_and_the_newest_seals() -> None:
    sealed_before, both = Vault([OLD]).seal("row", "a token"), Vault([NEW, OLD])
    assert both.open("row", sealed_before) == "a token"
    assert Vault([NEW]).open("row", both.seal("row", "a token")) == "a token"


def test_K02_key_that_is_gone_opens_nothing() -> None:
    with pytest.raises(NotReadable):
        Vault([NEW]).open("row", Vault([OLD]).seal("row", "a token"))
