"""vestibule serve"""

import logging
import subprocess
import sys
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import click
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from webapp import create_app, schema
from webapp import db as database
from webapp.cli.setup_link import link_if_possible
from webapp.config import Settings, is_loopback
from webapp.db import db
from webapp.http import logs

STOP_SECONDS = 10


class Server(BaseApplication):
    """Gunicorn, set up in Python."""

    def __init__(self, app: Flask, options: dict[str, Any]) -> None:
        self.application = app
        self.options = options
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
        self.error_log.setLevel(logging.INFO)


@click.command()
@click.option("--bind", default="127.0.0.1:8000", show_default=True, metavar="HOST:PORT")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Processes.")
@click.option("--threads", default=4, show_default=True, type=click.IntRange(1, 64), help="Threads of each process.")
@click.option("--with-worker", is_flag=True, help="Also run the mail worker.")
@click.option("--demo", is_flag=True, help="Keep all mail in a demo mailbox. Only on a loopback address.")
def serve(bind: str, workers: int, threads: int, with_worker: bool, demo: bool) -> None:
    """Serve the web application."""
    settings = replace(Settings.from_environment(), demo=demo)
    if demo:
        _require_loopback(bind, settings)
    logs.configure()
    app = create_app(settings)
    _require_schema(app)
    _greet(app, settings, bind)
    _close_connections(app)
    worker = _start_worker(demo) if with_worker else None
    try:
        Server(app, _options(bind, workers, threads)).run()
    finally:
        if worker is not None:
            _stop(worker)


def _options(bind: str, workers: int, threads: int) -> dict[str, Any]:
    return {
        "bind": bind,
        "workers": workers,
        "threads": threads,
        "worker_class": "gthread",
        "graceful_timeout": STOP_SECONDS,
        "limit_request_line": 8190,
        "proc_name": "vestibule",
        "preload_app": False,
        "control_socket_disable": True,
        "logger_class": JsonLogger,
    }


def _require_loopback(bind: str, settings: Settings) -> None:
    host = bind.rpartition(":")[0].strip("[]")
    if not is_loopback(host) or not is_loopback(urlsplit(settings.base_url).hostname or ""):
        raise click.ClickException("--demo shows everybody's mail, so it runs on loopback addresses only.")


def _require_schema(app: Flask) -> None:
    with app.app_context():
        if not database.perform(lambda: schema.is_current(db.session.connection()), write=False):
            raise click.ClickException("The database is not up to date. Run: vestibule migrate")


def _greet(app: Flask, settings: Settings, bind: str) -> None:
    click.echo(f"Vestibule    {settings.base_url} (listening on {bind})")
    if settings.demo:
        click.echo(f"Mailbox      {settings.base_url}/demo/mailbox")
    if link := link_if_possible(app, settings):
        click.echo(f"Set-up link  {link}")


def _close_connections(app: Flask) -> None:
    """Leave no connection to be shared by the processes that gunicorn forks."""
    with app.app_context():
        db.engine.dispose()


def _start_worker(demo: bool) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "webapp.cli", "worker", *(["--demo"] if demo else [])])


def _stop(worker: subprocess.Popen[bytes]) -> None:
    worker.terminate()
    try:
        worker.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        worker.kill()
