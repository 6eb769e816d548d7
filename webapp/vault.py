"""Secrets at rest: what must be readable again is encrypted, and bound to the row it belongs to."""

import json
from collections.abc import Sequence
from datetime import timedelta

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class NotReadable(Exception):
    """A sealed secret belongs to another row, to a key that is no longer given, or to an earlier time."""


class Vault:
    """Seals and opens secrets with the newest of several Fernet keys.

    Fernet has no associated data, so the row's name travels inside the plaintext: a ciphertext copied to another
    row does not open there.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def seal(self, row: str, secret: str) -> str:
        """Encrypt `secret` for the row named `row`, such as `outbox_message:12`."""
        return self._fernet.encrypt(json.dumps([row, secret]).encode()).decode()

    def open(self, row: str, sealed: str, *, within: timedelta | None = None) -> str:
        """Decrypt what was sealed for `row`; `within` so long, if that matters: Fernet notes when.

        Raises:
            NotReadable: sealed for another row, altered, with an unknown key, or too long ago.
        """
        try:
            decrypted = self._fernet.decrypt(sealed.encode(), ttl=int(within.total_seconds()) if within else None)
            owner, secret = json.loads(decrypted)
        except InvalidToken as error:
            raise NotReadable(row) from error
        if owner != row:
            raise NotReadable(row)
        return str(secret)
