"""Every route of an application that also has the pages of a demo."""

from dataclasses import replace

import pytest

from tests.support.acme import Acme, build
from tests.support.routes import Routes
from tests.support.worlds import World
from webapp.config import Settings


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    """Settings of a demo, which has the most routes."""
    return replace(Settings.from_environment(environment), demo=True)


@pytest.fixture
def acme(world: World) -> Acme:
    """Acme with somebody in each role, and an organization of strangers."""
    return build(world)


@pytest.fixture
def routes(acme: Acme) -> Routes:
    """All routes, about things in Acme."""
    return Routes(acme)
