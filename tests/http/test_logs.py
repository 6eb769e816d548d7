"""Logs: one line of JSON for each request, and never a secret (U04)."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.acme import Acme
from tests.support.worlds import csrf_token
from webapp.http.rules import PUBLIC, access

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def app(fresh_app: Flask) -> Flask:
    """An application that its tests may change."""
    return fresh_app


def requests_in(lines: Lines) -> list[dict[str, Any]]:
    return [line for line in lines() if line["name"] == "vestibule.requests"]


def test_request_is_one_line_with_the_route_and_not_the_address(client: FlaskClient, lines: Lines) -> None:
    answer = client.get("/orgs/acme/members?q=mia")
    [line] = requests_in(lines)
    assert {name: line[name] for name in ("method", "route", "status", "user", "ip", "request_id", "levelname")} == {
        "method": "GET",
        "route": "/orgs/<org>/members",
        "status": 303,
        "user": None,
        "ip": "127.0.0.1",
        "request_id": answer.headers["X-Request-Id"],
        "levelname": "INFO",
    }
    assert line["milliseconds"] >= 0
    assert "mia" not in json.dumps(line)


def test_request_names_the_user_by_number(acme: Acme, lines: Lines) -> None:
    acme.browser(acme.member).get("/orgs/")
    [line] = requests_in(lines)
    assert line["user"] == acme.member.user_id
    assert acme.member.email not in json.dumps(line)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/logout", 405), ("POST", "/logout", 403), ("OPTIONS", "/login", 200)],
)
def test_refused_request_is_one_line_too(
    client: FlaskClient, lines: Lines, method: str, path: str, status: int
) -> None:
    client.open(path, method=method)
    assert [line["status"] for line in requests_in(lines)] == [status]


def test_files_and_health_are_not_logged(client: FlaskClient, lines: Lines) -> None:
    for path in ("/static/css/theme.css", "/healthz", "/readyz"):
        client.get(path, buffered=True)
    assert lines() == []


@pytest.mark.parametrize("text", ["\r\n{}", "\x1b[31m", "\u2028", '"}{"', "%0d%0a", "\x00"])
def test_U04_nothing_in_a_request_makes_another_line(client: FlaskClient, lines: Lines, text: str) -> None:
    client.get(f"/{text}", query_string={"q": text}, headers={"X-Request-Id": "x", "User-Agent": text.strip("\r\n\0")})
    client.open("/login", method="GET", environ_overrides={"REMOTE_ADDR": text, "REQUEST_METHOD": f"GET{text}"})
    assert len(requests_in(lines)) == 2


@pytest.mark.parametrize("family", ["setup", "invitations", "reset-password", "verify-email"])
@pytest.mark.parametrize(
    "around", ["{}", "GET {} HTTP/1.1", "https://vestibule.example.org{}?x=1", '"{}"', "{}/switch"]
)
def test_C12_no_logger_can_write_the_token_of_a_link(lines: Lines, family: str, around: str) -> None:
    address = around.format(f"/{family}/canary-1234")
    logging.getLogger("somebody.else").warning("asked for %s", address)
    try:
        raise RuntimeError(address)
    except RuntimeError:
        logging.getLogger("somebody.else").exception(address, extra={"address": address})
    written = json.dumps(lines())
    assert "canary" not in written
    assert f"/{family}/[token]" in written


@pytest.mark.parametrize("header", ["Referer", "HX-Current-URL", "HX-Prompt", "X-Original-URL", "Origin"])
def test_C12_link_in_a_header_is_noted_nowhere(acme: Acme, lines: Lines, header: str) -> None:
    headers = {"HX-Request": "true", header: "http://localhost/invitations/canary-1234"}
    browser = acme.browser(acme.member)
    with acme.unchanged():
        for path in (acme.address("members"), acme.address("audit"), "/nowhere"):
            browser.get(path, headers=headers)
            browser.post(path, headers=headers)
        browser.post(acme.address("settings"), data={"csrf_token": csrf_token(browser)}, headers=headers)
    assert acme.events()[-1] == "access.refused"
    assert "canary" not in json.dumps(lines())
    assert "canary" not in repr([(entry.before, entry.after, entry.target_name) for entry in acme.entries()])


def test_failure_at_a_link_does_not_log_its_token(app: Flask, lines: Lines) -> None:
    @access(PUBLIC)
    def fails(token: str) -> str:
        raise RuntimeError("at the link")

    app.add_url_rule("/invitations/<token>/fails", "fails", fails)
    assert app.test_client().get("/invitations/canary-1234/fails").status_code == 500
    written = json.dumps(lines())
    assert "at the link" in written
    assert "canary" not in written
