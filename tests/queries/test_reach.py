"""Searching for those who may open a project."""

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.teams import make_project, make_team
from webapp.db import db
from webapp.models import Project
from webapp.queries.reach import people_found


def test_search_finds_those_who_may_open_a_project_and_nobody_else(acme: Acme) -> None:
    for person in (acme.member, acme.admin):
        acme.change(person, has_global_access=False)
    red = make_team(acme, "Red", acme.member)
    payroll = make_project(acme, "Payroll", red)
    crowds.join(acme, [(f"Mina {n}", f"mina{n}@example.net") for n in range(60)])

    def found(q: str) -> list[str]:
        def read() -> list[str]:
            names, after = [], ""
            while True:
                page = people_found(db.session.get_one(Project, payroll), q, after=after)
                names += [row.name for row in page.rows]
                if page.next is None:
                    return names
                after = page.next

        names: list[str] = acme.world.read(read)
        return names

    assert len(found("mina")) == len(set(found("mina"))) == 61
    assert found("mina member") == ["Mina Member"]
    assert found("adam") == found("sam") == []
    assert set(found("!?")) > {"Mina Member", "Olive Owner"}
