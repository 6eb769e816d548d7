"""The organizations these tests speak of."""

import pytest

from tests.support.acme import Acme, build
from tests.support.worlds import World


@pytest.fixture
def acme(world: World) -> Acme:
    """Acme with somebody in each role, and an organization of strangers."""
    return build(world)
