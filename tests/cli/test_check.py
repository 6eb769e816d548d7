"""vestibule check: what serving needs, one line each, and a status that tells."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.support.acme import Acme
from tests.support.commands import Command
from tests.support.server import free_port
from tests.support.settings import environment_for
from tests.support.smtp import SmtpSink


def states(out: str) -> dict[str, str]:
    """Return the state of each part by its name."""
    return {line[:10].strip(): line[11:18].strip() for line in out.splitlines()}


def test_all_is_well_where_there_is_nothing_to_check_yet(vestibule: Command) -> None:
    ran = vestibule("check")
    assert (ran.status, ran.err) == (0, "")
    assert states(ran.out) == {"database": "ok", "keys": "-", "mail": "-"}


def test_mail_server_is_greeted_and_no_letter_is_sent(
    acme: Acme, environment: dict[str, str], smtp_sink: SmtpSink
) -> None:
    acme.world.invite(acme.slug, acme.owner, "mia@example.org")
    mail = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": smtp_sink.port, "MAIL_SECURITY": "none"}
    vestibule = Command({**environment, **{f"VESTIBULE_{name}": str(value) for name, value in mail.items()}})
    with acme.unchanged():
        ran = vestibule("check")
    assert ran.status == 0
    assert states(ran.out) == {"database": "ok", "keys": "ok", "mail": "ok"}
    assert len(smtp_sink.letters) == 0


def test_mail_server_that_does_not_answer_is_a_failure(environment: dict[str, str]) -> None:
    mail = {"VESTIBULE_MAIL_SERVER": "127.0.0.1", "VESTIBULE_MAIL_PORT": str(free_port())}
    ran = Command({**environment, **mail})("check", "--json")
    assert (ran.status, ran.json["ok"]) == (1, False)
    [part] = [part for part in ran.json["parts"] if part["part"] == "mail"]
    assert part == {"part": "mail", "is_ok": False, "sentence": "The mail server at 127.0.0.1 refused the connection."}


def test_K02_keys_that_do_not_open_what_is_sealed_are_a_failure(acme: Acme, environment: dict[str, str]) -> None:
    acme.world.invite(acme.slug, acme.owner, "mia@example.org")
    other = Fernet.generate_key().decode()
    ran = Command({**environment, "VESTIBULE_ENCRYPTION_KEYS": other})("check")
    assert ran.status == 1
    assert states(ran.out)["keys"] == "FAILED"
    both = Command({**environment, "VESTIBULE_ENCRYPTION_KEYS": f"{other},{environment['VESTIBULE_ENCRYPTION_KEYS']}"})
    assert states(both("check").out)["keys"] == "ok"


def test_database_that_was_never_set_up_is_a_failure(tmp_path: Path) -> None:
    ran = Command(environment_for(f"sqlite:///{tmp_path}/new.db", tmp_path))("check")
    assert ran.status == 1
    assert states(ran.out) == {"database": "FAILED", "mail": "-"}
    assert "Run: vestibule migrate" in ran.out


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:{port}/none", "sqlite:////nowhere/at/all.db"])
def test_database_out_of_reach_is_a_failure(tmp_path: Path, url: str) -> None:
    ran = Command(environment_for(url.format(port=free_port()), tmp_path))("check")
    assert ran.status == 1
    assert states(ran.out)["database"] == "FAILED"
    assert "It cannot be used" in ran.out
