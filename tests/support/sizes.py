"""Tests that have a short form in the suite and a long one behind `make soak`, which says its figures."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import pytest

Figures = Callable[..., None]
"""Says what was counted, by name, in one line."""


def short_and_long(short: Any, long: Any) -> Sequence[Any]:
    """Return the two sizes of a test, to parametrize it with: values, or tuples of several."""
    sizes = [size if isinstance(size, tuple) else (size,) for size in (short, long)]
    return [pytest.param(*sizes[0], id="short"), pytest.param(*sizes[1], id="long", marks=pytest.mark.soak)]


def rounds(often: int) -> Sequence[Any]:
    """Return the numbers of the rounds of a race, to parametrize it with: one in the suite, the others in a soak."""
    return [0, *(pytest.param(number, marks=pytest.mark.soak) for number in range(1, often))]


def soak_minutes() -> float:
    """Return for how long the tests that go by the clock run in a soak: SOAK_MINUTES, or one."""
    return float(os.environ.get("SOAK_MINUTES", "1"))


def soak_factor() -> int:
    """Return by how much a soak multiplies what takes longest: SOAK_FACTOR, or one."""
    return int(os.environ.get("SOAK_FACTOR", "1"))
