"""What the worker does for many organizations, each by itself: where one fails, the others do not wait for it."""

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)


def attempt(step: Callable[[], object], failure: str, **of_what: int) -> bool:
    """Do something and tell whether it went well; where it did not, the log says so.

    Args:
        step: does it, in a transaction of its own.
        failure: the sentence for the log.
        of_what: the ids of what it was about.
    """
    try:
        step()
    except Exception:
        log.exception(failure, extra=of_what)
        return False
    return True
