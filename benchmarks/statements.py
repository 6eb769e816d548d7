"""How many statements an address costs."""

from collections.abc import Mapping

from flask import Flask

from tests.support.statements import queries


def number_of(app: Flask, path: str, headers: Mapping[str, str]) -> int:
    """Return how many statements reach the database for one request, the second of its kind."""
    browser = app.test_client(use_cookies=False)
    browser.get(path, headers=dict(headers))
    with queries(app) as found:
        browser.get(path, headers=dict(headers))
    return len(found)
