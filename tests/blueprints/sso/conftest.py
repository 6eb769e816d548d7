"""A provider on loopback, which this instance may ask, and Acme's connection to it."""

from collections.abc import Iterator

import pytest

from tests.support.acme import Acme
from tests.support.identity_provider import HostileProvider, running_provider
from tests.support.sso import Desk
from webapp.config import Settings


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    """Settings by which providers may be on this machine."""
    return Settings.from_environment({**environment, "VESTIBULE_PRIVATE_PROVIDERS": "127.0.0.1"})


@pytest.fixture
def theirs() -> Iterator[HostileProvider]:
    """A provider that is honest until a switch is set."""
    with running_provider() as provider:
        yield provider


@pytest.fixture
def desk(acme: Acme, theirs: HostileProvider) -> Desk:
    """Acme's connection to it."""
    return Desk(acme, theirs)


@pytest.fixture
def evil() -> Iterator[HostileProvider]:
    """A provider of Umbra's owner, who is a stranger to Acme."""
    with running_provider() as provider:
        yield provider


@pytest.fixture
def umbra(acme: Acme, evil: HostileProvider) -> Desk:
    """Umbra's connection to it."""
    return Desk(acme, evil, acme.other_slug)
