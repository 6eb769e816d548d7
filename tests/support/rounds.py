"""Going round to the providers of an application, as its worker does every minute."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, Response

from tests.support.identity_provider import HostileProvider
from webapp.providers.addresses import PrivateProviders
from webapp.providers.base import Surroundings
from webapp.providers.http import ALL_SECONDS, Network
from webapp.providers.rounds import Rounds

NOBODY = "127.0.0.1:9"
"""A name server that is not there."""


def rounds_of(
    app: Flask, seconds: float = ALL_SECONDS, stop: threading.Event | None = None, name_server: str = NOBODY
) -> Rounds:
    """Return what goes round, and waits so long for a provider on this machine."""
    network = Network(PrivateProviders(["127.0.0.1"]), seconds=seconds)
    surroundings = Surroundings(network, name_server=name_server)
    return Rounds(app, surroundings, stop or threading.Event())


def fails(theirs: HostileProvider, endpoint: str, status: int = 500) -> None:
    """Let an endpoint of a provider answer nothing but a status."""
    theirs.replies[endpoint] = lambda: Response("", status)


@contextmanager
def silence() -> Iterator[str]:
    """Give the address of somebody who never says a word to whoever connects, and hangs up when the block ends."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
