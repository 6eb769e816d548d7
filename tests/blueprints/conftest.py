"""What the tests of several blueprints ask for."""

import pytest

from tests.support.acme import Acme
from tests.support.teams import Office, furnish


@pytest.fixture
def office(acme: Acme) -> Office:
    """Two teams with projects, and an access group."""
    return furnish(acme)
