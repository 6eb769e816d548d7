"""Numbers that were counted up to a bound, as pages show them."""


def shown(number: int, most: int) -> str:
    """Return a number as text, with a plus where there may be more: counting ended at `most`."""
    return str(number) if number < most else f"{most - 1}+"
