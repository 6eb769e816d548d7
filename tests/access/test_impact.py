"""Impact: what a preview says is what the change then does, and the preview itself changes nothing."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import select

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.teams import give, group, make_group, make_project, make_team, memberships, project, team
from tests.support.worlds import Person
from webapp.access import grants
from webapp.access.actor import Actor
from webapp.access.impact import EVERY_PROJECT, MOST_PAIRS, Affected, Impact, Shift, impact_of
from webapp.access.roles import LOWEST_LEVEL, Scope
from webapp.db import db
from webapp.errors import LastOwner
from webapp.models import Member, Organization, Project, Role
from webapp.queries.impact import by_project
from webapp.services import access_groups, bulk, members, projects, removals, teams
from webapp.services.bulk import ManyChange, MemberAction
from webapp.services.restriction import How, Wish

Step = Callable[[Actor, Organization], object]


@dataclass(frozen=True)
class Red:
    """Team Red with Payroll and Rota; Blue owns Payroll too; a group of Red lets the member write Rota."""

    red: int
    blue: int
    payroll: int
    rota: int
    writers: int


@pytest.fixture
def red(acme: Acme) -> Red:
    """Teams in which the member has no global access, so that every grant counts."""
    acme.change(acme.member, has_global_access=False)
    acme.change(acme.admin, has_global_access=False)
    number, blue = make_team(acme, "Red", acme.member, acme.admin), make_team(acme, "Blue", acme.member)
    payroll, rota = make_project(acme, "Payroll", number), make_project(acme, "Rota", number)
    give(acme, payroll, number, blue)
    give(acme, rota, number, make_team(acme, "Green"))
    writers = make_group(acme, number, "Writers", Role.ADMIN, ([rota], [acme.member]))
    return Red(number, blue, payroll, rota, writers)


def preview(acme: Acme, step: Step) -> Impact:
    """Ask what a step of the owner would do to anybody and anything in Acme."""

    def ask(actor: Actor, here: Organization) -> Impact:
        everybody = db.session.scalars(select(Member.id).where(Member.organization_id == here.id)).all()
        return impact_of(lambda: step(actor, here), Affected(here.id, everybody))

    found: Impact = acme.act(acme.owner, ask)
    return found


def levels(acme: Acme) -> dict[tuple[int, int], Role | None]:
    """Return what each person reaches on each project, as decisions say it one by one."""

    def read() -> dict[tuple[int, int], Role | None]:
        here = acme.organization()
        people = db.session.scalars(select(Member).where(Member.organization_id == here.id)).all()
        things = db.session.scalars(select(Project).where(Project.organization_id == here.id)).all()
        found = {}
        for person in people:
            for thing in things:
                why = grants.explain(person.user_id, thing, Scope.PROJECT_READ)
                found[person.id, thing.id] = why.level if not why.blockers else None
        return found

    seen: dict[tuple[int, int], Role | None] = acme.world.read(read)
    return seen


def one(here: Organization, person: Person) -> Member:
    return memberships(here, [person])[0]


STEPS: dict[str, Callable[[Acme, Red], Step]] = {
    "remove a member": lambda acme, red: lambda a, here: removals.remove(a, here, one(here, acme.member)),
    "suspend a member": lambda acme, red: lambda a, here: members.suspend(a, here, one(here, acme.admin)),
    "raise a role": lambda acme, red: (
        lambda a, here: members.change_role(a, here, one(here, acme.member), Role.MANAGER)
    ),
    "remove a team": lambda acme, red: lambda a, here: teams.remove(a, here, team(red.red)),
    "take out of a team": lambda acme, red: (
        lambda a, here: teams.take_out(a, here, team(red.blue), memberships(here, [acme.member]))
    ),
    "remove a group": lambda acme, red: lambda a, here: access_groups.remove(a, here, group(red.writers)),
    "take a project from a team": lambda acme, red: (
        lambda a, here: projects.set_teams(a, here, project(red.payroll), [team(red.blue)])
    ),
}


@pytest.mark.parametrize("which", STEPS)
def test_preview_says_what_the_change_does_and_changes_nothing(acme: Acme, red: Red, which: str) -> None:
    step, before = STEPS[which](acme, red), levels(acme)
    with acme.unchanged():
        entries = acme.events()
        said = preview(acme, step)
        assert acme.events() == entries
    acme.act(acme.owner, step)
    after = levels(acme)
    changed = {pair: (before[pair], after.get(pair)) for pair in before if before[pair] is not after.get(pair)}
    shown = {(s.member_id, s.project_id): (s.before, s.after) for s in said.shifts if s.project_id != EVERY_PROJECT}
    everywhere = {shift.member_id for shift in said.shifts if shift.project_id == EVERY_PROJECT}
    assert {member for member, _project in changed.keys() - shown.keys()} <= everywhere
    assert shown.items() <= changed.items()


ENDS = {"archive": (projects.archive, Role.ADMIN), "remove": (projects.remove, Role.MEMBER)}


@pytest.mark.parametrize("which", ENDS)
def test_end_of_a_project_is_said_to_whoever_reaches_it_also_by_global_access(acme: Acme, red: Red, which: str) -> None:
    end, level = ENDS[which]
    make_group(acme, red.red, "Leaders", Role.MANAGER, ([red.payroll], [acme.member]))

    def ask(actor: Actor, here: Organization) -> Impact:
        return impact_of(lambda: end(actor, here, project(red.payroll)), by_project(project(red.payroll), level))

    before = allowed(acme, red.payroll)
    with acme.unchanged():
        said: Impact = acme.act(acme.owner, ask)
    acme.act(acme.owner, lambda a, here: end(a, here, project(red.payroll)))
    after = allowed(acme, red.payroll)
    changed = {member: (before[member], after[member]) for member in before if before[member] != after[member]}
    shown = {(s.member_id, s.project_id): (scopes(s.before), scopes(s.after)) for s in said.shifts}
    assert shown == {(member, red.payroll): scopes for member, scopes in changed.items()}
    assert set(changed) == {acme.member_id(one) for one in (acme.owner, acme.manager, acme.admin, acme.member)}


def allowed(acme: Acme, number: int) -> dict[int, set[Scope]]:
    """Return what each person may do on a project, as decisions say it one by one; nothing where it is gone."""

    def read() -> dict[int, set[Scope]]:
        here, thing = acme.organization(), db.session.get(Project, number)
        people = db.session.scalars(select(Member).where(Member.organization_id == here.id)).all()
        return {
            one.id: {scope for scope in LOWEST_LEVEL if thing and grants.decide(one.user_id, thing, scope)}
            for one in people
        }

    found: dict[int, set[Scope]] = acme.world.read(read)
    return found


def scopes(level: Role | None) -> set[Scope]:
    return {scope for scope, lowest in LOWEST_LEVEL.items() if level is not None and lowest <= level}


def test_leaving_one_of_two_teams_takes_nothing_that_the_other_gives(acme: Acme, red: Red) -> None:
    said = preview(acme, STEPS["take out of a team"](acme, red))
    assert said.shifts == ()
    assert not said.takes_away


def test_losses_are_named_with_both_levels(acme: Acme, red: Red) -> None:
    said = preview(acme, STEPS["remove a group"](acme, red))
    assert said.shifts == (Shift(acme.member_id(acme.member), red.rota, Role.ADMIN, Role.MEMBER),)
    assert said.takes_away


def test_global_access_is_one_symbol(acme: Acme, red: Red) -> None:
    said = preview(acme, lambda a, here: members.suspend(a, here, one(here, acme.manager)))
    assert said.shifts == (Shift(acme.member_id(acme.manager), EVERY_PROJECT, Role.MANAGER, None),)


def test_digest_stands_for_what_was_said(acme: Acme, red: Red) -> None:
    step = STEPS["remove a team"](acme, red)
    first = preview(acme, step)
    assert preview(acme, step).digest() == first.digest()
    acme.act(acme.owner, STEPS["remove a group"](acme, red))
    assert preview(acme, step).digest() != first.digest()


def test_change_of_more_pairs_than_are_compared_is_counted_and_never_tried(acme: Acme, red: Red) -> None:
    people = crowds.join(acme, [(f"Person {n}", f"p{n}@example.net") for n in range(MOST_PAIRS // 100 + 1)])

    def fill(actor: Actor, here: Organization) -> None:
        for n in range(100):
            projects.create(actor, here, team(red.red), f"Project {n}")
        everybody = db.session.scalars(select(Member).where(Member.id.in_(people))).all()
        for member in everybody:
            member.has_global_access = False
        db.session.flush()
        teams.add(actor, here, team(red.red), everybody)

    def never(_actor: Actor, _here: Organization) -> object:
        raise AssertionError("it was tried")

    acme.act(acme.owner, fill)
    said = preview(acme, never)
    assert (said.is_counted, said.takes_away, said.shifts) == (True, True, ())


@pytest.mark.parametrize(
    ("people", "projects"), [(0, MOST_PAIRS + 1), (MOST_PAIRS + 1, 0)], ids=["nobody", "nothing to open"]
)
@pytest.mark.parametrize("is_of_projects", [True, False])
def test_change_that_can_concern_nobody_takes_nothing_away_however_much_there_is(
    acme: Acme, people: int, projects: int, *, is_of_projects: bool
) -> None:
    def ask(_actor: Actor, here: Organization) -> Impact:
        return impact_of(lambda: None, Affected(here.id, range(1, people + 1), range(1, projects + 1), is_of_projects))

    said = acme.act(acme.owner, ask)
    assert (said.is_counted, said.takes_away, said.shifts) == (False, False, ())


def test_refused_change_has_no_impact_and_changes_nothing(acme: Acme, red: Red) -> None:
    def lead_away(actor: Actor, here: Organization) -> object:
        return removals.leave(actor, here)

    with acme.unchanged(), pytest.raises(LastOwner):
        preview(acme, lead_away)


WISHES = [Wish(reach, frozenset(), how) for reach in (None, True, False) for how in How]
CHANGES = [
    ManyChange(MemberAction.ROLE, Role.MANAGER),
    ManyChange(MemberAction.ROLE, Role.OWNER),
    *(ManyChange(MemberAction.TEAMS, wish=wish) for wish in WISHES),
    *(ManyChange(action) for action in (MemberAction.SUSPEND, MemberAction.RESTORE, MemberAction.REMOVE)),
]


def named(change: ManyChange) -> str:
    return f"{change.action}-{change.role.label}-{change.wish.has_global_access}-{change.wish.how}"


@pytest.mark.parametrize("of_blue", CHANGES, ids=[named(change) for change in CHANGES])
def test_what_is_rehearsed_of_many_members_comes_to_what_the_change_comes_to(
    acme: Acme, red: Red, of_blue: ManyChange
) -> None:
    make_project(acme, "Ledger", red.blue)
    change = replace(of_blue, wish=replace(of_blue.wish, teams=frozenset({red.blue})))
    chosen = [acme.suspended] if change.action is MemberAction.RESTORE else [acme.member, acme.admin, acme.manager]
    rehearsed = preview(acme, lambda _actor, here: bulk.rehearse(memberships(here, chosen), change))
    done = preview(acme, lambda actor, here: bulk.apply(actor, here, memberships(here, chosen), change))
    assert rehearsed.shifts == done.shifts
    assert rehearsed.shifts


def test_each_action_on_many_members_is_compared_with_its_rehearsal() -> None:
    assert {change.action for change in CHANGES} == set(MemberAction)
