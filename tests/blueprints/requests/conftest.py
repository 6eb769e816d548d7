"""The organizations these tests speak of, and what the database is asked."""

import pytest
from flask import Flask

from tests.support.acme import Acme, build
from tests.support.statements import Statements, collected
from tests.support.worlds import World


@pytest.fixture
def acme(world: World) -> Acme:
    """Acme with somebody in each role, and an organization of strangers."""
    return build(world)


@pytest.fixture
def statements(app: Flask) -> Statements:
    """Opens a block that collects every statement the database is asked."""
    return lambda: collected(app)
