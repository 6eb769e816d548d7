"""Plug-ins: what they may say, what they are told, and what they can never open."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from tests.access.test_grants import EVERY_DATABASE, model, plain_organizations, stored
from tests.queries.test_words import organization
from tests.support.acme import Acme
from tests.support.plugins import NO, YES, Decider, install, install_sample, installed
from tests.support.statements import queries
from tests.support.teams import make_project, make_team, make_teams, project, team
from tests.support.worlds import Person
from webapp import create_app
from webapp.access import grants, plugins
from webapp.access.actor import Actor
from webapp.access.decide import decide, teams_with
from webapp.access.facts import MemberFacts, ResourceFacts
from webapp.access.plugins import Opinion, hookimpl
from webapp.access.roles import LOWEST_LEVEL, Scope
from webapp.config import BadSetting
from webapp.db import db
from webapp.models import Organization, Role, User
from webapp.services import projects


@pytest.fixture
def payroll(acme: Acme) -> int:
    """A project of a team that only the owner is in."""
    return make_project(acme, "Payroll", make_team(acme, "Red"))


@pytest.fixture
def none_loaded() -> Iterator[None]:
    """Forgets which plug-ins are installed, before and after."""
    plugins.manager.cache_clear()
    yield
    plugins.manager.cache_clear()


def decided(acme: Acme, person: Person, scope: Scope, number: int | None = None, slug: str | None = None) -> bool:
    """Decide about Acme, or the project with this number."""

    def ask(actor: Actor, here: Organization) -> bool:
        return decide(actor, scope, project(number) if number else here)

    return bool(acme.act(person, ask, slug))


def explained(acme: Acme, person: Person, scope: Scope, number: int) -> grants.Decision:
    found: grants.Decision = acme.world.read(lambda: grants.explain(person.user_id, project(number), scope))
    return found


@EVERY_DATABASE
@given(plain=plain_organizations(), said=st.lists(st.sampled_from([YES, NO, None]), max_size=3))
def test_answers_and_explanations_agree_whatever_plug_ins_say(
    app: Flask, plain: dict[str, Any], said: list[Opinion | None]
) -> None:
    names = {f"plugin{number}": Decider(opinion) for number, opinion in enumerate(said)}
    voices = [opinion.allows for opinion in said if opinion]
    with organization(app) as acme, installed(**names):
        members, things, _numbers = stored(acme, plain)
        for m, member in enumerate(members):
            actor = Actor.of(db.session.get_one(User, member.user_id), ip=None, member=member)
            for p, thing in enumerate(things):
                paths, blocked = model(plain, m, p)
                for scope, lowest in LOWEST_LEVEL.items():
                    blocking = blocked - ({"archived"} if scope is Scope.PROJECT_READ else set())
                    by_table = any(level >= lowest for _, _, level in paths)
                    expected = not blocking and (all(voices) if voices else by_table)
                    assert grants.decide(member.user_id, thing, scope) is expected
                    assert decide(actor, scope, thing) is expected
                    why = grants.explain(member.user_id, thing, scope)
                    assert why.is_allowed is expected
                    assert [opinion.allows for opinion in why.opinions].count(True) == voices.count(True)


def test_one_that_denies_is_final_and_else_one_that_allows_is_enough(acme: Acme, payroll: int) -> None:
    acme.change(acme.member, has_global_access=False)
    assert not decided(acme, acme.member, Scope.PROJECT_ADMIN, payroll)
    assert not decided(acme, acme.member, Scope.ORG_WRITE)
    with installed(silent=Decider(None), kind=Decider(YES)):
        assert decided(acme, acme.member, Scope.PROJECT_ADMIN, payroll)
        assert decided(acme, acme.member, Scope.ORG_WRITE)
        with installed(strict=Decider(NO)):
            assert not decided(acme, acme.owner, Scope.PROJECT_READ, payroll)
            assert not decided(acme, acme.owner, Scope.ORG_READ)
            why = explained(acme, acme.owner, Scope.PROJECT_READ, payroll)
    assert {(o.plugin, o.allows, o.reason) for o in why.opinions} == {
        ("kind", True, "because"),
        ("strict", False, "not today"),
    }


def test_plug_ins_are_told_plain_values(acme: Acme, payroll: int) -> None:
    acme.change(acme.member, has_global_access=False)
    decider = Decider(None)
    with installed(listening=decider):
        assert not decided(acme, acme.member, Scope.PROJECT_READ, payroll)
        assert decided(acme, acme.member, Scope.ORG_READ)
    who = MemberFacts(
        acme.member_id(acme.member), acme.member.user_id, acme.member.name, Role.MEMBER, "acme", acme.member.email
    )
    here = acme.world.read(acme.organization)
    assert decider.asked == [
        (who, Scope.PROJECT_READ, ResourceFacts("project", payroll, "payroll", "Payroll")),
        (who, Scope.ORG_READ, ResourceFacts("organization", here.id, "acme", "Acme")),
    ]


@pytest.mark.parametrize("scope", Scope)
def test_plug_in_opens_nothing_for_strangers_suspended_people_and_closed_accounts(
    acme: Acme, payroll: int, scope: Scope
) -> None:
    decider = Decider(YES)
    number = payroll if scope in LOWEST_LEVEL else None
    with installed(kind=decider):
        assert decided(acme, acme.member, scope, number)
        decider.asked.clear()
        assert not decided(acme, acme.suspended, scope, number)
        assert not acme.act(
            acme.stranger,
            lambda actor, _umbra: decide(actor, scope, project(payroll) if number else acme.organization()),
            acme.other_slug,
        )
        assert not decider.asked
        if number:
            acme.deactivate(acme.member)
            assert not decided(acme, acme.member, scope, number)
            assert not acme.world.read(lambda: grants.decide(acme.stranger.user_id, project(payroll), scope))


def test_plug_in_lifts_no_blocker(acme: Acme, payroll: int) -> None:
    acme.act(acme.owner, lambda actor, here: projects.archive(actor, here, project(payroll)))
    with installed(kind=Decider(YES)):
        assert decided(acme, acme.member, Scope.PROJECT_READ, payroll)
        assert not decided(acme, acme.member, Scope.PROJECT_WRITE, payroll)
        why = explained(acme, acme.member, Scope.PROJECT_WRITE, payroll)
    assert (why.is_allowed, why.blockers, len(why.opinions)) == (False, ("archived",), 1)


# The last one is an opinion of the wrong type, as only a faulty plug-in makes it.
@pytest.mark.parametrize("fault", [RuntimeError("password=hunter2"), "yes", True, Opinion("yes", "")])  # type: ignore[arg-type]
def test_plug_in_that_fails_denies_and_its_words_stay_out_of_the_log(
    acme: Acme, payroll: int, fault: object, caplog: pytest.LogCaptureFixture
) -> None:
    with installed(broken=Decider(fault), kind=Decider(YES)), caplog.at_level(logging.ERROR):
        assert not decided(acme, acme.owner, Scope.PROJECT_READ, payroll)
        assert not decided(acme, acme.owner, Scope.ORG_READ)
        why = explained(acme, acme.owner, Scope.PROJECT_READ, payroll)
    assert Opinion(False, "plug-in failed", "broken") in why.opinions
    assert not why.is_allowed
    assert caplog.text.count("The plug-in broken failed") == 3
    assert "hunter2" not in caplog.text


def test_system_is_not_asked_about(acme: Acme, payroll: int) -> None:
    decider = Decider(NO)
    with installed(strict=decider):
        assert acme.world.read(lambda: decide(Actor.system(), Scope.PROJECT_WRITE, project(payroll)))
    assert not decider.asked


def test_decision_costs_no_statement_more_without_plug_ins_and_one_with_them(acme: Acme, payroll: int) -> None:
    def statements(actor: Actor, here: Organization) -> int:
        thing = project(payroll)
        with queries(acme.world.app) as found:
            assert decide(actor, Scope.ORG_READ, here)
            assert decide(actor, Scope.PROJECT_READ, thing)
        return len(found)

    assert acme.act(acme.member, statements) == 1
    with installed(silent=Decider(None)):
        assert acme.act(acme.member, statements) == 3


def test_sample_is_loaded_by_its_entry_point(
    acme: Acme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, none_loaded: None
) -> None:
    for folder in install_sample(tmp_path):
        monkeypatch.syspath_prepend(folder)
    contractor = acme.world.person("Cora Contractor", "cora@contractor.example")
    acme.world.member(acme.slug, contractor, Role.ADMIN)
    assert plugins.sources() == {"contractors"}
    assert not decided(acme, contractor, Scope.MEMBER_INVITE)
    assert decided(acme, contractor, Scope.TEAM_CREATE)
    assert decided(acme, acme.admin, Scope.MEMBER_INVITE)


def test_plug_in_with_the_name_of_another_source_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, none_loaded: None
) -> None:
    (tmp_path / "vestibule_taken.py").write_text("")
    install(tmp_path, "vestibule_taken", {"sso": "vestibule_taken"})
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BadSetting, match="A plug-in is called sso"):
        plugins.manager()


@pytest.mark.parametrize("source", ["import vestibule_nothing_of_this_name", "raise RuntimeError('no licence')"])
def test_plug_in_that_cannot_be_loaded_stops_the_start(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, none_loaded: None
) -> None:
    (tmp_path / "vestibule_broken.py").write_text(source)
    install(tmp_path, "vestibule_broken", {"broken": "vestibule_broken"})
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BadSetting, match="A plug-in cannot be loaded"):
        create_app()


def test_plug_in_that_implements_what_there_is_not_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, none_loaded: None
) -> None:
    (tmp_path / "vestibule_typo.py").write_text(
        "from webapp.access.plugins import hookimpl\n@hookimpl\ndef vestibule_decid(actor): ...\n"
    )
    install(tmp_path, "vestibule_typo", {"typo": "vestibule_typo"})
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BadSetting, match="vestibule_decid"):
        plugins.manager()


def test_plug_in_names_the_arguments_it_needs(acme: Acme) -> None:
    class Terse:
        @hookimpl
        def vestibule_decide(self, scope: Scope) -> Opinion | None:
            return NO if scope is Scope.AUDIT_READ else None

    with installed(terse=Terse()):
        assert not decided(acme, acme.owner, Scope.AUDIT_READ)
        assert decided(acme, acme.owner, Scope.ORG_WRITE)


def test_plug_ins_are_told_once_who_asks_about_many_teams(acme: Acme) -> None:
    numbers = make_teams(acme, [f"Team {number}" for number in range(20)])
    decider = Decider(None)

    def statements(actor: Actor, _here: Organization) -> int:
        teams = [team(number) for number in numbers]
        with queries(acme.world.app) as found:
            assert teams_with(actor, Scope.TEAM_WRITE, teams) == teams
        return len(found)

    with installed(decider=decider):
        assert acme.act(acme.manager, statements) == 1
    assert (len(decider.asked), {asked[0].name for asked in decider.asked}) == (20, {"Mona Manager"})
