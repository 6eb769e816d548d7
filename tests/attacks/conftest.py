"""Every route about things in Acme."""

import pytest

from tests.support.acme import Acme
from tests.support.routes import Routes


@pytest.fixture
def routes(acme: Acme) -> Routes:
    """All routes, about things in Acme."""
    return Routes(acme)
