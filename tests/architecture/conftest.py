"""Every route of an application that also has the pages of a demo."""

from dataclasses import replace

import pytest

from tests.support.acme import Acme
from tests.support.routes import Routes
from webapp.config import Settings


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    """Settings of a demo, which has the most routes."""
    return replace(Settings.from_environment(environment), demo=True)


@pytest.fixture
def routes(acme: Acme) -> Routes:
    """All routes, about things in Acme."""
    return Routes(acme)
