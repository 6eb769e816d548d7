"""vestibule backup: a sound copy, taken while everything runs, or no file at all."""

import shutil
import stat
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.support.acme import Acme
from tests.support.backups import tools_for
from tests.support.commands import Command
from tests.support.databases import SqliteTemplate
from tests.support.parts import require_part
from tests.support.server import reserved_port
from tests.support.settings import environment_for


@pytest.fixture
def tools(database_url: str) -> dict[str, str]:
    """The variables by which PostgreSQL's own programs are found."""
    return tools_for(database_url)


def test_K04_backup_is_its_owner_s_alone_and_says_what_it_lacks(
    acme: Acme, vestibule: Command, tmp_path: Path, tools: dict[str, str]
) -> None:
    file = tmp_path / "acme.backup"
    ran = vestibule("backup", file, **tools)
    assert (ran.status, ran.out) == (0, f"{file}: {file.stat().st_size:,} bytes\n")
    assert "The backup holds no keys" in ran.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == ["acme.backup"]


def test_file_that_exists_is_replaced_only_by_force(
    acme: Acme, vestibule: Command, tmp_path: Path, tools: dict[str, str]
) -> None:
    file = tmp_path / "acme.backup"
    file.write_text("precious")
    ran = vestibule("backup", file, **tools)
    assert (ran.status, file.read_text()) == (1, "precious")
    assert ran.err == f"Error: {file} exists already. Choose another name, or --force to replace it.\n"
    assert vestibule("backup", file, "--force", **tools).status == 0
    assert b"precious" not in file.read_bytes()


def test_backup_of_nothing_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "nothing.backup"
    ran = Command(environment_for(f"sqlite:///{tmp_path}/none.db", tmp_path))("backup", file)
    assert ran.status == 1
    assert "There is no database at" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_database_is_never_replaced_by_its_own_backup(tmp_path: Path, sqlite_template: SqliteTemplate[None]) -> None:
    with sqlite_template.copy(tmp_path) as url:
        database = Path(make_url(url).database or "")
        ran = Command(environment_for(url, tmp_path))("backup", database, "--force")
        assert (ran.status, ran.err) == (1, "Error: FILE is the database itself.\n")
        assert [path.name for path in tmp_path.iterdir()] == [database.name]


def test_missing_pg_dump_and_a_server_out_of_reach_are_sentences(tmp_path: Path) -> None:
    with reserved_port() as port:
        vestibule = Command(environment_for(f"postgresql://mia:canary-1234@127.0.0.1:{port}/hall", tmp_path))
        ran = vestibule("backup", tmp_path / "hall.backup", PATH=str(tmp_path))
        assert (ran.status, "needs its own program pg_dump" in ran.err) == (1, True)
        require_part("pg_dump", shutil.which("pg_dump"), "install the programs of PostgreSQL")
        refused = vestibule("backup", tmp_path / "hall.backup")
        assert refused.status == 1
        assert "pg_dump failed" in refused.err
        assert "canary-1234" not in refused.err
        assert list(tmp_path.iterdir()) == []
