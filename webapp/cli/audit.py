"""vestibule audit: prove that nobody has changed the audit log."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import IO, Any

import click

from webapp.cli.output import application, as_json, progress, show_json, show_table
from webapp.db import perform
from webapp.queries.chains import NOTHING, Broken, Chain, Head, chains, check_end, check_next, head_of


@click.group()
def audit() -> None:
    """Check the audit log."""


@audit.command()
def heads() -> None:
    """Print where every chain ends, as JSON: kept elsewhere, it tells later whether the end was cut off."""
    with application():
        found = perform(chains, write=False)
        show_json({chain.name: asdict(perform(partial(head_of, chain), write=False)) for chain in found})


@audit.command()
@click.argument("org", required=False)
@click.option("--heads", "file", type=click.File(), metavar="FILE", help="What `vestibule audit heads` printed before.")
@as_json
def verify(org: str | None, file: IO[str] | None, is_json: bool) -> None:
    """Check every entry of every chain, or of the organization ORG's, and name the first that is not as it was written.

    Exit status: 0 nothing was changed, 1 something was.
    """
    known = known_heads(file) if file else {}
    with application():
        wanted = perform(partial(chains, org), write=False)
        if not wanted:
            raise click.ClickException(f"There is no organization {org}.")
        try:
            ends = _check_all(wanted, known, is_whole=org is None)
        except Broken as broken:
            _say_broken(broken, is_json)
            raise SystemExit(1) from broken
    if is_json:
        show_json({"ok": True, "chains": {chain.name: {"slug": chain.slug, **asdict(end)} for chain, end in ends}})
    else:
        click.echo("Nothing was changed. The chains, and where each of them ends:")
        show_table(
            ("chain", "organization", "entries", "hash of the newest"),
            [(chain.name, chain.slug, end.sequence, end.hash) for chain, end in ends],
        )


def known_heads(file: IO[str]) -> dict[str, Head]:
    """Read what `vestibule audit heads` printed.

    Raises:
        ClickException: it is something else.
    """
    try:
        return {name: Head(int(head["sequence"]), str(head["hash"])) for name, head in json.load(file).items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise click.ClickException(f"{file.name} is not what `vestibule audit heads` prints.") from error


def _check_all(wanted: list[Chain], known: dict[str, Head], *, is_whole: bool) -> list[tuple[Chain, Head]]:
    length = sum(perform(partial(head_of, chain), write=False).sequence for chain in wanted)
    ends = []
    with progress(length, "Checking the audit log") as bar:
        for chain in wanted:
            at = NOTHING
            for end in check(chain, known.get(chain.name)):
                bar.update(end.sequence - at.sequence)
                at = end
            ends.append((chain, at))
    if is_whole:
        _require_all_known(wanted, known)
    return ends


def check(chain: Chain, known: Head | None = None) -> Iterator[Head]:
    """Walk along a chain, each step in a transaction of its own; yield how far it is.

    Args:
        chain: which one.
        known: where it ended when somebody wrote that down.

    Raises:
        Broken: at the first entry that is not as it was written.
    """
    at = NOTHING
    while end := perform(partial(check_next, chain, at, known), write=False):
        at = end
        yield at
    check_end(chain, at, known)


def _require_all_known(wanted: list[Chain], known: dict[str, Head]) -> None:
    for name in known.keys() - {chain.name for chain in wanted}:
        raise Broken(Chain(name, None, None), 1, "it is missing, and so is the whole chain.")


def _say_broken(broken: Broken, is_json: bool) -> None:
    if is_json:
        fault: dict[str, Any] = {"chain": broken.chain.name, "slug": broken.chain.slug}
        show_json({"ok": False, "first": {**fault, "sequence": broken.sequence, "wrong": broken.wrong}})
    click.echo(str(broken), err=True)
