"""Acme, its people, and every route about things in it."""

import pytest

from tests.support.acme import Acme, build
from tests.support.routes import Routes
from tests.support.worlds import World


@pytest.fixture
def acme(world: World) -> Acme:
    """Acme with somebody in each role, and an organization of strangers."""
    return build(world)


@pytest.fixture
def routes(acme: Acme) -> Routes:
    """All routes, about things in Acme."""
    return Routes(acme)
