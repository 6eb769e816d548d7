"""vestibule config: what is in force, and no secret."""

from pathlib import Path

from tests.support.commands import Command
from tests.support.settings import ENCRYPTION_KEY, SECRET_KEY, environment_for

SECRET = "canary-1234"


def test_settings_are_printed_with_secrets_masked(tmp_path: Path) -> None:
    url = f"postgresql://mia:{SECRET}@db.example.org/hall"
    vestibule = Command(
        environment_for(
            url, tmp_path, mail_password=SECRET, mail_server="mail.example.org", private_providers="::1 idp"
        )
    )
    lines, found = vestibule("config"), vestibule("config", "--json")
    assert (lines.status, found.status) == (0, 0)
    assert dict(line.split("=", 1) for line in lines.out.splitlines()) == found.json
    assert found.json["VESTIBULE_DATABASE_URL"] == "postgresql+psycopg://mia:***@db.example.org/hall"
    assert found.json["VESTIBULE_PRIVATE_PROVIDERS"] == "::1, idp"
    assert found.json["VESTIBULE_MAIL_SERVER"] == "mail.example.org"
    for secret in (SECRET, SECRET_KEY, ENCRYPTION_KEY):
        assert secret not in lines.out + found.out
