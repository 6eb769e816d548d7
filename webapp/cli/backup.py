"""vestibule backup: a copy of the database, taken while everything runs."""

import os
import secrets
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click
from sqlalchemy.engine import URL, make_url

from webapp.cli.output import progress
from webapp.config import Settings

PAGES_A_STEP = 4_000
WITHOUT_KEYS = (
    "The backup holds no keys: keep VESTIBULE_SECRET_KEY and VESTIBULE_ENCRYPTION_KEYS, "
    "or the file secrets.json of the data folder, somewhere else."
)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
def backup(file: Path, force: bool) -> None:
    """Copy the database into FILE while everything runs. FILE is complete and checked, or not there at all."""
    settings = Settings.from_environment()
    target = file.absolute()
    if target.exists() and not force:
        raise click.ClickException(f"{file} exists already. Choose another name, or --force to replace it.")
    if not target.parent.is_dir():
        raise click.ClickException(f"There is no folder {target.parent}.")
    url = make_url(settings.database_url)
    with _draft(target) as draft:
        if settings.is_sqlite:
            _copy_sqlite(Path(url.database or ""), draft, target)
        else:
            _dump_postgresql(url, draft)
    click.echo(f"{file}: {target.stat().st_size:,} bytes")
    click.echo(WITHOUT_KEYS, err=True)


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """Yield an empty file beside the target, its owner's alone; it becomes the target once the block has succeeded."""
    draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield draft
        _write_through(draft)
        draft.replace(target)
        _write_through(target.parent)
    finally:
        draft.unlink(missing_ok=True)


def _write_through(path: Path) -> None:
    """Return once a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy_sqlite(database: Path, draft: Path, target: Path) -> None:
    if not database.is_file():
        raise click.ClickException(f"There is no database at {database}. Run: vestibule migrate")
    if target.exists() and target.samefile(database):
        raise click.ClickException("FILE is the database itself.")
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, isolation_level=None)) as source:
        # Within a transaction it sees one moment of the database; else every write of others would start the copy anew.
        source.execute("begin")
        [[pages]] = source.execute("pragma page_count")
        with closing(sqlite3.connect(draft)) as copy, progress(pages, "Copying the database") as bar:

            def advance(_status: int, left: int, _all: int) -> None:
                bar.update(pages - left - bar.pos)

            source.backup(copy, pages=PAGES_A_STEP, progress=advance)
            copy.execute("pragma journal_mode=delete")
            [[verdict]] = copy.execute("pragma integrity_check").fetchmany(1)
    if verdict != "ok":
        raise click.ClickException(f"The copy is not sound, so it was thrown away: {verdict}")


def _dump_postgresql(url: URL, draft: Path) -> None:
    if shutil.which("pg_dump") is None:
        raise click.ClickException(
            "A backup of PostgreSQL needs its own program pg_dump, of the server's version or newer, on the PATH."
        )
    address = url.set(drivername="postgresql", password=None).difference_update_query(["password"])
    # The password goes by the environment: everybody on the machine can read arguments.
    password = {"PGPASSWORD": str(url.password)} if url.password else {}
    _run(
        ["pg_dump", "--format=custom", "--no-password", f"--file={draft}", address.render_as_string()],
        {**os.environ, **password},
    )
    if shutil.which("pg_restore"):
        _run(["pg_restore", "--list", str(draft)], dict(os.environ))


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"{command[0]} failed: {' '.join(done.stderr.split())}")
