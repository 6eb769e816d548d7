"""What the database is asked."""

import pytest
from flask import Flask

from tests.support.statements import Statements, collected


@pytest.fixture
def statements(app: Flask) -> Statements:
    """Opens a block that collects every statement the database is asked."""
    return lambda: collected(app)
