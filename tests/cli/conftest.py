"""The command, with the settings of the test's application."""

import pytest

from tests.support.commands import Command


@pytest.fixture
def vestibule(environment: dict[str, str]) -> Command:
    """The console script on the test's database."""
    return Command(environment)
