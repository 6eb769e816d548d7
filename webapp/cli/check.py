"""vestibule check: is everything there that serving needs?"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import IO

import click
from flask import Flask
from sqlalchemy.exc import DBAPIError

from webapp import create_app, schema
from webapp.cli.audit import known_heads
from webapp.cli.output import as_json, show_json
from webapp.config import Settings
from webapp.db import db, perform
from webapp.mail.faults import ServerUnreachable
from webapp.mail.probe import greet
from webapp.providers.base import Surroundings
from webapp.providers.connected import probed
from webapp.providers.demo import is_of_demo
from webapp.providers.errors import Reason
from webapp.providers.rounds import VISITS_AT_ONCE, own_patience
from webapp.queries.chains import Broken, Head, chains, check_head
from webapp.services import outbox
from webapp.services.sso import connections, health
from webapp.services.sso.connections import Connected
from webapp.services.sso.health import Outcome
from webapp.vault import NotReadable


@dataclass(frozen=True)
class Finding:
    """What was found out about one part. `is_ok` is nothing where there is nothing to check."""

    part: str
    is_ok: bool | None
    sentence: str


@click.command()
@click.option("--heads", "file", type=click.File(), metavar="FILE", help="What `vestibule audit heads` printed before.")
@as_json
def check(file: IO[str] | None, is_json: bool) -> None:
    """Check the database, the mail server, the encryption keys and the identity providers that organizations have in
    use; with --heads also the ends of the audit log.

    Sends nothing and changes nothing. Exit status: 0 all is well, 1 something is not.
    """
    settings = Settings.from_environment()
    app = create_app(settings)
    heads = known_heads(file) if file else {}
    found = []
    for finding in _findings(app, settings, heads):
        found.append(finding)
        if not is_json:
            state = {True: "ok", False: "FAILED", None: "-"}[finding.is_ok]
            click.echo(f"{finding.part:<10} {state:<7} {finding.sentence}")
    is_well = all(finding.is_ok is not False for finding in found)
    if is_json:
        show_json({"ok": is_well, "parts": [asdict(finding) for finding in found]})
    if not is_well:
        raise SystemExit(1)


def _findings(app: Flask, settings: Settings, heads: dict[str, Head]) -> Iterator[Finding]:
    with app.app_context():
        database = _database()
        yield database
        if database.is_ok:
            yield _keys()
            if heads:
                yield _audit_log(heads)
            yield from _providers(settings)
    yield _mail(settings)


def _database() -> Finding:
    try:
        is_current = perform(lambda: schema.is_current(db.session.connection()), write=False)
    except DBAPIError as error:
        return Finding("database", False, f"It cannot be used: {' '.join(str(error.orig).split())}")
    if not is_current:
        return Finding("database", False, "Its schema is not the one of this version. Run: vestibule migrate")
    return Finding("database", True, "It answers, and its schema is up to date.")


def _keys() -> Finding:
    sealed = perform(_newest_sealed, write=False)
    if not sealed:
        return Finding("keys", None, "Nothing is sealed at present, so there is nothing to try them on.")
    try:
        for name, secret in sealed:
            db.vault.open(name, secret)
    except NotReadable:
        return Finding("keys", False, "VESTIBULE_ENCRYPTION_KEYS do not open what is sealed in the database.")
    return Finding("keys", True, "They open what is sealed in the database.")


def _newest_sealed() -> list[tuple[str, str]]:
    """Return the names and the values of what was sealed last: of letters, and of connections to providers."""
    letter, provider = outbox.newest_sealed(), connections.newest_sealed()
    of_letter = [(outbox.seal_name(letter), letter.secret or "")] if letter else []
    of_provider = [(connections.seal_name(provider), provider.client_secret or "")] if provider else []
    return of_letter + of_provider


def _audit_log(heads: dict[str, Head]) -> Finding:
    try:
        for chain in perform(chains, write=False):
            if known := heads.get(chain.name):
                perform(partial(check_head, chain, known), write=False)
    except Broken as broken:
        return Finding("audit log", False, str(broken))
    return Finding("audit log", True, "Every chain holds what was its end when it was written down.")


def _providers(settings: Settings) -> Iterator[Finding]:
    """Ask every provider that is in use for its description and its keys, several at once: one may keep us waiting."""
    in_use = perform(health.in_use, write=False)
    if not in_use:
        yield Finding("providers", None, "No organization has an identity provider in use.")
        return
    surroundings = replace(Surroundings.of(settings), patience=own_patience())
    ask = partial(probed, surroundings=surroundings)
    with ThreadPoolExecutor(VISITS_AT_ONCE) as threads:
        outcomes = list(threads.map(ask, (connected for _slug, connected in in_use)))
    failed = [(found, outcome) for found, outcome in zip(in_use, outcomes, strict=True) if outcome.problem]
    for (slug, connected), outcome in failed:
        yield _failure(slug, connected, outcome)
    if not failed:
        yield Finding("providers", True, f"In use and working: {len(in_use)}.")


def _failure(slug: str, connected: Connected, outcome: Outcome) -> Finding:
    """Say what does not work; the provider of a demo is on this machine, where only its own server may ask."""
    if outcome.problem == Reason.PRIVATE_ADDRESS and is_of_demo(connected.issuer, connected.client_id):
        return Finding(
            "providers", None, f"The demo's own provider, in {slug}, is asked by `vestibule serve --demo` only."
        )
    return Finding("providers", False, f"Nobody can sign in to {slug} through its provider: {outcome.sentence}")


def _mail(settings: Settings) -> Finding:
    if not settings.mail_server:
        return Finding("mail", None, "No mail server is configured: letters wait, in a demo in its mailbox.")
    try:
        greet(settings)
    except ServerUnreachable as error:
        return Finding("mail", False, str(error))
    return Finding("mail", True, f"The mail server at {settings.mail_server} answers and lets us in.")
