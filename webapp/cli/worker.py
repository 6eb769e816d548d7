"""`vestibule worker`: sends the letters."""

import signal
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
def worker(demo: bool) -> None:
    """Send the letters that wait in the outbox, until SIGTERM or SIGINT."""
    settings = replace(Settings.from_environment(), demo=demo)
    if demo and not is_loopback(urlsplit(settings.base_url).hostname or ""):
        raise click.ClickException("--demo sends no mail, so it runs on loopback addresses only.")
    logs.configure()
    stop = stopped_by_signals()
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
