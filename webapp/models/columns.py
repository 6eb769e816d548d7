"""Column types that several tables share."""

from enum import StrEnum

from sqlalchemy import Enum


def name_column(names: type[StrEnum], constraint: str) -> Enum:
    """Return a column type that stores a state by its name, checked by the database."""
    return Enum(
        names,
        native_enum=False,
        length=20,
        values_callable=lambda members: [member.value for member in members],
        create_constraint=True,
        name=constraint,
    )
