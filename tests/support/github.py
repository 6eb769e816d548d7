"""A GitHub Enterprise Server of our own on loopback: OAuth 2 and the few addresses of its API that we ask."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from flask import Flask, Response, jsonify, redirect, request

from tests.support.identity_provider import CALLBACK, CLIENT_ID, CLIENT_SECRET, LOOPBACK, served
from webapp.providers.base import Connection, Provider
from webapp.providers.demo_identity_provider import challenge
from webapp.providers.registry import provider_for

ORGANIZATION: Final = "Sample-Org"
AT_GITHUB: Final = {"id": 88, "login": "sample-org"}
USER: Final = {"id": 4711, "login": "mia", "name": "Mia Sommer", "email": "elsewhere@example.org"}
ADDRESSES: Final = [
    {"email": "second@example.org", "primary": False, "verified": True},
    {"email": "mia@example.org", "primary": True, "verified": True},
]


@dataclass
class GitHubServer:
    """What it says of the one person who always agrees, and how often it was asked."""

    address: str = ""
    user: Any = field(default_factory=lambda: dict(USER))
    addresses: Any = field(default_factory=lambda: [dict(entry) for entry in ADDRESSES])
    membership: dict[str, Any] = field(
        default_factory=lambda: {"state": "active", "user": dict(USER), "organization": dict(AT_GITHUB)}
    )
    organization: dict[str, Any] = field(default_factory=lambda: dict(AT_GITHUB))
    replies: dict[str, Callable[[], Response]] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    challenges: dict[str, str] = field(default_factory=dict)
    hits: Counter[str] = field(default_factory=Counter)


def application(github: GitHubServer) -> Flask:
    """Return it as an application."""
    app = Flask("github")

    @app.before_request
    def count() -> Response | None:
        endpoint = request.endpoint or "unknown"
        github.hits[endpoint] += 1
        return github.replies[endpoint]() if endpoint in github.replies else None

    @app.get("/login/oauth/authorize")
    def authorize() -> Any:
        github.asked = request.args.to_dict()
        code = f"code-{len(github.challenges)}"
        github.challenges[code] = github.asked["code_challenge"]
        return redirect(f"{CALLBACK}?{urlencode({'code': code, 'state': github.asked['state']})}")

    @app.post("/login/oauth/access_token")
    def token() -> Any:
        form = request.form
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return jsonify(error="incorrect_client_credentials")
        expected = github.challenges.pop(form.get("code", ""), None)
        if form.get("grant_type") == "refresh_token":
            if form.get("refresh_token") != "ghr-1":
                return jsonify(error="bad_refresh_token")
        elif expected != challenge(form.get("code_verifier", "")):
            return jsonify(error="bad_verification_code")
        return jsonify(access_token="gho-1", token_type="bearer", refresh_token="ghr-1")

    _add_api(app, github)
    return app


def _add_api(app: Flask, github: GitHubServer) -> None:
    @app.get("/api/v3/user")
    def user() -> Any:
        return jsonify(github.user)

    @app.get("/api/v3/user/emails")
    def emails() -> Any:
        return jsonify(github.addresses)

    @app.get(f"/api/v3/user/memberships/orgs/{ORGANIZATION}")
    def membership() -> Any:
        return jsonify(github.membership)

    @app.get(f"/api/v3/orgs/{ORGANIZATION}")
    def organization() -> Any:
        return jsonify(github.organization)


@contextmanager
def running_github() -> Iterator[GitHubServer]:
    """Run one on loopback within the block."""
    github = GitHubServer()
    with served(application(github)) as address:
        github.address = address
        yield github


def connected(github: GitHubServer, **options: str) -> Provider:
    """Return our side of a connection to it."""
    given = {"organization": ORGANIZATION, **options}
    return provider_for(Connection("github", "github", github.address, CLIENT_ID, CLIENT_SECRET, given), LOOPBACK)
