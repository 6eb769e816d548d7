"""The only place that reads the clock."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment in UTC, timezone-aware."""
    return datetime.now(UTC)
