"""By which issuer a connection knows people: the one that was entered, or the one its kind has where none was."""

from collections.abc import Mapping
from typing import Protocol

GITHUB = "https://github.com"
GITLAB = "https://gitlab.com"
GOOGLE = "https://accounts.google.com"
MICROSOFT = "https://login.microsoftonline.com"
_OF_KIND = {"github": GITHUB, "gitlab": GITLAB, "google": GOOGLE, "entra": MICROSOFT}


class Configured(Protocol):
    """A connection as it is kept."""

    @property
    def kind(self) -> str: ...

    @property
    def issuer(self) -> str: ...

    @property
    def options(self) -> Mapping[str, str]: ...


def issuer_of(connection: Configured) -> str:
    """Return the issuer, without a slash at its end: two connections with the same one know the same people."""
    issuer = connection.issuer.rstrip("/") or _OF_KIND.get(connection.kind, "")
    tenant = connection.options.get("tenant", "").strip().lower()
    return f"{issuer}/{tenant}/v2.0" if connection.kind == "entra" else issuer
