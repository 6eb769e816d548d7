"""vestibule sync: what plug-ins say about people becomes the contents of access groups."""

from pathlib import Path

import pytest
from sqlalchemy import select

from tests.support.acme import Acme
from tests.support.commands import Command
from tests.support.plugins import install, install_sample
from tests.support.teams import make_project, make_team
from webapp.db import db
from webapp.models import AccessGroup, GroupMember, Role

BROKEN = """
from webapp.access.plugins import hookimpl

@hookimpl
def vestibule_managed_groups(member):
    if member.organization == "acme":
        raise RuntimeError("password=hunter2")
"""

PATIENT = """
from webapp.access.plugins import hookimpl
from webapp.db import is_transaction_open

@hookimpl
def vestibule_managed_groups(member):
    if is_transaction_open():
        raise RuntimeError
"""


@pytest.fixture
def cora(acme: Acme) -> int:
    """A contractor in both organizations; the id of their membership in Acme."""
    person = acme.world.person("Cora Contractor", "cora@contractor.example")
    acme.world.member(acme.other_slug, person, Role.MEMBER)
    return acme.world.member(acme.slug, person, Role.MEMBER)


@pytest.fixture
def sample(tmp_path: Path) -> list[str]:
    """The folders in which the sample of the documentation is found, installed."""
    return install_sample(tmp_path)


def contractors(acme: Acme) -> dict[str, list[int]]:
    """Return who is in which access group."""
    found = select(AccessGroup.name, GroupMember.member_id).outerjoin(GroupMember)
    rows = acme.world.read(lambda: db.session.execute(found).all())
    return {name: [number for other, number in rows if other == name and number] for name, _ in rows}


def test_sample_fills_its_group_and_a_second_run_changes_nothing(
    acme: Acme, cora: int, sample: list[str], vestibule: Command
) -> None:
    make_project(acme, "Pumps", make_team(acme, "Field work"))
    ran = vestibule("sync", "--org", acme.slug, found_in=sample)
    assert (ran.status, ran.out, ran.err) == (0, "acme: access groups made or changed: 1\n", "")
    assert contractors(acme) == {"Contractors": [cora]}
    entries = acme.events()
    with acme.unchanged():
        again = vestibule("sync", "--org", acme.slug, found_in=sample)
    assert (again.status, again.out) == (0, "acme: access groups made or changed: 0\n")
    assert acme.events() == entries


def test_what_is_left_out_is_said_for_each_organization(
    acme: Acme, cora: int, sample: list[str], vestibule: Command
) -> None:
    make_project(acme, "Pumps", make_team(acme, "Field work"))
    ran = vestibule("sync", found_in=sample)
    assert ran.status == 1
    assert ran.out.splitlines() == ["acme: access groups made or changed: 1", "umbra: access groups made or changed: 0"]
    assert ran.err == (
        "umbra: contractors: there is no team field-work, so the access group Contractors was left out\n"
    )
    shown = vestibule("sync", "--json", found_in=sample)
    assert (shown.status, shown.err) == (1, "")
    [problem] = shown.json["umbra"]["problems"]
    assert problem == {
        "trouble": "no_team",
        "source": "contractors",
        "team": "field-work",
        "group": "Contractors",
        "project": None,
    }
    assert shown.json["acme"] == {"ok": True, "changed": 0, "problems": []}
    assert shown.json["umbra"] == {"ok": False, "changed": 0, "problems": [problem]}


def test_plug_in_that_fails_leaves_its_organization_and_the_others_have_their_turn(
    acme: Acme, cora: int, tmp_path: Path, vestibule: Command
) -> None:
    (tmp_path / "vestibule_broken.py").write_text(BROKEN)
    install(tmp_path, "vestibule_broken", {"broken": "vestibule_broken"})
    with acme.unchanged():
        ran = vestibule("sync", found_in=[str(tmp_path)])
    assert (ran.status, ran.out) == (1, "umbra: access groups made or changed: 0\n")
    assert "acme: The plug-in broken failed. Nothing was changed" in ran.err
    assert "hunter2" not in ran.err
    shown = vestibule("sync", "--json", found_in=[str(tmp_path)])
    assert shown.json == {"acme": {"ok": False}, "umbra": {"ok": True, "changed": 0, "problems": []}}


def test_plug_ins_are_asked_while_no_transaction_is_open(acme: Acme, tmp_path: Path, vestibule: Command) -> None:
    (tmp_path / "vestibule_patient.py").write_text(PATIENT)
    install(tmp_path, "vestibule_patient", {"patient": "vestibule_patient"})
    assert vestibule("sync", found_in=[str(tmp_path)]).status == 0


def test_without_plug_ins_nothing_is_to_do(acme: Acme, vestibule: Command) -> None:
    with acme.unchanged():
        ran = vestibule("sync")
    assert (ran.status, ran.err) == (0, "No plug-in is installed that fills access groups.\n")
    unknown = vestibule("sync", "--org", "nowhere")
    assert (unknown.status, unknown.err.splitlines()[-1]) == (1, "Error: There is no organization nowhere.")
