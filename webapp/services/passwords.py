"""Passwords: the rules for new ones, and Argon2id behind a semaphore (NIST SP 800-63B-4, RFC 9106)."""

import os
import re
from collections.abc import Sequence
from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from webapp.db import is_transaction_open
from webapp.errors import N_, InvalidPassword
from webapp.services.words import words_of

MIN_CHARACTERS = 15
MAX_BYTES = 1024
PIECE_CHARACTERS = 20
MIN_GUESSES = 10**9
MIN_KNOWN_CHARACTERS = 3
COMMON_HERE = ("vestibule",)

_REPEATED = re.compile(r"(.{4,}?)\1+", re.IGNORECASE | re.DOTALL)
_hasher = PasswordHasher()
_slots = BoundedSemaphore(max(2, os.cpu_count() or 2))


def check_new(password: str, known: Sequence[str] = ()) -> None:
    """Go on only if `password` may be a new password.

    Args:
        password: as typed; spaces and every character count.
        known: words an attacker would try first, such as the name, the address and the organization.

    Raises:
        InvalidPassword: too short, too long, or among the first that are guessed.
    """
    if len(password) < MIN_CHARACTERS:
        raise InvalidPassword(
            N_("A password has at least %(least)s characters. Several words work well."), least=MIN_CHARACTERS
        )
    if len(password.encode()) > MAX_BYTES:
        raise InvalidPassword(N_("A password has at most %(most)s bytes."), most=MAX_BYTES)
    if not _is_hard_to_guess(_without(known, password)):
        raise InvalidPassword(N_("This password is among the first ones people guess. Choose a less common one."))


def _is_hard_to_guess(password: str) -> bool:
    """Tell whether guessing takes long enough; piece by piece, as the estimate takes minutes for some long texts.

    What repeats counts once: cut into pieces, its parts would look like words nobody knows.
    """
    once = _REPEATED.sub(r"\1", password)
    guesses = 1.0
    for start in range(0, len(once), PIECE_CHARACTERS):
        guesses *= float(zxcvbn(once[start : start + PIECE_CHARACTERS])["guesses"])
        if guesses >= MIN_GUESSES:
            return True
    return False


def _without(known: Sequence[str], password: str) -> str:
    """Return the part of a password that somebody who knows these words still has to guess."""
    words = [re.escape(word) for word in words_of(*COMMON_HERE, *known) if len(word) >= MIN_KNOWN_CHARACTERS]
    longest_first = sorted(words, key=len, reverse=True)
    return " ".join(re.sub("|".join(longest_first), " ", password, flags=re.IGNORECASE).split())


def hash_password(password: str) -> str:
    """Return the Argon2id hash of a password.

    Raises:
        RuntimeError: a transaction is open; this takes long.
    """
    _refuse_inside_transaction()
    with _slots:
        return _hasher.hash(password)


def verify(password: str, password_hash: str | None) -> bool:
    """Tell whether `password` belongs to `password_hash`, in the same time when there is none.

    Raises:
        RuntimeError: a transaction is open; this takes long.
    """
    _refuse_inside_transaction()
    if len(password.encode()) > MAX_BYTES:
        return False
    with _slots:
        try:
            _hasher.verify(password_hash or _nobodys_hash(), password)
        except (VerificationError, InvalidHashError):
            return False
    return password_hash is not None


@cache
def _nobodys_hash() -> str:
    return _hasher.hash(os.urandom(32).hex())


def _refuse_inside_transaction() -> None:
    if is_transaction_open():
        raise RuntimeError("passwords are hashed and verified outside of transactions")
