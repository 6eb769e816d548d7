"""The command, with the settings of the test's application."""

import pytest

from tests.support.acme import Acme, build
from tests.support.commands import Command
from tests.support.worlds import World


@pytest.fixture
def vestibule(environment: dict[str, str]) -> Command:
    """The console script on the test's database."""
    return Command(environment)


@pytest.fixture
def acme(world: World) -> Acme:
    """Acme with somebody in each role, and an organization of strangers."""
    return build(world)
