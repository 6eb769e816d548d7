"""Deleting a row finds what refers to it by that row, and not by all of its organization."""

import pytest
from flask import Flask
from sqlalchemy import ForeignKeyConstraint, text

from webapp import db as database
from webapp.db import db

FEW = {"former_project_slug", "former_team_slug", "sso_errand", "sso_mapping"}
"""Of these an organization has few: as many as somebody renamed, mapped or began by hand."""


def plan_of(reference: ForeignKeyConstraint) -> str:
    """Return how SQLite looks for the rows that refer to one."""
    where = " AND ".join(f"{name} = 1" for name in reference.column_keys)
    rows = db.session.execute(text(f'EXPLAIN QUERY PLAN SELECT 1 FROM "{reference.table.name}" WHERE {where}'))
    return " ".join(row.detail for row in rows)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_X07_what_refers_to_a_row_is_found_by_that_row(app: Flask) -> None:
    """PostgreSQL weighs plans by what is in the tables; SQLite decides by the indexes alone."""

    def plans() -> list[str]:
        references = [each for table in db.metadata.tables.values() for each in table.foreign_key_constraints]
        ours = [each for each in references if "organization_id" in each.column_keys and len(each.column_keys) > 1]
        assert len(ours) > 20
        return [plan_of(each) for each in ours if each.table.name not in FEW]

    with app.app_context():
        found = database.perform(plans, write=False)
    assert [plan for plan in found if "(organization_id=?)" in plan or "SCAN" in plan] == []
