"""vestibule worker: what it does beside sending letters, as a process of its own."""

import signal
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Response, jsonify, request
from sqlalchemy import update

from tests.support.acme import Acme
from tests.support.identity_provider import HostileProvider, running_provider
from tests.support.sso import Desk
from tests.support.workers import Processes
from tests.support.worlds import World
from webapp import clock
from webapp.blueprints.demo_provider.routes import credentials_in
from webapp.db import db
from webapp.models import Identity
from webapp.services.sso import connections

END_SECONDS = 60


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "VESTIBULE_PRIVATE_PROVIDERS": "127.0.0.1"}


@pytest.fixture
def theirs() -> Iterator[HostileProvider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
def processes(environment: dict[str, str]) -> Iterator[Processes]:
    started = Processes(environment)
    yield started
    started.end()


def test_worker_that_is_stopped_while_it_asks_about_somebody_keeps_the_token_it_is_given(
    world: World, acme: Acme, theirs: HostileProvider, processes: Processes
) -> None:
    desk = Desk(acme, theirs)
    number = desk.know(acme.member)
    desk.sign_in(world.browser())
    due = {"next_refresh_at": clock.now() - timedelta(minutes=1)}
    world.write(lambda: db.session.execute(update(Identity).values(due)))
    asked, over, given = threading.Event(), threading.Event(), []

    def exchange() -> Response:
        reply = theirs.token(request.form, credentials_in(request.authorization))
        given.append(reply.body["refresh_token"])
        asked.set()
        over.wait(END_SECONDS)
        return jsonify(reply.body)

    theirs.replies["token"] = exchange
    process = processes.start()
    assert asked.wait(END_SECONDS)
    process.send_signal(signal.SIGTERM)
    over.set()
    assert process.wait(END_SECONDS) == 0
    assert theirs.hits["jwks"] >= 1

    def kept() -> str:
        identity = db.session.get_one(Identity, number)
        return db.vault.open(connections.seal_name(identity), identity.refresh_token or "")

    assert [world.read(kept)] == given
