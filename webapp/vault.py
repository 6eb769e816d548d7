"""Secrets at rest: what must be readable again is encrypted, and bound to the row it belongs to."""

import json
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class NotReadable(Exception):
    """A sealed secret belongs to another row, or to a key that is no longer given."""


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

    def open(self, row: str, sealed: str) -> str:
        """Decrypt what was sealed for `row`.

        Raises:
            NotReadable: sealed for another row, altered, or with an unknown key.
        """
        try:
            owner, secret = json.loads(self._fernet.decrypt(sealed.encode()))
        except InvalidToken as error:
            raise NotReadable(row) from error
        if owner != row:
            raise NotReadable(row)
        return str(secret)
