"""The database: engine set-up, the base of all tables, and the two kinds of transaction."""

import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import WeakKeyDictionary

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, CursorResult, DateTime, Engine, Integer, MetaData, String, Update, bindparam, event
from sqlalchemy.engine import Connection, Dialect, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, registry
from sqlalchemy.types import TypeDecorator

from webapp import clock
from webapp.vault import Vault

BUSY_TIMEOUT_SECONDS = 3
POOL_TIMEOUT_SECONDS = 10
MOST_POSTGRES_CONNECTIONS = 20
"""Of one process. All are kept: connecting anew for whoever comes while ten are busy costs more than a page."""
# The cache holds the inner pages of the indexes of a million members: 8 MB for each connection, 2 MB would do for less.
SQLITE_PRAGMAS = ("journal_mode=wal", "synchronous=full", "cache_size=-8000")
MAX_TRIES = 5
SERIALIZATION_FAILURE, DEADLOCK_DETECTED = "40001", "40P01"
GAVE_UP = ("55P03", "57014", "57P01", "57P02", "57P03")
PATIENT_POSTGRES_OPTIONS = "-c timezone=UTC"
POSTGRES_OPTIONS = (
    f"{PATIENT_POSTGRES_OPTIONS} -c statement_timeout=30000 -c lock_timeout=10000"
    " -c idle_in_transaction_session_timeout=60000"
    " -c jit=off"  # compiling takes longer than any page's statement
    " -c random_page_cost=1.1"  # else fifty rows by their key are believed to cost more than reading a whole table
)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC: aware in Python, `timestamptz` on PostgreSQL, naive UTC text on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("times carry their timezone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# Each execution of a statement asks for the time anew.
NOW = bindparam("now_itself", callable_=clock.now, type_=UtcDateTime())
Id = BigInteger().with_variant(Integer, "sqlite")
# Sorted and compared byte by byte, so that both databases agree.
Key = String(320).with_variant(String(320, collation="C"), "postgresql")


class Base(DeclarativeBase):
    """What all tables share."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    registry = registry(metadata=metadata, type_annotation_map={datetime: UtcDateTime})


class Database(SQLAlchemy):
    """The database extension. It also hands services the vault of the application at hand."""

    def __init__(self) -> None:
        super().__init__(model_class=Base, session_options={"autobegin": False, "expire_on_commit": False})
        self._vaults: WeakKeyDictionary[Engine, Vault] = WeakKeyDictionary()

    def prepare(self, vault: Vault) -> None:
        """Set up the engine of the current application."""
        prepare_engine(self.engine)
        self._vaults[self.engine] = vault

    @property
    def vault(self) -> Vault:
        """The vault of the current application."""
        return self._vaults[self.engine]


db = Database()

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model


def engine_options(url: str, *, patient: bool = False) -> dict[str, Any]:
    """Return the arguments of `create_engine` for a database address.

    Args:
        url: the address.
        patient: let a statement take as long as it takes, as migrations of large tables must.
    """
    common = {"hide_parameters": True, "pool_timeout": POOL_TIMEOUT_SECONDS}
    if make_url(url).get_backend_name() == "sqlite":
        return {**common, "connect_args": {"timeout": BUSY_TIMEOUT_SECONDS}, "pool_size": 20}
    options = PATIENT_POSTGRES_OPTIONS if patient else POSTGRES_OPTIONS
    given = {"options": options, "connect_timeout": 5}
    return {**common, "connect_args": given, "pool_size": MOST_POSTGRES_CONNECTIONS, "max_overflow": 0}


def prepare_engine(engine: Engine, *, foreign_keys: bool = True) -> None:
    """Make SQLite durable and strict, with transactions that say which kind they are; replace connections that ended.

    Migrations pass `foreign_keys=False`: rebuilding a table would delete its children otherwise.
    """
    if engine.dialect.name != "sqlite":
        event.listen(engine, "checkout", partial(_refuse_what_was_ended, engine.dialect))
        return

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in (*SQLITE_PRAGMAS, f"foreign_keys={'on' if foreign_keys else 'off'}"):
            connection.execute(f"pragma {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("write", True)
        if connection.info.get("write") is not write:
            connection.exec_driver_sql(f"pragma query_only={'off' if write else 'on'}")
            connection.info["write"] = write
        connection.exec_driver_sql("begin immediate" if write else "begin")


def _refuse_what_was_ended(dialect: Dialect, connection: Any, _record: object, _borrowed: object) -> None:
    """Let the pool connect anew where PostgreSQL has ended a connection while nobody used it.

    Its farewell waits to be read then. Only where something waits is the server asked whether it is there: a ping
    before each request would cost one more journey.
    """
    unread = select.poll()
    unread.register(connection.fileno(), select.POLLIN)
    if not unread.poll(0):
        return
    try:
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error:
        raise DisconnectionError from None


@contextmanager
def transaction(*, write: bool, keep: bool = True) -> Iterator[None]:
    """Open one transaction on the session at hand; commit at the end, roll back on any error.

    A writing one takes SQLite's write lock at once; a reading one cannot write. What was loaded stays readable
    afterwards, but belongs to no session any more, so that the next transaction reads afresh.

    Args:
        write: whether it writes.
        keep: whether it is committed at the end.
    """
    session = db.session()
    try:
        session.begin()
        session.connection(execution_options={"write": write, "keep": keep, "postgresql_readonly": not write})
        session.info["found"] = None if write else {}
        yield
        if keep:
            session.commit()
        else:
            _roll_back(session)
    except BaseException:
        _roll_back(session)
        raise
    finally:
        session.info.pop("found", None)
        session.close()


def _roll_back(session: Session) -> None:
    session.expunge_all()
    session.rollback()


def found_so_far() -> dict[Any, bool]:
    """Return what the transaction at hand has found, to be asked once only; a writing one notes nothing for later."""
    found: dict[Any, bool] | None = db.session().info.get("found")
    return {} if found is None else found


class MustWrite(Exception):
    """The transaction at hand does not do: it only reads, or keeps nothing."""


@contextmanager
def taken_back() -> Iterator[None]:
    """Try changes: all that the block does is taken back at its end.

    A transaction that keeps nothing only reads from then on, and lets others write: on SQLite a savepoint that is gone
    would go on holding the lock.

    Raises:
        MustWrite: the transaction at hand only reads.
    """
    connection = db.session.connection()
    options = connection.get_execution_options()
    if not options["write"]:
        raise MustWrite
    savepoint = db.session.begin_nested()
    try:
        yield
    finally:
        savepoint.rollback()
        if not options["keep"]:
            _let_others_write(connection)


def is_for_trying() -> bool:
    """Tell whether the transaction at hand writes and keeps nothing."""
    options = db.session.connection().get_execution_options()
    return bool(options["write"] and not options["keep"])


def _let_others_write(connection: Connection) -> None:
    """Begin anew, only to read, in the place of a transaction that keeps nothing."""
    connection.exec_driver_sql("rollback")
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("pragma query_only=on")
        connection.info["write"] = False
        connection.exec_driver_sql("begin")


T = TypeVar("T")


def changes_one_row(statement: Update) -> bool:
    """Run a conditional update, whose row count is the verdict: true for exactly one of several at the same moment."""
    result = db.session.execute(statement.execution_options(synchronize_session=False))
    return cast(CursorResult[Any], result).rowcount == 1


def perform(step: Callable[[], T], *, write: bool, keep: bool = True, tries: int = MAX_TRIES) -> T:
    """Run `step` in a transaction of its own (see `transaction`) and return what it returns.

    When the database says that only the moment was wrong (busy, deadlock, serialization failure), the step runs again
    from the start, at most `tries` times in all; so it must have no effect but on the database.
    """
    for tries_left in reversed(range(tries)):
        try:
            with transaction(write=write, keep=keep):
                return step()
        except DBAPIError as error:
            if not tries_left or not is_transient(error):
                raise
    raise AssertionError("unreachable")


def is_transient(error: DBAPIError) -> bool:
    """Tell whether the same transaction may well succeed when tried again."""
    state = getattr(error.orig, "sqlstate", None)
    return state in (SERIALIZATION_FAILURE, DEADLOCK_DETECTED) or is_sqlite_busy(error)


def is_sqlite_busy(error: DBAPIError) -> bool:
    """Tell whether SQLite gave up waiting for its lock."""
    return isinstance(error, OperationalError) and "database is locked" in str(error.orig)


def is_out_of_reach(error: DBAPIError) -> bool:
    """Tell whether the database did not answer, or gave up waiting: nothing was stored."""
    state = getattr(error.orig, "sqlstate", None)
    is_postgres_away = isinstance(error, OperationalError) and hasattr(error.orig, "sqlstate") and state is None
    return error.connection_invalidated or is_postgres_away or state in GAVE_UP or "unable to open" in str(error.orig)


def most_clients() -> int | None:
    """Return how many connections a PostgreSQL takes from everybody together; nothing on SQLite. In a transaction."""
    connection = db.session.connection()
    if connection.dialect.name == "sqlite":
        return None
    taken, reserved = (
        int(connection.exec_driver_sql(f"show {name}").scalar_one())
        for name in ("max_connections", "superuser_reserved_connections")
    )
    return taken - reserved


def is_transaction_open() -> bool:
    """Tell whether this thread holds a transaction: hashing and networks must wait until it does not."""
    try:
        has_session = db.session.registry.has()
    except RuntimeError:  # outside the application there are no sessions
        return False
    return bool(has_session and db.session().in_transaction())
