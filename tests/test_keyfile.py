"""The secrets of a single machine: made once, agreed upon, and kept from other users."""

import json
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.support.commands import loaded
from webapp.config import BadSetting, Settings

PROCESSES, ROUNDS = 4, 50


def settings_in(folder: Path) -> Settings:
    return Settings.from_environment({"VESTIBULE_DATA_DIR": str(folder)})


def test_keys_are_made_once(tmp_path: Path) -> None:
    first, second = settings_in(tmp_path / "data"), settings_in(tmp_path / "data")
    assert first == second
    assert len(first.secret_key) >= 32
    [encryption_key] = first.encryption_keys
    Fernet(encryption_key)


def test_each_machine_has_its_own(tmp_path: Path) -> None:
    here, there = settings_in(tmp_path / "here"), settings_in(tmp_path / "there")
    assert here.secret_key != there.secret_key
    assert here.encryption_keys != there.encryption_keys


def test_K04_only_their_owner_reads_them_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        settings_in(tmp_path / "data")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "data" / "secrets.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_given_keys_come_before_kept_ones(tmp_path: Path) -> None:
    kept = settings_in(tmp_path)
    given = Settings.from_environment({"VESTIBULE_DATA_DIR": str(tmp_path), "VESTIBULE_SECRET_KEY": "given"})
    assert (given.secret_key, given.encryption_keys) == ("given", kept.encryption_keys)


def test_given_keys_make_no_file(tmp_path: Path) -> None:
    Settings.from_environment(
        {
            "VESTIBULE_DATA_DIR": str(tmp_path),
            "VESTIBULE_SECRET_KEY": "given",
            "VESTIBULE_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        }
    )
    assert list(tmp_path.iterdir()) == []


def read_keys(asked: Connection) -> None:
    """Be a process that reads the keys of each folder it is told of."""
    with suppress(EOFError):
        while True:
            made = settings_in(asked.recv())
            asked.send(" ".join([made.secret_key, *made.encryption_keys]))


@pytest.fixture
def processes() -> Iterator[list[Connection]]:
    """The ends of pipes to processes that read keys."""
    pipes = [loaded().Pipe() for _ in range(PROCESSES)]
    started = [loaded().Process(target=read_keys, args=(theirs,)) for _ours, theirs in pipes]
    for process, (_ours, theirs) in zip(started, pipes, strict=True):
        process.start()
        theirs.close()
    yield [ours for ours, _theirs in pipes]
    for process, (ours, _theirs) in zip(started, pipes, strict=True):
        ours.close()
        process.join()


def ask_all(processes: list[Connection], folder: Path) -> set[str]:
    for process in processes:
        process.send(folder)
    return {process.recv() for process in processes}


def test_processes_that_start_at_once_agree(tmp_path: Path, processes: list[Connection]) -> None:
    ask_all(processes, tmp_path / "while they start")
    for number in range(ROUNDS):
        folder = tmp_path / str(number)
        printed = ask_all(processes, folder)
        kept = json.loads((folder / "secrets.json").read_text())
        assert printed == {f"{kept['secret_key']} {kept['encryption_key']}"}
        assert [path.name for path in folder.iterdir()] == ["secrets.json"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_K03_keys_that_others_may_read_stop_the_start(tmp_path: Path, mode: int) -> None:
    settings_in(tmp_path)
    (tmp_path / "secrets.json").chmod(mode)
    with pytest.raises(BadSetting, match=r"secrets\.json holds secrets but is readable by others\. Run: chmod 600"):
        settings_in(tmp_path)
