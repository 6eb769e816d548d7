"""A provider for every test of this folder."""

from collections.abc import Iterator

import pytest

from tests.support.identity_provider import HostileProvider, running_provider


@pytest.fixture
def theirs() -> Iterator[HostileProvider]:
    """Run a provider that is honest until a switch is set."""
    with running_provider() as provider:
        yield provider
