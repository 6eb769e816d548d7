"""The identity provider of a demo, as `vestibule serve --demo` runs it beside the server."""

import socket
import threading
from dataclasses import replace
from typing import Any

import click
from werkzeug.serving import WSGIRequestHandler, make_server

from webapp import create_demo_provider
from webapp.cli.children import Child, asked_to_stop
from webapp.config import DEMO_HOST, Settings, is_loopback
from webapp.http import logs

PORTS_ABOVE_THE_SERVER = 10
LAST_PORT = 65_535


class QuietHandler(WSGIRequestHandler):
    """Leaves requests to the log of the application, which names no address that carries a code."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write nothing."""


def listener_near(bind: str) -> socket.socket:
    """Return a socket that listens on loopback, on the same port each time where nobody else does.

    What organizations are connected to is known by its address: it should be there again after a new start.

    Args:
        bind: where the server listens.
    """
    port = int(bind.rpartition(":")[2]) + PORTS_ABOVE_THE_SERVER
    try:
        return socket.create_server((DEMO_HOST, port if port <= LAST_PORT else 0))
    except OSError:
        return socket.create_server((DEMO_HOST, 0))


def issuer_at(listener: socket.socket) -> str:
    """Return what a provider that listens there is known by."""
    host, port = listener.getsockname()
    return f"http://{host}:{port}"


def provider_on(listener: socket.socket, verbose: bool) -> Child:
    """Return the provider as a process that answers on a socket of ours, also one that had to be started again."""
    more = ["--verbose"] if verbose else []
    arguments = ["demo-provider", "--listener", str(listener.fileno()), *more]
    return Child("demo's identity provider", arguments, [listener.fileno()])


@click.command(hidden=True)
@click.option("--listener", required=True, type=int, help="An open socket, inherited from `vestibule serve`.")
@click.option("--verbose", is_flag=True, help="Log every request.")
def demo_provider(listener: int, verbose: bool) -> None:
    """Answer as a demo's identity provider on a socket, until SIGTERM, SIGINT or the end of standard input."""
    stop = asked_to_stop(until_eof=True)
    logs.configure(quiet=not verbose)
    with socket.socket(fileno=listener) as listening:
        host, port = listening.getsockname()[:2]
        if not is_loopback(host):
            raise click.ClickException("Whoever reaches this provider can be anybody: it listens on loopback only.")
        settings = replace(Settings.from_environment(), demo=True, demo_issuer=issuer_at(listening))
        app: Any = create_demo_provider(settings)
        server = make_server(host, port, app, threaded=True, request_handler=QuietHandler, fd=listener)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stop.wait()
        server.shutdown()
