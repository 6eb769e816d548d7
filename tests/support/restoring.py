"""Puts a PostgreSQL database back as it was made: copying its template anew would take ten times as long."""

from sqlalchemy import Connection

KEPT_CONNECTIONS = "tests"
"""The name of connections that outlast a test, unless it left them in the midst of something."""
SCHEMA = "as_made"
TABLES = "select tablename from pg_tables where schemaname = 'public' order by tablename"
SEQUENCES = "select sequencename, last_value, start_value from pg_sequences where schemaname = 'public'"
# What changes a table, an index, a trigger or a right writes one of these rows anew.
SHAPE = "select " + ", ".join(
    f"(select sum(hashtext({key}::text || ' ' || xmin::text)) from {catalogue} where {owner} >= 16384)"
    for catalogue, owner, key in (
        ("pg_class", "oid", "oid"),
        ("pg_attribute", "attrelid", "attrelid"),
        ("pg_constraint", "oid", "oid"),
        ("pg_trigger", "oid", "oid"),
        ("pg_proc", "oid", "oid"),
        ("pg_namespace", "oid", "oid"),
    )
)


def keep(connection: Connection) -> None:
    """Keep what is in the tables of a database beside them, with the procedure that brings it back."""
    run = connection.exec_driver_sql
    run(f"drop schema if exists {SCHEMA} cascade")
    run(f"create schema {SCHEMA}")
    steps = ["set local session_replication_role = replica"]  # no trigger and no foreign key minds the order
    for name in connection.exec_driver_sql(TABLES).scalars().all():
        steps.append(f'delete from public."{name}"')
        if run(f'select exists (select from public."{name}")').scalar():
            run(f'create table {SCHEMA}."{name}" as table public."{name}"')
            steps.append(f'insert into public."{name}" overriding system value select * from {SCHEMA}."{name}"')
    for name, last, start in run(SEQUENCES).all():
        steps.append(f"perform setval('public.\"{name}\"', {last or start}, {'false' if last is None else 'true'})")
    run(f"create procedure {SCHEMA}.restore() language plpgsql as $$ begin {'; '.join(steps)}; end $$")


def shape_of(connection: Connection) -> tuple[int, ...]:
    """Return what is another value once a statement has changed the schema."""
    return tuple(connection.exec_driver_sql(SHAPE).one())


def restore(connection: Connection) -> None:
    """End everybody else's connection but those that are kept, and put the rows and the numbers of new ones back.

    Raises:
        ProgrammingError: the role may not do that; a superuser may.
    """
    others = "datname = current_database() and pid <> pg_backend_pid()"
    kept = f"application_name = '{KEPT_CONNECTIONS}' and state = 'idle'"
    connection.exec_driver_sql(
        f"select pg_terminate_backend(pid, 10000) from pg_stat_activity where {others} and not ({kept})"
    )
    connection.exec_driver_sql(f"call {SCHEMA}.restore()")
