"""New passwords: long, not the first ones people guess, and hashed only when they are short enough to be."""

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from webapp.errors import InvalidPassword
from webapp.services import passwords

KNOWN = ("Ada Lovelace", "ada.lovelace@harbour.example.org", "Harbour Works")
UNGUESSED = "k3 9dj-2lw0 qpz8"


@pytest.fixture
def at_hand(app: Flask) -> Iterator[None]:
    """An application, which hashing asks whether a transaction is open."""
    with app.app_context():
        yield


def is_taken(password: str, known: tuple[str, ...] = KNOWN) -> bool:
    try:
        passwords.check_new(password, known)
    except InvalidPassword:
        return False
    return True


def test_F11_fifteen_characters_are_enough_and_fourteen_are_not() -> None:
    assert is_taken("k3 9dj-2lw0 qpz")
    with pytest.raises(InvalidPassword, match="at least 15 characters"):
        passwords.check_new("k3 9dj-2lw0 qp")


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "  k3 9dj 2lw0 qpz  ",
        "Zwölf süße Bären übten",
        "пятнадцать разных слов",
        "🦉🌲🚲🎻🧂🌶🪁🧭🫖🪵🧦🥁🪶🧶🫐",
        "nocapitalnodigitnosign",
        UNGUESSED * 4,
        "k3 9dj-2lw0 qpz8" * 64,
    ],
)
def test_F11_any_characters_make_a_password(password: str) -> None:
    assert is_taken(password)


@pytest.mark.usefixtures("at_hand")
def test_F11_sixty_four_characters_are_taken_whole() -> None:
    password = UNGUESSED * 4
    assert len(password) == 64
    password_hash = passwords.hash_password(password)
    assert passwords.verify(password, password_hash)
    assert not passwords.verify(password[:-1], password_hash)
    assert not passwords.verify(f"{password} ", password_hash)


@pytest.mark.parametrize(
    "password",
    [
        "a" * 15,
        "                ",
        "123456789012345",
        "password1234567",
        "PasswordPassword",
        "P@ssw0rdP@ssw0rd",
        "qwertyuiopasdfg",
        "iloveyouiloveyou",
        "abcabcabcabcabcabc",
        "passwordpasswordpassword",
        "LetMeInLetMeInLetMeInLetMeIn",
        "1234123412341234123412341234",
        "qwertyuiopasdfghjkl",
        "football football",
    ],
)
def test_F11_the_first_ones_people_guess_are_refused(password: str) -> None:
    with pytest.raises(InvalidPassword, match="among the first ones"):
        passwords.check_new(password)


@pytest.mark.parametrize(
    "password",
    [
        "Ada Lovelace Ada",
        "adalovelace1815",
        "lovelace ada lovelace",
        "LOVELACE-lovelace-2027",
        "ada.lovelace@harbour.example.org",
        "harbourworks2027",
        "Harbour Works 2027!",
        "vestibule vestibule",
        "My Vestibule 2027",
    ],
)
def test_F11_what_everybody_knows_of_somebody_is_no_password(password: str) -> None:
    assert not is_taken(password)


def test_F11_known_words_do_not_spoil_a_long_password() -> None:
    assert is_taken("harbour correct horse battery staple")
    assert is_taken(UNGUESSED, known=("", "A", ".*", "(", "Q"))


@pytest.mark.parametrize("password", [f"{'k3 9dj-2lw0 qpz8' * 64}x", "ä" * 513, "x" * 1024 * 1024])
@pytest.mark.usefixtures("at_hand")
def test_F11_more_than_1024_bytes_are_refused_before_hashing(password: str) -> None:
    with pytest.raises(InvalidPassword, match="at most 1024 bytes"):
        passwords.check_new(password)
    assert not passwords.verify(password, PasswordHasher().hash(password))


@pytest.mark.usefixtures("at_hand")
def test_F11_hash_is_argon2id_and_new_each_time() -> None:
    first, second = passwords.hash_password(UNGUESSED), passwords.hash_password(UNGUESSED)
    assert first != second
    assert first.startswith("$argon2id$")


@pytest.mark.parametrize("stored", [None, "", "not a hash", "$argon2id$v=19$m=65536,t=3,p=4$broken"])
@pytest.mark.usefixtures("at_hand")
def test_password_of_nobody_is_never_right(stored: str | None) -> None:
    assert not passwords.verify(UNGUESSED, stored)


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=80), st.lists(st.text(max_size=20), max_size=3))
def test_F11_any_text_is_taken_or_refused(password: str, known: list[str]) -> None:
    if is_taken(password, tuple(known)):
        assert len(password) >= 15
