"""Many who write at once, and databases that say "not now": nobody sees it, and every change is made once."""

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import pytest
from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool

from tests.support.faults import run
from tests.support.ledger import Ledger
from tests.support.server import Server
from tests.support.sizes import Figures, short_and_long, soak_minutes
from tests.support.visitor import Visitor, at_once, visitor_at
from tests.support.worlds import World
from webapp.db import BUSY_TIMEOUT_SECONDS
from webapp.models import Role

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

EVERY = 5
"""Each fifth commit is refused: 20 %."""
TRIES = 5
"""So often a change is tried before whoever asked for it is told to send it again."""
PAUSE_SECONDS = 3
"""For so long nobody holds SQLite's lock but the writers, who make about twenty changes for each that had to wait."""


TO_COME_SECONDS = 2
"""So long after SQLite's lock was taken, most of those who work have come to wait for it."""


@dataclass
class Desk:
    """Somebody who gives a member of their organization another role, again and again."""

    visitor: Visitor
    path: str
    member_id: int
    done: int = 0
    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def work(self, times: int = 1) -> None:
        """Change the role so many times."""
        for _ in range(times):
            self._change_role()

    def _change_role(self) -> None:
        role = "member" if self.done % 2 else "admin"
        began = time.monotonic()
        status = self.visitor.send(self.path, role=role).status
        self.seconds.append(time.monotonic() - began)
        self.statuses[status] += 1
        self.done += status == 303


def desks(world: World, server: Server, number: int, halls: int) -> list[Desk]:
    """Return so many desks, spread over organizations whose owner sits at all of theirs.

    Each has a member of its own to work on.
    """
    owner = world.person("Ada Winter", "ada@example.com")
    slugs = [world.organization(f"Hall {hall}", owner) for hall in range(halls)]
    writers = [world.person(f"Writer {hall}", f"writer{hall}@example.org") for hall in range(halls)]
    for slug, writer in zip(slugs, writers, strict=True):
        world.member(slug, writer, Role.OWNER)
    visitors = [visitor_at(server.url, "/account/", world, writer) for writer in writers]
    found = []
    for desk in range(number):
        slug = slugs[desk % halls]
        member_id = world.member(slug, world.person(f"Guest {desk}", f"guest{desk}@example.org"), Role.MEMBER)
        found.append(Desk(visitors[desk % halls], f"/orgs/{slug}/members/{member_id}", member_id))
    return found


def assert_each_change_was_made_once(ledger: Ledger, people: list[Desk]) -> int:
    """Every change that was acknowledged, and no other, has one audit entry and one letter; return how many."""
    entries = Counter(row["target_id"] for row in ledger.rows("audit_entry", event="member.role_changed"))
    assert entries == {desk.member_id: desk.done for desk in people if desk.done}
    assert ledger.count("outbox_message", kind="role_changed") == entries.total()
    roles = {row["id"]: row["role"] for row in ledger.rows("member")}
    assert {desk.member_id: roles[desk.member_id] for desk in people} == {
        desk.member_id: Role.ADMIN if desk.done % 2 else Role.MEMBER for desk in people
    }
    return entries.total()


def percentile(seconds: list[float], share: float) -> float:
    return round(sorted(seconds)[int(share * (len(seconds) - 1))], 3)


def work_until(people: list[Desk], is_over: threading.Event) -> None:
    """Let everybody work as fast as they are answered, and once at least."""

    def keep_working(index: int) -> None:
        people[index].work()
        while not is_over.is_set():
            people[index].work()

    at_once(len(people), keep_working)


@pytest.mark.parametrize("seconds", short_and_long(1.0, None))
def test_R08_fifty_who_write_without_a_pause_are_all_served(
    world: World, server: Server, ledger: Ledger, seconds: float | None, figures: Figures
) -> None:
    lasts = soak_minutes() * 60 if seconds is None else seconds
    people = desks(world, server, 50, halls=10)
    is_over = threading.Event()
    threading.Timer(lasts, is_over.set).start()
    work_until(people, is_over)
    taken = [second for desk in people for second in desk.seconds]
    assert sum((desk.statuses for desk in people), Counter()) == {303: len(taken)}
    written = assert_each_change_was_made_once(ledger, people)
    figures(
        writers=len(people),
        minutes=round(lasts / 60, 1),
        writes=written,
        per_second=round(written / lasts),
        locked=0,
        p50=percentile(taken, 0.5),
        p99=percentile(taken, 0.99),
        worst=round(max(taken), 3),
    )


@contextmanager
def commits_refused(database_url: str) -> Iterator[None]:
    """Let PostgreSQL refuse each fifth commit that wrote to the audit log, as a serialization failure or a deadlock."""
    engine = create_engine(database_url, poolclass=NullPool)
    run(
        engine,
        "create sequence commits",
        "create sequence refused",
        f"""create function refuse() returns trigger language plpgsql as $$ begin
            if nextval('commits') %% {EVERY} = 0 then
                if nextval('refused') %% 2 = 0 then raise exception 'forced' using errcode = '40001'; end if;
                raise exception 'forced' using errcode = '40P01';
            end if;
            return null; end $$""",
        """create constraint trigger refuse after insert on audit_entry deferrable initially deferred
            for each row execute function refuse()""",
    )
    yield


def last_value(database_url: str, sequence: str) -> int:
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        found = connection.exec_driver_sql(f"select last_value from {sequence} where is_called").scalar()
    return int(found or 0)


@on_postgresql
@pytest.mark.parametrize("each", short_and_long(4, 125))
def test_R13_commits_that_postgresql_refuses_are_made_once_later(
    world: World, server_of_a_fickle_database: Server, ledger: Ledger, database_url: str, each: int, figures: Figures
) -> None:
    people = desks(world, server_of_a_fickle_database, 16, halls=8)

    def work_until_done(index: int) -> None:
        while people[index].done < each:
            people[index].work()

    with commits_refused(database_url):
        at_once(len(people), work_until_done)
        commits, refused = last_value(database_url, "commits"), last_value(database_url, "refused")
    statuses = sum((desk.statuses for desk in people), Counter())
    # About one change in EVERY ** TRIES, 3,125, is refused each time it is tried: it stored nothing and is sent again.
    assert set(statuses) <= {303, 503}
    written = assert_each_change_was_made_once(ledger, people)
    assert (written, commits) == (16 * each, written + refused)
    assert refused == commits // EVERY
    assert refused >= TRIES * statuses[503]
    figures(writes=written, commits=commits, refused=refused, shown=statuses[503])


@on_sqlite
@pytest.mark.parametrize("seconds", short_and_long(1.0, None))
def test_R13_lock_that_somebody_holds_for_longer_than_writers_wait_delays_them(
    world: World, server: Server, ledger: Ledger, database_url: str, seconds: float | None, figures: Figures
) -> None:
    lasts = soak_minutes() * 60 if seconds is None else seconds
    people = desks(world, server, 16, halls=8)
    is_over = threading.Event()

    def hold_now_and_then() -> int:
        held, until = 0, time.monotonic() + lasts
        with closing(sqlite3.connect(make_url(database_url).database or "", isolation_level=None, timeout=60)) as other:
            while time.monotonic() < until:
                other.execute("begin immediate")
                # Nothing tells from outside that a writer has waited for as long as it does.
                is_over.wait(BUSY_TIMEOUT_SECONDS + TO_COME_SECONDS)
                other.execute("rollback")
                held += 1
                is_over.wait(PAUSE_SECONDS)
        is_over.set()
        return held

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold_now_and_then)
        work_until(people, is_over)
    taken = [second for desk in people for second in desk.seconds]
    refused = sum(second >= BUSY_TIMEOUT_SECONDS for second in taken)
    assert {status for desk in people for status in desk.statuses} == {303}
    written = assert_each_change_was_made_once(ledger, people)
    assert refused >= len(people) // 2
    figures(writes=written, held=holding.result(), busy=refused, share=round(refused / written, 2), shown=0)
