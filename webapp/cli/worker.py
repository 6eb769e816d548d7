"""`vestibule worker`: sends the letters, and asks identity providers what they are asked while nobody waits."""

import threading
from dataclasses import replace
from urllib.parse import urlsplit

import click

from webapp import create_app
from webapp.cli.children import asked_to_stop
from webapp.config import Settings, is_loopback
from webapp.http import logs
from webapp.mail.deliver import Worker
from webapp.mail.transport import transport_for
from webapp.providers.base import Surroundings
from webapp.providers.rounds import Rounds


@click.command()
@click.option("--demo", is_flag=True, help="Put letters into the demo mailbox instead of sending them.")
@click.option("--verbose", is_flag=True, help="Log every letter of a demo too.")
@click.option("--until-eof", is_flag=True, hidden=True, help="Also end when standard input does.")
def worker(demo: bool, verbose: bool, until_eof: bool) -> None:
    """Send the letters that wait in the outbox, and look after single sign-on, until SIGTERM or SIGINT."""
    settings = replace(Settings.from_environment(), demo=demo)
    if demo and not is_loopback(urlsplit(settings.base_url).hostname or ""):
        raise click.ClickException("--demo sends no mail, so it runs on loopback addresses only.")
    logs.configure(quiet=demo and not verbose)
    stop = asked_to_stop(until_eof=until_eof)
    app = create_app(settings)
    rounds = threading.Thread(target=Rounds(app, Surroundings.of(settings), stop).run_forever, daemon=True)
    rounds.start()
    Worker(app, transport_for(settings)).run_forever(stop)
    rounds.join()
