"""When every connection to PostgreSQL is taken, or a lock is not given back: a 503, and all is well afterwards."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from tests.support.faults import run
from tests.support.server import running_server
from tests.support.settings import environment_for
from tests.support.sizes import Figures
from tests.support.visitor import Answer, at_once, visitor_at
from tests.support.worlds import World
from webapp.db import db, transaction

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

MOST_CONNECTIONS = 4
VISITORS = 12
MORE_THAN_THE_POOL = 40
BUSY = "The server is busy"


@contextmanager
def limited_role(database_url: str) -> Iterator[str]:
    """Yield the address for a role that may connect only a few times: a limit does not hold for administrators."""
    engine = create_engine(database_url, poolclass=NullPool)
    name = f"limited_{make_url(database_url).database}"
    run(
        engine,
        f"create role {name} login connection limit {MOST_CONNECTIONS}",
        f"grant all on all tables in schema public to {name}",
        f"grant all on all sequences in schema public to {name}",
    )
    try:
        yield make_url(database_url).set(username=name).render_as_string(hide_password=False)
    finally:
        run(engine, f"drop owned by {name}", f"drop role {name}")


def hold_all(engine: Engine, stack: ExitStack) -> int:
    """Take every connection there is."""
    held = 0
    while True:
        try:
            stack.enter_context(engine.connect())
        except OperationalError:
            return held
        held += 1


def end_others(database_url: str, role: str, held: int) -> None:
    """End the connections of a role, all but the ones that were held last."""
    with create_engine(database_url, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect() as connection:
        found = "select pg_terminate_backend(pid, 10000) from (select pid from pg_stat_activity where usename = :role"
        connection.execute(
            text(f"{found} order by backend_start desc offset :held) others"), {"role": role, "held": held}
        )


def timed(ask: object) -> tuple[Answer, float]:
    began = time.monotonic()
    return ask(), time.monotonic() - began  # type: ignore[operator]


@on_postgresql
def test_R14_no_connection_left_is_a_quick_503_and_heals(
    database_url: str, world: World, tmp_path: Path, figures: Figures
) -> None:
    owner = world.person("Ada Winter", "ada@example.com")
    world.organization("Harbour Works", owner)
    with limited_role(database_url) as limited, ExitStack() as stack:
        environment, role = environment_for(limited, tmp_path), str(make_url(limited).username)
        server = stack.enter_context(running_server(environment, tmp_path, "--workers", "1"))
        visitors = [visitor_at(server.url, "/login", world, owner) for _ in range(VISITORS)]
        with ExitStack() as hands:
            engine = create_engine(limited, poolclass=NullPool)
            held = hold_all(engine, hands)
            end_others(database_url, role, held)
            assert held + hold_all(engine, hands) == MOST_CONNECTIONS
            answers = at_once(VISITORS, lambda i: timed(lambda: visitors[i].get("/orgs/harbour-works/members")))
            assert {answer.status for answer, _seconds in answers} == {503}
            assert all(BUSY in answer.text for answer, _seconds in answers)
            assert visitors[0].get("/healthz").status == 200
        end_others(database_url, role, 0)  # which are on their way out, and are waited for
        after = Counter(visitor.get("/orgs/harbour-works/members").status for visitor in visitors)
        assert after == {200: VISITORS}
        end_others(database_url, role, 0)
    slowest = max(seconds for _answer, seconds in answers)
    figures(requests=VISITORS, answered_503=VISITORS, slowest_seconds=round(slowest, 2), healed=after[200])


@on_postgresql
@pytest.mark.soak
def test_R14_pool_that_waits_for_somebody_idle_in_a_transaction_is_a_503_in_time(
    database_url: str, world: World, tmp_path: Path, figures: Figures
) -> None:
    owner = world.person("Ada Winter", "ada@example.com")
    world.organization("Harbour Works", owner)
    engine, form = create_engine(database_url, poolclass=NullPool), "/orgs/harbour-works/members/new"
    threads = ("--workers", "1", "--threads", str(MORE_THAN_THE_POOL))
    with running_server(environment_for(database_url, tmp_path), tmp_path, *threads) as server:
        visitors = [visitor_at(server.url, form, world, owner) for _ in range(MORE_THAN_THE_POOL)]

        def invite(index: int) -> tuple[Answer, float]:
            fields = {"emails": f"guest{index}@example.org", "role": "member", "lifetime_days": "7"}
            return timed(lambda: visitors[index].send(form, **fields))

        with engine.begin() as idle:
            idle.exec_driver_sql("select 1 from organization for update")
            answers = at_once(MORE_THAN_THE_POOL, invite)
            assert {answer.status for answer, _seconds in answers} == {503}
            assert all(BUSY in answer.text for answer, _seconds in answers)
        assert {answer.status for answer, _seconds in at_once(MORE_THAN_THE_POOL, invite)} == {303}
        with engine.connect() as connection:
            of_ours = "from pg_stat_activity where datname = current_database() and starts_with(state, 'idle in')"
            assert connection.exec_driver_sql(f"select count(*) {of_ours}").scalar() == 0
    seconds = [seconds for _answer, seconds in answers]
    figures(requests=len(answers), answered_503=len(answers), slowest_seconds=round(max(seconds), 2), left_idle=0)


@on_postgresql
def test_R14_postgresql_ends_what_of_ours_waits_too_long(app: Flask) -> None:
    wanted = {"statement_timeout": "30s", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "1min"}
    with app.app_context(), transaction(write=False):
        assert {name: db.session.execute(text(f"show {name}")).scalar() for name in wanted} == wanted
