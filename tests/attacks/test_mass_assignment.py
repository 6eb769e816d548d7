"""D07: a form takes its own fields. Every column of every table is added to each of them, and none arrives."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import cache, partial
from typing import Any
from uuid import uuid4

from sqlalchemy import Boolean, Column, DateTime, Enum, Integer, text, update

from tests.support.acme import Acme
from tests.support.routes import Route, Routes
from tests.support.tabs import ENDING, Tab
from tests.support.worlds import PASSWORD, Person, World
from webapp.db import db
from webapp.models import Enforcement, IdentityProvider, Joining, Organization, Role
from webapp.models.member import RoleColumn
from webapp.services.organizations import OrganizationSettings

NEW_PASSWORD = "pale blue lantern orchard"
NUMBER, TEXT, TIME = "987654321", "assigned by nobody", "2001-02-03T04:05:06+00:00"
TRACES = (NUMBER, TEXT, "2001-02-03", "2001, 2, 3")
# Forms that store something, where the request of the route would be refused.
FORMS = {
    "accounts.reset_password": {"password": NEW_PASSWORD},
    "accounts.change_password": {"current_password": PASSWORD, "password": NEW_PASSWORD},
    "members.leave": {"confirm": "1"},
}
# What a form may hold besides that.
OPTIONAL = {
    "organizations.update": {field.name for field in fields(OrganizationSettings)},
    "invites.create": {"has_global_access"},
    "additions.create": {"has_global_access"},
}

States = Counter[tuple[str, str]]


def columns() -> Iterator[Column[Any]]:
    """Yield every column of every table."""
    for table in db.metadata.sorted_tables:
        yield from table.columns


def wanted(column: Column[Any], answer: str) -> str:
    """Return what an attacker would like to see in a column; `answer` is for those that hold yes or no."""
    if isinstance(column.type, Boolean):
        return answer
    if isinstance(column.type, RoleColumn):
        return Role.OWNER.label
    if isinstance(column.type, Enum):
        return str(column.type.enums[-1])
    if isinstance(column.type, Integer):
        return NUMBER
    return TIME if isinstance(column.type, DateTime) else TEXT


def is_of_few(column: Column[Any]) -> bool:
    return isinstance(column.type, (Boolean, Enum, RoleColumn))


def states(world: World) -> States:
    """Count the rows of each table by their columns of few values: roles, states, yes and no."""

    def read() -> States:
        found: States = Counter()
        for table, values, number in db.session.execute(text(" UNION ALL ".join(_counted()))):
            # How many sessions a form ends depends on how many there were.
            found[table, values] = number if table != "session" else 1
        return found

    counted: States = world.read(read)
    return counted


def _counted() -> Iterator[str]:
    """Yield for each table what counts its rows by those values, as one text."""
    for table in db.metadata.sorted_tables:
        few = [f"""coalesce(CAST("{name}" AS text), '')""" for name, column in table.c.items() if is_of_few(column)]
        if few:
            values = " || ',' || ".join(few)
            yield f"""SELECT '{table.name}', {values} AS few, count(*) FROM "{table.name}" GROUP BY few"""


def sender(acme: Acme, routes: Routes, route: Route) -> Person | None:
    """Return somebody who may send a form and for whom it changes something."""
    if route.endpoint in ("members.leave", "accounts.change_password"):
        once = acme.world.person("Nora Once", f"once-{uuid4().hex}@example.org")
        acme.world.member(acme.slug, once, Role.ADMIN)
        return once
    others = {"accounts.login": None, "accounts.reset_password": None, "requests.create": acme.member}
    return others.get(route.endpoint, acme.owner)


def _settle() -> None:
    """Let organizations and connections have the policies they begin with, so that a form changes them each time."""
    policies = {"address_match_required": True, "invitation_reminders": True, "join_requests_allowed": True}
    db.session.execute(update(Organization).values(**policies))
    begun = {"joining": Joining.INVITED, "default_role": Role.MEMBER, "enforcement": Enforcement.OFF}
    db.session.execute(update(IdentityProvider).values(**begun))


def sent(
    acme: Acme, routes: Routes, tabs: Callable[[Person | None], Tab], route: Route, extra: dict[str, str]
) -> tuple[int, States, States]:
    """Send a form of its own fields and `extra` ones; return the status, what came and what went."""
    request, tab = routes.request(route), tabs(sender(acme, routes, route))
    own = FORMS.get(route.endpoint, request.form)
    if route.endpoint == "accounts.login":
        own = {"email": acme.manager.email, "password": PASSWORD}
    acme.world.write(_settle)
    allowed = {*own, *OPTIONAL.get(route.endpoint, ())}
    more = {name: value for name, value in extra.items() if name not in allowed}
    before = states(acme.world)
    answer = tab.browser.post(request.path, data=tab.form({**more, **own}), query_string=more)
    after = states(acme.world)
    is_out = "/login" in answer.headers.get("Location", "")
    assert not is_out or route.endpoint in ENDING, f"{route}: signed out"
    tab.after(route)
    return answer.status_code, after - before, before - after


def test_D07_no_form_takes_a_column_that_is_none_of_its_fields(world: World, acme: Acme, routes: Routes) -> None:
    """A form of all of them at once would be refused for its size: each has half, and empty the yes of the others."""
    yes, no = ({column.name: wanted(column, answer) for column in columns()} for answer in ("y", ""))
    assert len(yes) > 100
    refused = {name: answer for name, answer in no.items() if answer != yes[name]}
    extras = [{**refused, **dict(list(yes.items())[half::2])} for half in (0, 1)]
    assert all(len({extra.get(name) for extra in extras} & {"y", ""}) == 2 for name in refused)
    tabs = cache(partial(Tab, world))
    for route in routes:
        if route.method == "POST":
            plain, *crowded = (sent(acme, routes, tabs, route, more) for more in ({}, *extras))
            assert crowded == [plain] * len(extras), route
            stored = repr(world.dump(without={"alembic_version"}))
            assert [trace for trace in TRACES if trace in stored] == [], route
