"""Each test gets a database of its own, with the schema and nothing in it."""

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.pool import NullPool


@pytest.mark.parametrize("time", ["first", "second"])
def test_database_is_migrated_and_fresh(database_url: str, time: str) -> None:
    engine = create_engine(database_url, poolclass=NullPool)
    assert "alembic_version" in inspect(engine).get_table_names()
    with engine.begin() as connection:
        connection.execute(text("create table left_by_another_test (id integer)"))
