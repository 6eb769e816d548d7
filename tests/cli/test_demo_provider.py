"""The identity provider of a demo, as the server runs it: people sign in, and it comes and goes with the server."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.test_serve import child_of, ending, taken_port
from tests.support.commands import script, variables
from tests.support.databases import SqliteTemplate
from tests.support.demo import choose, connection_to, issuer_of, offered_by
from tests.support.server import STOP_SECONDS, Server, reserved_port, running_server
from tests.support.settings import environment_for
from tests.support.traveller import Traveller
from webapp.cli.demo_provider import issuer_at, listener_near
from webapp.config import Settings
from webapp.providers.base import Attempt, Provider, Surroundings
from webapp.providers.claims import Claims
from webapp.providers.errors import Misconfigured, Reason, SaidNo
from webapp.providers.registry import provider_for


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server of all tests of this file keeps its data."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def environment(sqlite_template: SqliteTemplate[None], folder: Path) -> Iterator[dict[str, str]]:
    """The variables of a server; none of this depends on the kind of its database."""
    with sqlite_template.copy(folder) as url:
        yield environment_for(url, folder)


@pytest.fixture(scope="module")
def server(environment: dict[str, str], folder: Path) -> Iterator[Server]:
    """The server of a demo."""
    with running_server(environment, folder, "--demo") as running:
        yield running


@pytest.fixture
def settings(environment: dict[str, str], server: Server) -> Settings:
    """The settings of the server."""
    return replace(Settings.from_environment({**environment, "VESTIBULE_BASE_URL": server.url}), demo=True)


@pytest.fixture
def ours(server: Server, settings: Settings) -> Provider:
    """Our side of a connection to the provider, which reaches what the demo reaches."""
    return provider_for(connection_to(offered_by(server, settings)), Surroundings.of(settings))


@pytest.fixture
def attempt(server: Server) -> Attempt:
    """A sign-in that begins."""
    return Attempt.new(f"{server.url}/sso/callback/1")


def test_person_who_is_chosen_signs_in(ours: Provider, attempt: Attempt) -> None:
    ours.probe()
    seen = choose(Traveller(attempt.redirect_uri), ours.begin(attempt), "Grace Holm")
    signed_in = ours.finish(attempt, seen.query)
    assert signed_in.claims == Claims(
        signed_in.claims.subject, "grace@example.org", True, "Grace Holm", ("staff", "desk")
    )
    assert signed_in.refresh_token
    again = ours.refresh(signed_in.refresh_token, signed_in.claims.subject)
    assert again.claims == signed_in.claims
    with pytest.raises(SaidNo):
        ours.refresh(signed_in.refresh_token, signed_in.claims.subject)


def test_person_who_is_made_up_signs_in(ours: Provider, attempt: Attempt) -> None:
    traveller = Traveller(attempt.redirect_uri)
    seen = traveller.open(ours.begin(attempt))
    back = traveller.send(seen.forms[1], name="Zoe Lind", email="Zoe@example.org")
    claims = ours.finish(attempt, back.query).claims
    assert (claims.name, claims.email, claims.email_verified) == ("Zoe Lind", "Zoe@example.org", True)
    assert claims.groups is None


def test_person_who_says_no_does_not(ours: Provider, attempt: Attempt) -> None:
    traveller = Traveller(attempt.redirect_uri)
    back = traveller.send(traveller.open(ours.begin(attempt)).forms[2], refuse="1")
    with pytest.raises(SaidNo) as refused:
        ours.finish(attempt, back.query)
    assert refused.value.reason == Reason.DENIED


def test_provider_of_a_demo_is_not_reached_from_outside_of_one(
    server: Server, settings: Settings, attempt: Attempt
) -> None:
    connection = connection_to(offered_by(server, settings))
    with pytest.raises(Misconfigured) as refused:
        provider_for(connection, Surroundings.of(replace(settings, demo=False))).begin(attempt)
    assert refused.value.reason == Reason.PRIVATE_ADDRESS


def test_page_says_what_to_enter(server: Server, settings: Settings) -> None:
    offered = offered_by(server, settings)
    page = Traveller().open(offered.issuer).text
    assert all(value in page for value in offered)


def test_provider_listens_at_the_same_place_each_time_and_elsewhere_where_that_is_taken() -> None:
    with reserved_port() as port:
        for _ in range(2):
            with listener_near(f"127.0.0.1:{port - 10}") as listener:
                assert issuer_at(listener) == f"http://127.0.0.1:{port}"
    with taken_port() as taken, listener_near(f"127.0.0.1:{taken - 10}") as listener:
        assert issuer_at(listener) != f"http://127.0.0.1:{taken}"
    with listener_near("127.0.0.1:65530") as listener:
        assert issuer_at(listener).startswith("http://127.0.0.1:")


def test_provider_that_was_killed_is_started_again(environment: dict[str, str], tmp_path: Path) -> None:
    with running_server(environment, tmp_path, "--demo") as server:
        os.kill(child_of(server.process.pid, "demo-provider"), signal.SIGKILL)
        assert Traveller().open(issuer_of(server)).status == 200  # it waits for the next one
        assert "The demo's identity provider ended; it is started again." in server.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_provider_ends_with_its_server(environment: dict[str, str], tmp_path: Path, number: signal.Signals) -> None:
    with running_server(environment, tmp_path, "--demo") as server:
        assert Traveller().open(issuer_of(server)).status == 200
        provider = child_of(server.process.pid, "demo-provider")
        with ending(provider):
            server.process.send_signal(number)
            server.process.wait(STOP_SECONDS)
        assert "Traceback" not in server.log


def test_provider_answers_on_loopback_only(environment: dict[str, str]) -> None:
    own = variables(environment)
    with socket.create_server(("0.0.0.0", 0)) as listener:  # noqa: S104  (which is refused)
        command = [script(), "demo-provider", "--listener", str(listener.fileno())]
        done = subprocess.run(
            command,
            env=own,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            pass_fds=[listener.fileno()],
        )
    assert (done.returncode, done.stdout) == (1, "")
    assert "listens on loopback only" in done.stderr
