"""Where whoever is refused until they sign in again comes back to, and what the page says of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class WayBack:
    """The page to come back to.

    `is_kept` tells whether what was typed comes back too, and is None where nothing was typed. `loses_secret` says that
    a secret was, which never does; `is_confined` that a provider began the session at hand, however long ago.
    """

    address: str
    is_kept: bool | None = None
    loses_secret: bool = False
    is_confined: bool = False
