"""Settings: what each takes, and the sentence that stops the start when it is something else."""

import os
import subprocess
import sys
from base64 import urlsafe_b64encode
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

from webapp.config import PREFIX, SECRETS, VARIABLES, BadSetting, Settings

KEY, OLDER_KEY = (urlsafe_b64encode(letter * 32).decode() for letter in (b"k", b"o"))
STRONG = "k3J9dLw0qPz8mX5vT2bN7rC4yH6sG1fA"
PRODUCTION = {"BASE_URL": "https://vestibule.example.org", "SECRET_KEY": STRONG, "ENCRYPTION_KEYS": KEY}


def settings_of(folder: Path, **values: str) -> Settings:
    given = {"DATA_DIR": str(folder), "SECRET_KEY": "short on a laptop", "ENCRYPTION_KEYS": KEY, **values}
    return Settings.from_environment({PREFIX + name: value for name, value in given.items()})


def sentence_of(folder: Path, **values: str) -> str:
    with pytest.raises(BadSetting) as refusal:
        settings_of(folder, **values)
    return str(refusal.value)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DATABASE_URL", "sqlite:////srv/hall.db", "sqlite:////srv/hall.db"),
        (
            "DATABASE_URL",
            "postgresql://mia:word@db.example.org/hall",
            "postgresql+psycopg://mia:word@db.example.org/hall",
        ),
        ("DATABASE_URL", "postgres://db.example.org/hall", "postgresql+psycopg://db.example.org/hall"),
        ("BASE_URL", "http://localhost:8000/", "http://localhost:8000"),
        ("SECRET_KEY", "anything on a laptop", "anything on a laptop"),
        ("SECRET_KEY_FALLBACKS", "one, two three", ("one", "two", "three")),
        ("ENCRYPTION_KEYS", f"{KEY},{OLDER_KEY}", (KEY, OLDER_KEY)),
        ("MAIL_SERVER", "mail.example.org", "mail.example.org"),
        ("MAIL_PORT", "25", 25),
        ("MAIL_USERNAME", "mailer", "mailer"),
        ("MAIL_PASSWORD", "a secret, with spaces", "a secret, with spaces"),
        ("MAIL_SECURITY", "tls", "tls"),
        ("MAIL_SECURITY", "none", "none"),
        ("MAIL_TIMEOUT_SECONDS", "300", 300),
        ("MAIL_DEFAULT_SENDER", "Hall <hall@example.org>", "Hall <hall@example.org>"),
        ("MAIL_DEFAULT_SENDER", "hall@example.org", "hall@example.org"),
        ("TRUSTED_PROXIES", "2", 2),
        ("REGISTRATION", "invitation", "invitation"),
        ("ORGANIZATION_CREATION", "administrators", "administrators"),
        ("ORGANIZATION_CREATION", "anyone", "anyone"),
        ("PRIVATE_PROVIDERS", "IdP.example.org, 10.2.0.0/16 ::1", ("idp.example.org", "10.2.0.0/16", "::1")),
        ("PRIVATE_PROVIDERS", "idp:8443 10.2.0.0/16:443 [::1]:1", ("idp:8443", "10.2.0.0/16:443", "[::1]:1")),
        ("DNS_RESOLVER", "192.0.2.53:53", "192.0.2.53:53"),
        ("DNS_RESOLVER", " [2001:DB8::53]:5353", "[2001:db8::53]:5353"),
    ],
)
def test_setting_is_read(tmp_path: Path, name: str, value: str, expected: Any) -> None:
    assert getattr(settings_of(tmp_path, **{name: value}), name.lower()) == expected


def test_files_and_folders_are_read_as_absolute_paths(tmp_path: Path) -> None:
    (tmp_path / "authority.pem").write_text("a certificate")
    with chdir(tmp_path):
        settings = settings_of(Path("data"), MAIL_CA_FILE="authority.pem", DATABASE_URL="sqlite:///hall.db")
    assert settings.data_dir == tmp_path / "data"
    assert settings.mail_ca_file == tmp_path / "authority.pem"
    assert settings.database_url == f"sqlite:///{tmp_path}/hall.db"


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_empty_setting_means_its_default(tmp_path: Path, name: str) -> None:
    kept = {"DATA_DIR", "SECRET_KEY", "ENCRYPTION_KEYS"}
    if name not in kept:
        assert settings_of(tmp_path, **{name: ""}) == settings_of(tmp_path)


def test_defaults_are_a_laptop(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    assert settings.database_url == f"sqlite:///{tmp_path}/vestibule.db"
    assert settings.is_sqlite
    assert (settings.base_url, settings.is_secure) == ("http://127.0.0.1:8000", False)
    assert (settings.mail_server, settings.mail_security, settings.trusted_proxies) == (None, "starttls", 0)
    assert (settings.registration, settings.organization_creation) == ("invitation", "administrators")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BASE_URL", "vestibule.example.org"),
        ("BASE_URL", "ftp://vestibule.example.org"),
        ("BASE_URL", "https://vestibule.example.org/hall"),
        ("BASE_URL", "https://vestibule.example.org?x=1"),
        ("BASE_URL", "https://mia:word@vestibule.example.org"),
        ("BASE_URL", "https://vestibule.example.org:http"),
        ("BASE_URL", "https://vestibule.example.org:99999"),
        ("BASE_URL", "https://[::1"),
        ("BASE_URL", "https://two words.example.org"),
        ("MAIL_PORT", "0"),
        ("MAIL_PORT", "65536"),
        ("MAIL_PORT", "smtp"),
        ("MAIL_SECURITY", "ssl"),
        ("MAIL_CA_FILE", "/nowhere/authority.pem"),
        ("MAIL_TIMEOUT_SECONDS", "0"),
        ("MAIL_TIMEOUT_SECONDS", "1.5"),
        ("MAIL_DEFAULT_SENDER", "Hall"),
        ("MAIL_DEFAULT_SENDER", "Hall <hall@example.org>, Mia <mia@example.org>"),
        ("TRUSTED_PROXIES", "-1"),
        ("TRUSTED_PROXIES", "all"),
        ("REGISTRATION", "everybody"),
        ("ORGANIZATION_CREATION", "nobody"),
        ("PRIVATE_PROVIDERS", "https://idp.example.org"),
        ("PRIVATE_PROVIDERS", "10.2.0.1/16"),
        ("PRIVATE_PROVIDERS", "10.2"),
        ("PRIVATE_PROVIDERS", "idp:0"),
        ("PRIVATE_PROVIDERS", "idp:"),
        ("PRIVATE_PROVIDERS", ":443"),
        ("PRIVATE_PROVIDERS", "[10.2.0.1]:443"),
        ("PRIVATE_PROVIDERS", "-.example.org"),
        ("DNS_RESOLVER", "192.0.2.53"),
        ("DNS_RESOLVER", "192.0.2.53:0"),
        ("DNS_RESOLVER", "ns.example.org:53"),
        ("DNS_RESOLVER", "2001:db8::53"),
    ],
)
def test_K03_malformed_setting_is_named_with_what_it_got_and_what_it_takes(
    tmp_path: Path, name: str, value: str
) -> None:
    sentence = sentence_of(tmp_path, **{name: value})
    assert sentence == f"VESTIBULE_{name} got {value!r}, but takes {VARIABLES[name].takes}."


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENCRYPTION_KEYS", "canary-1234"),
        ("ENCRYPTION_KEYS", f"{KEY},canary-1234"),
        ("DATABASE_URL", "mysql://mia:canary-1234@db.example.org/hall"),
        ("DATABASE_URL", "postgresql://mia:canary-1234@db.example.org:port/hall"),
        ("DATABASE_URL", "canary-1234"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///:memory:"),
    ],
)
def test_K03_malformed_secret_is_named_and_never_shown(tmp_path: Path, name: str, value: str) -> None:
    sentence = sentence_of(tmp_path, **{name: value})
    assert sentence == f"VESTIBULE_{name} got a value that is not shown here, but takes {VARIABLES[name].takes}."


def test_K03_unknown_setting_is_named_without_its_value(tmp_path: Path) -> None:
    sentence = sentence_of(tmp_path, MAIL_PASWORD="canary-1234")
    assert sentence.startswith("VESTIBULE_MAIL_PASWORD is not a setting of this version.")
    assert "VESTIBULE_MAIL_PASSWORD" in sentence
    assert "canary" not in sentence


def test_variables_of_others_are_left_alone(tmp_path: Path) -> None:
    environment = {"VESTIBULE_DATA_DIR": str(tmp_path), "VESTIBULARY": "1", "MAIL_PORT": "a port"}
    assert Settings.from_environment(environment).mail_port == 587


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "127.8.8.8", "[::1]:8000"])
def test_loopback_is_no_production(tmp_path: Path, host: str) -> None:
    assert settings_of(tmp_path, BASE_URL=f"http://{host}", SECRET_KEY="x").base_url == f"http://{host}"


@pytest.mark.parametrize(
    "host", ["vestibule.example.org", "10.0.0.1", "localhost.example.org", "127.0.0.1.example.org"]
)
def test_K03_production_takes_https(tmp_path: Path, host: str) -> None:
    sentence = sentence_of(tmp_path, **PRODUCTION | {"BASE_URL": f"http://{host}"})
    assert sentence == f"VESTIBULE_BASE_URL got 'http://{host}', but outside this machine it takes https://."


@pytest.mark.parametrize("name", ["SECRET_KEY", "SECRET_KEY_FALLBACKS"])
@pytest.mark.parametrize("weak", ["canary-of-31-characters-0123456", "canary" * 20, "changeme"])
def test_K03_production_takes_no_weak_key(tmp_path: Path, name: str, weak: str) -> None:
    sentence = sentence_of(tmp_path, **PRODUCTION | {name: weak})
    assert sentence.startswith("VESTIBULE_SECRET_KEY")
    assert "at least 32 random characters" in sentence
    assert weak not in sentence


def test_production_with_strong_keys_starts(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, **PRODUCTION, SECRET_KEY_FALLBACKS=STRONG[::-1])
    assert settings.is_secure
    assert settings.secret_key_fallbacks == (STRONG[::-1],)


@pytest.mark.parametrize("missing", ["SECRET_KEY", "ENCRYPTION_KEYS"])
def test_K03_postgresql_takes_its_keys_from_the_administrator(tmp_path: Path, missing: str) -> None:
    sentence = sentence_of(tmp_path, DATABASE_URL="postgresql://db.example.org/hall", **{missing: ""})
    assert sentence.startswith(f"VESTIBULE_{missing} is not set")
    assert VARIABLES[missing].takes in sentence
    assert list(tmp_path.iterdir()) == []


def test_masked_settings_hide_every_secret(tmp_path: Path) -> None:
    secrets = {
        "DATABASE_URL": "postgresql://mia:canary-1@db.example.org/hall?password=canary-2",
        "SECRET_KEY": "canary-3",
        "SECRET_KEY_FALLBACKS": "canary-4,canary-5",
        "MAIL_PASSWORD": "canary-6",
    }
    shown = settings_of(tmp_path, **secrets).masked()
    assert {PREFIX + name for name in VARIABLES} == set(shown)
    assert all(shown[PREFIX + name.upper()] == "********" for name in SECRETS)
    assert "canary" not in str(shown)
    assert KEY not in str(shown)
    assert "db.example.org/hall" in shown["VESTIBULE_DATABASE_URL"]


def test_masked_settings_show_what_is_missing(tmp_path: Path) -> None:
    assert settings_of(tmp_path).masked()["VESTIBULE_MAIL_PASSWORD"] == ""


def test_K03_bad_setting_stops_a_command_with_one_sentence(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "VESTIBULE_DATA_DIR": str(tmp_path), "VESTIBULE_MAIL_PORT": "smtp"}
    command = [str(Path(sys.executable).with_name("vestibule")), "config"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (78, "")
    assert ended.stderr == "VESTIBULE_MAIL_PORT got 'smtp', but takes a port from 1 to 65535.\n"


@pytest.mark.parametrize("sender", ["Hall <hall@Intranet>", "hall@intranet"])
def test_domain_that_letters_come_from_is_that_of_the_sender(tmp_path: Path, sender: str) -> None:
    assert settings_of(tmp_path, MAIL_DEFAULT_SENDER=sender).mail_domain == "intranet"
