"""vestibule serve"""

import os
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from webapp import create_app, schema
from webapp import db as database
from webapp.cli.children import STOP_SECONDS, Child
from webapp.cli.demo_provider import issuer_at, listener_near, provider_on
from webapp.cli.patient_worker import SENDING_SECONDS, PatientWorker
from webapp.cli.setup_link import link_if_possible
from webapp.config import THREADS, Settings, is_loopback
from webapp.db import db
from webapp.http import logs
from webapp.providers.demo import offered_in

MOST_CONNECTIONS = 1000
FILES_OF_OUR_OWN = 256
"""Each process may open so many besides the connections of clients: to databases, providers and files."""


class Server(BaseApplication):
    """Gunicorn, set up in Python."""

    def __init__(self, app: Flask, options: dict[str, Any], patience: float) -> None:
        self.application = app
        self.options = options
        self.patience = patience
        super().__init__()

    def load_config(self) -> None:
        """Hand our options to gunicorn."""
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Return the WSGI application."""
        return self.application


class JsonLogger(Logger):
    """Leaves gunicorn's words to the handler of all other logs; requests are logged by the application."""

    def setup(self, cfg: object) -> None:
        """Add no handlers."""
        self.error_log.propagate = True


@click.command()
@click.option("--bind", default="127.0.0.1:8000", show_default=True, metavar="HOST:PORT")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Processes.")
@click.option(
    "--threads", default=THREADS, show_default=True, type=click.IntRange(1, 64), help="Threads of each process."
)
@click.option(
    "--patience",
    default=SENDING_SECONDS,
    show_default=True,
    type=click.IntRange(1, 3600),
    metavar="SECONDS",
    help="For a browser to take an answer; large ones have longer.",
)
@click.option("--with-worker", is_flag=True, help="Also run the mail worker.")
@click.option(
    "--demo",
    is_flag=True,
    help="Keep all mail in a demo mailbox, and run an identity provider to try. Only on a loopback address.",
)
@click.option("--verbose", is_flag=True, help="Log every request and letter of a demo too.")
def serve(bind: str, with_worker: bool, demo: bool, verbose: bool, **numbers: int) -> None:
    """Serve the web application."""
    settings = replace(Settings.from_environment(), demo=demo, threads=numbers["threads"])
    _require_matching_bind(bind, settings)
    # Whoever tries the demo needs the addresses it has printed, which a line for each request would scroll away.
    logs.configure(quiet=demo and not verbose)
    _require_free(bind)
    flags = [name for name, is_given in (("--demo", demo), ("--verbose", verbose)) if is_given]
    with ExitStack() as beside:
        listener = beside.enter_context(listener_near(bind)) if demo else None
        settings = replace(settings, demo_issuer=issuer_at(listener) if listener else None)
        app = create_app(settings)
        _require_schema(app)
        if warning := too_many_connections(app, numbers["workers"], numbers["threads"]):
            click.echo(warning, err=True)
        greeting = "\n".join(_greeting(app, settings, bind))
        _close_connections(app)
        if listener:
            beside.enter_context(provider_on(listener, verbose))
        if with_worker:
            beside.enter_context(Child("mail worker", ["worker", "--until-eof", *flags]))
        options = {
            **_options(bind, numbers["workers"], numbers["threads"]),
            "when_ready": lambda _server: click.echo(greeting),
        }
        Server(app, options, numbers["patience"]).run()


def _options(bind: str, workers: int, threads: int) -> dict[str, Any]:
    return {
        "bind": bind,
        "workers": workers,
        "threads": threads,
        "worker_class": PatientWorker,
        "worker_connections": most_connections(threads),
        # Files leave as all else does, piece by piece: the worker counts what a client has taken.
        "sendfile": False,
        "graceful_timeout": STOP_SECONDS,
        "limit_request_line": 8190,
        "proc_name": "vestibule",
        "preload_app": False,
        "control_socket_disable": True,
        # Only TRUSTED_PROXIES decides which headers of a proxy count.
        "forwarded_allow_ips": "",
        "forwarder_headers": "",
        "logger_class": JsonLogger,
    }


def most_connections(threads: int) -> int:
    """Return how many clients a process accepts at once: so many that it can still open what else it needs."""
    open_files, _most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if open_files == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(threads, min(MOST_CONNECTIONS, open_files - FILES_OF_OUR_OWN))


def _require_matching_bind(bind: str, settings: Settings) -> None:
    is_public = not is_loopback(bind.rpartition(":")[0].strip("[]"))
    if settings.demo and (is_public or not settings.is_local):
        raise click.ClickException("--demo shows everybody's mail, so it runs on loopback addresses only.")
    if is_public and settings.is_local:
        raise click.ClickException(
            f"--bind {bind} is reached from other machines, so VESTIBULE_BASE_URL must say how: https://..."
        )


def _require_schema(app: Flask) -> None:
    with app.app_context():
        if not database.perform(lambda: schema.is_current(db.session.connection()), write=False):
            raise click.ClickException("The database is not up to date. Run: vestibule migrate")


def too_many_connections(app: Flask, workers: int, threads: int) -> str | None:
    """Return what there is to say where processes may keep more connections than the database takes."""
    with app.app_context():
        taken = database.perform(database.most_clients, write=False)
    kept = workers * min(threads, database.MOST_POSTGRES_CONNECTIONS)
    if taken is None or kept < taken:
        return None
    return (
        f"PostgreSQL takes {taken} connections from everybody together, and these {workers} processes may keep {kept}. "
        "Raise its max_connections, or start fewer processes; else there is none left for the mail worker and commands."
    )


def _require_free(bind: str) -> None:
    """Say in one sentence what gunicorn would try five times and say in ten lines."""
    host, _, port = bind.rpartition(":")
    host = host.strip("[]")
    try:
        socket.create_server((host, int(port)), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except ValueError as error:
        raise click.BadParameter(f"{bind} is not an address and a port, such as 127.0.0.1:8000.") from error
    except OSError as error:
        message = (
            f"{bind} cannot be listened on: {os.strerror(error.errno or 0)}. Choose another port with --bind HOST:PORT."
        )
        raise click.ClickException(message) from error


def _greeting(app: Flask, settings: Settings, bind: str) -> Iterator[str]:
    yield f"Vestibule    {settings.base_url} (listening on {bind})"
    if settings.demo:
        yield f"Mailbox      {settings.base_url}/demo/mailbox"
    if offered := offered_in(settings):
        said = f"client ID {offered.client_id}, client secret {offered.client_secret}"
        yield f"Sign-on      {offered.issuer} (an OpenID provider to try: {said})"
    if link := link_if_possible(app, settings):
        yield f"Set-up link  {link}"


def _close_connections(app: Flask) -> None:
    """Leave no connection to be shared by the processes that gunicorn forks."""
    with app.app_context():
        db.engine.dispose()
