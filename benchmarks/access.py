"""What access costs: one decision beside the bare driver, and lists of a huge organization beside a small one's."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Flask
from sqlalchemy import event, select

from benchmarks.crowd import Crowd, crowd_of
from webapp.access.actor import Actor
from webapp.access.decide import decide
from webapp.access.roles import Scope
from webapp.db import db, perform
from webapp.models import Member, Organization, Project, User
from webapp.queries.members import WantedMembers, members_of
from webapp.queries.reach import people_of, projects_of

SMALL = 1_000
ROUNDS, CALLS = 7, 40
FIRST = 1
"""The number of the team, and of the project, that everybody shares; those of the few come after all others."""

Call = Callable[[], object]


@dataclass(frozen=True)
class Measured:
    """One reading: what it is called, and how to make it in an organization."""

    name: str
    make: Callable[[Crowd], Call]


def print_costs(app: Flask, size: int) -> None:
    """Fill two organizations of each size, one with global access and one with teams, and print ratios."""
    with app.app_context():
        crowds = {
            (people, is_global): perform(partial(crowd_of, people, is_global=is_global), write=True)
            for people in (SMALL, size)
            for is_global in (False, True)
        }
        db.session.remove()
        settle()
        perform(lambda: _print_decisions(crowds[size, False]), write=False)
        for is_global, readings in ((False, BY_TEAMS), (True, BY_GLOBAL_ACCESS)):
            for reading in readings:
                perform(partial(_print_list, reading, crowds[SMALL, is_global], crowds[size, is_global]), write=False)


def settle() -> None:
    """Let the planner know the tables, as a server does by itself in time; PostgreSQL tidies them up as well."""
    statement = "vacuum analyze" if db.engine.dialect.name == "postgresql" else "analyze"
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(statement)


def _print_decisions(crowd: Crowd) -> None:
    project = db.session.get_one(Project, crowd.project(FIRST))
    member = db.session.get_one(Member, crowd.member(FIRST))
    actor = Actor.of(db.session.get_one(User, member.user_id), ip=None, member=member)
    [(statement, parameters)] = _sent_by(lambda: decide(actor, Scope.PROJECT_READ, project))
    cursor = db.session.connection().connection.cursor()

    def bare() -> None:
        cursor.execute(statement, parameters)
        cursor.fetchall()

    ours, floor = _together(lambda: decide(actor, Scope.PROJECT_READ, project), bare)
    print(f"  {'decide()':<44}{ours * 1e6:>9,.0f} us{floor * 1e6:>9,.0f} us bare {ours / floor:>8.1f} times")


def _sent_by(call: Call) -> list[tuple[str, Any]]:
    """Return the statements of a call and their parameters, as the driver gets them."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        sent.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        call()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return sent


def _print_list(reading: Measured, small: Crowd, large: Crowd) -> None:
    took, floor = _together(reading.make(large), reading.make(small))
    label = f"{reading.name} ({large.size:,})"
    print(f"  {label:<44}{took * 1e3:>9.2f} ms{floor * 1e3:>9.2f} ms small{took / floor:>8.2f} times", flush=True)


def _together(first: Call, second: Call) -> tuple[float, float]:
    """Return the seconds each takes, measured in turns: machines change their pace."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for call, taken in zip((first, second), times, strict=True):
            call()
            start = time.perf_counter()
            for _ in range(CALLS):
                call()
            taken.append((time.perf_counter() - start) / CALLS)
    return statistics.median(times[0]), statistics.median(times[1])


def _people(number: int) -> Callable[[Crowd], Call]:
    def make(crowd: Crowd) -> Call:
        project = db.session.get_one(Project, crowd.project(number if number > 0 else crowd.projects + 1))
        return lambda: people_of(project)

    return make


def _projects(number: int) -> Callable[[Crowd], Call]:
    def make(crowd: Crowd) -> Call:
        member = db.session.get_one(Member, crowd.member(number))
        return lambda: projects_of(member)

    return make


def _team(number: int) -> Callable[[Crowd], Call]:
    def make(crowd: Crowd) -> Call:
        organization = db.session.scalars(select(Organization).where(Organization.id == crowd.organization_id)).one()
        wanted = WantedMembers(team=crowd.team(number if number > 0 else crowd.teams + 1))
        return lambda: members_of(organization, wanted, after="", viewer_id=None)

    return make


THE_FEW = 0
BY_TEAMS = (
    Measured("people of a project: three", _people(THE_FEW)),
    Measured("people of a project: all by one team", _people(FIRST)),
    Measured("projects of a member: by teams and a group", _projects(FIRST)),
    Measured("Members tab, team of three", _team(THE_FEW)),
    Measured("Members tab, team of all", _team(FIRST)),
)
BY_GLOBAL_ACCESS = (
    Measured("people of a project: all by global access", _people(FIRST)),
    Measured("projects of a member: by global access", _projects(FIRST)),
)
