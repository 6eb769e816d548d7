"""By which issuer a connection knows people."""

from typing import Protocol


class Configured(Protocol):
    """A connection as it is kept."""

    @property
    def issuer(self) -> str: ...

    @property
    def known_issuer(self) -> str | None: ...


def issuer_of(connection: Configured) -> str:
    """Return the issuer: what the provider said of itself when it was set up, or else what was entered.

    There is no slash at its end. Where nobody has said it, it is empty, and means nothing.
    """
    return (connection.known_issuer or connection.issuer).rstrip("/")


def is_same(one: Configured, other: Configured) -> bool:
    """Tell whether two connections lead to the same provider, by whose subjects the same people are meant."""
    return issuer_of(one) != "" and issuer_of(one) == issuer_of(other)
