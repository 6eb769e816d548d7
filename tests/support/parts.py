"""Real parts that a machine may lack: their tests skip by name, or fail where everything must be tested."""

import os

import pytest


def require_part(name: str, available: object, reason: str) -> None:
    """Skip the test at hand, or fail it under CI=true, unless the part is `available`.

    Args:
        name: what is needed, such as "Chromium".
        available: anything true when it is there.
        reason: what is missing and how to get it.
    """
    if available:
        return
    sentence = f"{name} is missing: {reason}"
    if os.environ.get("CI") == "true":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)
