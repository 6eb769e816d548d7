"""The kinds of identity providers there are: ours, and those that installed packages bring.

A package declares an entry point in the group `vestibule.identity_providers`: the name is the kind, and it leads to a
subclass of `Provider`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from webapp.config import BadSetting
from webapp.providers.base import Connection, Provider, Surroundings
from webapp.providers.dummy import DummyProvider
from webapp.providers.entra import EntraProvider
from webapp.providers.errors import Misconfigured, Reason
from webapp.providers.github import GitHubProvider
from webapp.providers.gitlab import GitLabProvider
from webapp.providers.google import GoogleProvider
from webapp.providers.oidc import OidcProvider

GROUP = "vestibule.identity_providers"
OURS: dict[str, type[Provider]] = {
    "oidc": OidcProvider,
    "google": GoogleProvider,
    "entra": EntraProvider,
    "gitlab": GitLabProvider,
    "github": GitHubProvider,
    "dummy": DummyProvider,
}


@cache
def kinds() -> dict[str, type[Provider]]:
    """Return the kinds by name, loaded once per process.

    Raises:
        BadSetting: a package brings one that cannot be loaded, is none, or has a name that is taken.
    """
    found = dict(OURS)
    for entry in entry_points(group=GROUP):
        if entry.name in found:
            raise BadSetting(f"Two identity providers are called {entry.name}; one is {entry.value}.")
        found[entry.name] = _loaded(entry)
    return found


def provider_for(connection: Connection, surroundings: Surroundings) -> Provider:
    """Return the provider of a connection.

    Raises:
        Misconfigured: its kind is not installed, or what the kind asks for is missing.
    """
    kind = kinds().get(connection.kind)
    if kind is None:
        raise Misconfigured(Reason.OPTIONS)
    return kind(connection, surroundings)


@contextmanager
def registered(kind: str, provider: type[Provider]) -> Iterator[None]:
    """Have one more kind within the block, for the tests of a package that brings it.

    Raises:
        BadSetting: the name is taken.
    """
    if kind in kinds():
        raise BadSetting(f"Two identity providers are called {kind}.")
    kinds()[kind] = provider
    try:
        yield
    finally:
        del kinds()[kind]


def _loaded(entry: EntryPoint) -> type[Provider]:
    try:
        found = entry.load()
    except Exception as error:
        raise BadSetting(
            f"The identity provider {entry.name} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    if not (isinstance(found, type) and issubclass(found, Provider)):
        raise BadSetting(f"The identity provider {entry.name} cannot be loaded: {entry.value} is no Provider.")
    return found
