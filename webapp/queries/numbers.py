"""Numbers that were counted up to a bound, as pages show them."""

from sqlalchemy import ScalarSelect, func, select

from webapp.queries.page import Statement


def up_to(most: int, of: Statement) -> ScalarSelect[int]:
    """Count what a statement selects, as a column of another statement; counting ends at `most`."""
    return select(func.count()).select_from(of.limit(most).subquery()).scalar_subquery()


def shown(number: int, most: int) -> str:
    """Return a number as text, with a plus where there may be more: counting ended at `most`."""
    return str(number) if number < most else f"{most - 1}+"
