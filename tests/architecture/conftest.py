"""An application that also has the pages of a demo."""

from dataclasses import replace

import pytest

from webapp.config import Settings


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    """Settings of a demo, which has the most routes."""
    return replace(Settings.from_environment(environment), demo=True)
