"""`vestibule worker`: sends the letters."""

import os
import signal
import sys
import threading
from dataclasses import replace
from urllib.parse import urlsplit

import click

from webapp import create_app
from webapp.config import Settings, is_loopback
from webapp.http import logs
from webapp.mail.deliver import Worker
from webapp.mail.transport import transport_for


@click.command()
@click.option("--demo", is_flag=True, help="Put letters into the demo mailbox instead of sending them.")
@click.option("--verbose", is_flag=True, help="Log every letter of a demo too.")
@click.option("--until-eof", is_flag=True, hidden=True, help="Also end when standard input does.")
def worker(demo: bool, verbose: bool, until_eof: bool) -> None:
    """Send the letters that wait in the outbox, until SIGTERM or SIGINT."""
    settings = replace(Settings.from_environment(), demo=demo)
    if demo and not is_loopback(urlsplit(settings.base_url).hostname or ""):
        raise click.ClickException("--demo sends no mail, so it runs on loopback addresses only.")
    logs.configure(quiet=demo and not verbose)
    stop = stopped_by_signals()
    if until_eof:
        threading.Thread(target=_stop_at_end_of_input, args=(stop,), daemon=True).start()
    app = create_app(settings)
    Worker(app, transport_for(settings)).run_forever(stop)


def stopped_by_signals() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set, so that the letter at hand is finished first."""
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: object) -> None:
        # Not set() itself: the handler may have interrupted the very wait whose lock set() needs.
        threading.Thread(target=stop.set).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    return stop


def _stop_at_end_of_input(stop: threading.Event) -> None:
    """Set the event once nobody holds the other end of standard input any more."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    stop.set()
