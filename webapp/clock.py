"""The only place that asks what time it is; what measures how long something takes reads `time.monotonic`."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment in UTC, timezone-aware."""
    return datetime.now(UTC)
