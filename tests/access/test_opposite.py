"""The opposite answer: all of what is named turns it, less does not, and it is said in words."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.acme import Acme
from tests.support.plugins import NO, YES, Decider, installed
from tests.support.teams import make_group, make_project, make_team, memberships, project, team
from webapp.access import grants, sentences
from webapp.access.grants import Decision, Path
from webapp.access.opposite import Opposite, opposite_of
from webapp.access.roles import LOWEST_LEVEL, Scope
from webapp.models import Role
from webapp.services import members, projects, teams

PATHS = st.builds(Path, st.sampled_from(grants.KINDS), st.integers(1, 9), st.just("Red"), st.sampled_from(Role))
VOICES = st.lists(st.sampled_from([replace(YES, plugin="kind"), replace(NO, plugin="strict")]), max_size=3)
DECISIONS = st.builds(
    Decision,
    st.sampled_from(list(LOWEST_LEVEL)),
    st.lists(PATHS, max_size=3, unique=True).map(tuple),
    st.sets(st.sampled_from([blocker.kind for blocker in grants.BLOCKERS])).map(tuple),
    VOICES.map(tuple),
)


def changed(decision: Decision, by: Opposite) -> Decision:
    """Return the decision once everything that is named has changed; each thing goes as often as it is named."""
    opinions = list(decision.opinions)
    for one in by.opinions:
        opinions.remove(one)
    paths = tuple(path for path in decision.paths if path not in by.paths)
    if by.missing:
        paths += (Path("group", 0, "New", by.missing),)
    return replace(
        decision,
        paths=paths,
        blockers=tuple(kind for kind in decision.blockers if kind not in by.blockers),
        opinions=tuple(opinions),
    )


def parts(of: Opposite) -> list[Opposite]:
    """Return it with one of its parts left out, in every way."""
    found = [replace(of, missing=None)] if of.missing else []
    for name in ("paths", "opinions", "blockers"):
        named = getattr(of, name)
        found += [replace(of, **{name: named[:n] + named[n + 1 :]}) for n in range(len(named))]
    return found


@given(DECISIONS)
def test_everything_named_turns_the_answer_and_nothing_less_does(decision: Decision) -> None:
    named = opposite_of(decision)
    assert named.answer is not decision.is_allowed
    assert changed(decision, named).is_allowed is named.answer
    for part in parts(named):
        assert changed(decision, part).is_allowed is not named.answer


def explained(acme: Acme, number: int, scope: Scope) -> Decision:
    found: Decision = acme.world.read(lambda: grants.explain(acme.member.user_id, project(number), scope))
    return found


def said(decision: Decision, owners: Sequence[str] = ()) -> list[str]:
    """Return what would turn a decision about a project of some teams, line by line."""
    return [
        str(line)
        for heading, listed in sentences.opposite(opposite_of(decision), owners)
        for line in (heading, *listed)
    ]


@pytest.fixture
def payroll(acme: Acme) -> tuple[int, list[int]]:
    """A project of the teams Finance and Payroll, which the member reaches through both; the ids of all three."""
    acme.change(acme.member, has_global_access=False)
    owners = [make_team(acme, name, acme.member) for name in ("Finance", "Payroll")]
    number = make_project(acme, "Payroll", owners[0])
    acme.act(acme.owner, lambda a, here: projects.set_teams(a, here, project(number), [team(n) for n in owners]))
    return number, owners


def leave(acme: Acme, number: int) -> None:
    acme.act(acme.owner, lambda a, here: teams.take_out(a, here, team(number), memberships(here, [acme.member])))


def test_leaving_one_of_two_teams_is_not_enough(acme: Acme, payroll: tuple[int, list[int]]) -> None:
    number, [finance, other] = payroll
    assert said(explained(acme, number, Scope.PROJECT_READ)) == [
        "To end one of these is not enough. The answer would be no without all of them:",
        "the team Finance, at the level member",
        "the team Payroll, at the level member",
    ]
    leave(acme, other)
    why = explained(acme, number, Scope.PROJECT_READ)
    assert why.is_allowed
    assert said(why) == ["The answer would be no without this:", "the team Finance, at the level member"]
    leave(acme, finance)
    why = explained(acme, number, Scope.PROJECT_READ)
    assert not why.is_allowed
    assert said(why, ["Finance", "Payroll"]) == [
        "No grant gives anything. One at the level member is needed. Any of these gives it:",
        "being in a team that owns the project: Finance, Payroll",
        "being in an access group that holds the project",
        "global access",
    ]


def test_role_or_level_is_named_where_the_lowest_does_not_do_and_few_teams(
    acme: Acme, payroll: tuple[int, list[int]]
) -> None:
    number, owners = payroll
    for owner in owners:
        leave(acme, owner)
    assert said(explained(acme, number, Scope.PROJECT_WRITE), ["Amber", "Blue", "Coral", "Denim"]) == [
        "No grant gives anything. One at the level admin is needed. Any of these gives it:",
        "being in a team that owns the project, with the role admin or above: Amber, Blue, Coral and 1 more",
        "being in an access group that holds the project, at the level admin or above",
        "global access, with the role admin or above",
    ]


def test_each_way_that_is_named_gives_a_project(acme: Acme, payroll: tuple[int, list[int]]) -> None:
    number, owners = payroll
    for owner in owners:
        leave(acme, owner)
    assert list(sentences.GIVING) == ["team", "group", "global"]
    acme.change(acme.member, has_global_access=True)
    assert explained(acme, number, Scope.PROJECT_READ).is_allowed
    acme.change(acme.member, has_global_access=False)
    made = make_group(acme, owners[0], "Readers", Role.MEMBER, ([number], [acme.member]))
    assert [path.container_id for path in explained(acme, number, Scope.PROJECT_READ).sufficient] == [made]


def test_whoever_is_no_member_would_have_to_become_one_first(acme: Acme, payroll: tuple[int, list[int]]) -> None:
    number, _owners = payroll
    why = acme.world.read(lambda: grants.explain(acme.stranger.user_id, project(number), Scope.PROJECT_READ))
    assert said(why)[0] == "They would have to become a member of the organization first."


def test_missing_level_is_named_with_the_highest_there_is(acme: Acme, payroll: tuple[int, list[int]]) -> None:
    number, [finance, _other] = payroll
    why = explained(acme, number, Scope.PROJECT_WRITE)
    assert said(why) == ["The grants give the level member. One at the level admin is needed."]
    assert opposite_of(why) == Opposite(True, missing=Role.ADMIN, highest=Role.MEMBER)
    make_group(acme, finance, "Writers", Role.ADMIN, ([number], [acme.member]))
    why = explained(acme, number, Scope.PROJECT_WRITE)
    assert said(why) == ["The answer would be no without this:", "the access group Writers, at the level admin"]


def test_blockers_are_named_and_whether_a_grant_would_then_do(acme: Acme, payroll: tuple[int, list[int]]) -> None:
    number, [finance, _other] = payroll
    acme.act(acme.owner, lambda a, here: projects.archive(a, here, project(number)))
    acme.act(acme.owner, lambda a, here: members.suspend(a, here, memberships(here, [acme.member])[0]))
    assert said(explained(acme, number, Scope.PROJECT_READ)) == [
        "The answer would be yes without this:",
        "the membership is suspended",
    ]
    assert said(explained(acme, number, Scope.PROJECT_WRITE)) == [
        "These would have to go before any grant counts:",
        "the membership is suspended",
        "the project is archived, so it can only be read",
        "The grants give the level member. One at the level admin is needed.",
    ]
    acme.act(acme.owner, lambda a, here: projects.unarchive(a, here, project(number)))
    make_group(acme, finance, "Writers", Role.ADMIN, ([number], [acme.member]))
    acme.act(acme.owner, lambda a, here: members.restore(a, here, memberships(here, [acme.member])[0]))
    assert explained(acme, number, Scope.PROJECT_WRITE).is_allowed


def test_plug_ins_are_named_with_their_reasons(acme: Acme, payroll: tuple[int, list[int]]) -> None:
    number, _owners = payroll
    with installed(kind=Decider(YES)):
        assert said(explained(acme, number, Scope.PROJECT_WRITE)) == [
            "The answer would be no without this:",
            "the plug-in kind says yes: because",
        ]
        with installed(strict=Decider(NO)):
            assert said(explained(acme, number, Scope.PROJECT_WRITE)) == [
                "The answer would be yes without this:",
                "the plug-in strict says no: not today",
            ]


def test_every_grant_and_blocker_has_its_words() -> None:
    assert set(sentences.PATHS) == set(grants.KINDS)
    assert set(sentences.BLOCKERS) == {blocker.kind for blocker in grants.BLOCKERS}


def test_sentence_is_said_in_any_language() -> None:
    everywhere = sentences.path(Path("global", 1, "Acme", Role.OWNER))
    german = {everywhere.message: "globaler Zugriff, auf der Stufe %(level)s"}
    names = {Role.OWNER: "Inhaber"}.__getitem__
    assert everywhere.said(german.__getitem__, names, listed) == "globaler Zugriff, auf der Stufe Inhaber"
    in_teams = sentences.Sentence("in: %(teams)s", {"teams": ("Amber", "Blue", "Coral", "Denim")})
    assert in_teams.said(str, names, listed) == "in: Amber und Blue und Coral und 1 mehr"


def listed(names: Sequence[str], most: int) -> str:
    """Return names in another language than English."""
    return " und ".join([*names[:most], f"{len(names) - most} mehr"])
