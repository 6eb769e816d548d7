"""vestibule check: what serving needs, one line each, and a status that tells."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.support.acme import Acme
from tests.support.commands import Command
from tests.support.identity_provider import running_provider
from tests.support.server import reserved_port
from tests.support.settings import environment_for
from tests.support.smtp import SmtpSink
from tests.support.sso import Desk
from webapp.models import ProviderStatus
from webapp.providers import demo


def states(out: str) -> dict[str, str]:
    """Return the state of each part by its name."""
    return {line[:10].strip(): line[11:18].strip() for line in out.splitlines()}


def test_all_is_well_where_there_is_nothing_to_check_yet(vestibule: Command) -> None:
    ran = vestibule("check")
    assert (ran.status, ran.err) == (0, "")
    assert states(ran.out) == {"database": "ok", "keys": "-", "providers": "-", "mail": "-"}


def test_mail_server_is_greeted_and_no_letter_is_sent(
    acme: Acme, environment: dict[str, str], smtp_sink: SmtpSink
) -> None:
    acme.world.invite(acme.slug, acme.owner, "mia@example.org")
    mail = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": smtp_sink.port, "MAIL_SECURITY": "none"}
    vestibule = Command({**environment, **{f"VESTIBULE_{name}": str(value) for name, value in mail.items()}})
    with acme.unchanged():
        ran = vestibule("check")
    assert ran.status == 0
    assert states(ran.out) == {"database": "ok", "keys": "ok", "providers": "-", "mail": "ok"}
    assert len(smtp_sink.letters) == 0


def test_mail_server_that_does_not_answer_is_a_failure(environment: dict[str, str]) -> None:
    with reserved_port() as port:
        mail = {"VESTIBULE_MAIL_SERVER": "127.0.0.1", "VESTIBULE_MAIL_PORT": str(port)}
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


def test_K02_keys_are_tried_on_the_secrets_of_connections_too(acme: Acme, environment: dict[str, str]) -> None:
    with running_provider() as theirs:
        desk = Desk(acme, theirs)
    desk.set(status=ProviderStatus.DISABLED)
    assert states(Command(environment)("check").out)["keys"] == "ok"
    other = Fernet.generate_key().decode()
    assert states(Command({**environment, "VESTIBULE_ENCRYPTION_KEYS": other})("check").out)["keys"] == "FAILED"


def test_provider_of_a_demo_is_no_failure_where_it_may_not_be_asked(acme: Acme, environment: dict[str, str]) -> None:
    with running_provider() as theirs:
        desk = Desk(acme, theirs)
        desk.set(client_id="another")
        assert states(Command(environment)("check").out)["providers"] == "FAILED"
        desk.set(client_id=demo.CLIENT_ID)
        ran = Command(environment)("check")
    assert (ran.status, ran.err, states(ran.out)["providers"]) == (0, "", "-")
    assert "The demo's own provider, in acme, is asked by `vestibule serve --demo` only." in ran.out


def test_database_that_was_never_set_up_is_a_failure(tmp_path: Path) -> None:
    ran = Command(environment_for(f"sqlite:///{tmp_path}/new.db", tmp_path))("check")
    assert ran.status == 1
    assert states(ran.out) == {"database": "FAILED", "mail": "-"}
    assert "Run: vestibule migrate" in ran.out


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:{port}/none", "sqlite:////nowhere/at/all.db"])
def test_database_out_of_reach_is_a_failure(tmp_path: Path, url: str) -> None:
    with reserved_port() as port:
        ran = Command(environment_for(url.format(port=port), tmp_path))("check")
    assert ran.status == 1
    assert states(ran.out)["database"] == "FAILED"
    assert "It cannot be used" in ran.out


@pytest.fixture
def reaching(environment: dict[str, str]) -> Command:
    """The command, which may ask providers on this machine."""
    return Command({**environment, "VESTIBULE_PRIVATE_PROVIDERS": "127.0.0.1"})


def test_providers_in_use_are_asked_and_nothing_is_changed(acme: Acme, reaching: Command) -> None:
    with running_provider() as one, running_provider() as other:
        Desk(acme, one), Desk(acme, other, acme.other_slug)
        with acme.unchanged():
            ran = reaching("check")
        assert (ran.status, states(ran.out)["providers"]) == (0, "ok")
        assert "In use and working: 2." in ran.out
        assert [(theirs.hits["discovery"], theirs.hits["jwks"]) for theirs in (one, other)] == [(1, 1)] * 2


def test_provider_that_does_not_work_is_a_failure_with_the_name_of_its_organization(
    acme: Acme, reaching: Command
) -> None:
    with running_provider() as one, running_provider() as other:
        Desk(acme, one), Desk(acme, other, acme.other_slug)
        other.key_set = []
        ran = reaching("check", "--json")
    assert (ran.status, ran.json["ok"]) == (1, False)
    found = [part for part in ran.json["parts"] if part["part"] == "providers"]
    said = "Nobody can sign in to umbra through its provider: The provider published no usable keys, or too many."
    assert found == [{"part": "providers", "is_ok": False, "sentence": said}]


def test_K02_secrets_of_connections_that_cannot_be_read_are_named(acme: Acme, environment: dict[str, str]) -> None:
    """Those that can are asked all the same."""
    with running_provider() as one, running_provider() as other:
        desk = Desk(acme, one)
        Desk(acme, other, acme.other_slug)
        desk.set(client_secret=Fernet(Fernet.generate_key()).encrypt(b"of other keys").decode())
        ran = Command({**environment, "VESTIBULE_PRIVATE_PROVIDERS": "127.0.0.1"})("check")
    assert (ran.status, states(ran.out)["providers"]) == (1, "FAILED")
    assert "Nobody can sign in to acme" in ran.out
    assert "The client secret is missing, or cannot be read" in ran.out
    assert "umbra" not in ran.out
    assert (one.hits.total(), other.hits["jwks"]) == (0, 1)
