"""Settings: read once from VESTIBULE_* environment variables and checked before anything starts."""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import getaddresses
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from webapp import keyfile

PREFIX = "VESTIBULE_"
SECRET_KEY_MIN_CHARACTERS = 32
DEMO_HOST = "127.0.0.1"
THREADS = 16
"""Of a process that answers people, where nobody says how many."""


class BadSetting(Exception):
    """A setting is unknown, malformed or unsafe; the message says which, what it got and what it takes."""


@dataclass(frozen=True)
class Settings:
    """Everything an administrator may set, and nothing else.

    Times are in seconds; `base_url` has no trailing slash; `data_dir` is absolute. The command line says whether this
    is a `demo`, and by how many `threads` each process answers; `demo_issuer` is the address of the identity provider
    that runs with it.
    """

    data_dir: Path
    database_url: str
    base_url: str
    secret_key: str
    secret_key_fallbacks: tuple[str, ...]
    encryption_keys: tuple[str, ...]
    mail_server: str | None
    mail_port: int
    mail_username: str | None
    mail_password: str | None
    mail_security: str
    mail_ca_file: Path | None
    mail_timeout_seconds: float
    mail_default_sender: str
    trusted_proxies: int
    registration: str
    organization_creation: str
    private_providers: tuple[str, ...]
    dns_resolver: str | None
    demo: bool = False
    demo_issuer: str | None = None
    threads: int = THREADS

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read and check the settings.

        Args:
            environment: variable names to values; the process environment when left out.

        Raises:
            BadSetting: a variable is unknown, malformed, missing or unsafe.
        """
        source = os.environ if environment is None else environment
        given = {name.removeprefix(PREFIX): value for name, value in source.items() if name.startswith(PREFIX)}
        _refuse_unknown(given)
        values = {name: _parse(name, given.get(name)) for name in VARIABLES}
        values["DATABASE_URL"] = values["DATABASE_URL"] or f"sqlite:///{values['DATA_DIR'] / 'vestibule.db'}"
        _fill_secrets(values)
        settings = cls(**{name.lower(): value for name, value in values.items()})
        _check_production(settings)
        return settings

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach this server over https."""
        return self.base_url.startswith("https://")

    @property
    def is_local(self) -> bool:
        """Whether browsers reach this server on this machine only."""
        return is_loopback(urlsplit(self.base_url).hostname or "")

    @property
    def reachable_providers(self) -> tuple[str, ...]:
        """The private hosts and networks where identity providers may be; in a demo, where its own is too."""
        return (*self.private_providers, DEMO_HOST) if self.demo else self.private_providers

    @property
    def mail_domain(self) -> str:
        """The domain that letters come from. The mail server knows it, so it may be a name without a dot."""
        [(_name, sender)] = getaddresses([self.mail_default_sender])
        return sender.rpartition("@")[2].lower()

    @property
    def is_sqlite(self) -> bool:
        """Whether the embedded database is in use."""
        return make_url(self.database_url).get_backend_name() == "sqlite"

    def masked(self) -> dict[str, str]:
        """Return every setting by its variable name, secrets hidden."""
        shown = {}
        for variable in VARIABLES:
            value = getattr(self, variable.lower())
            if variable == "DATABASE_URL":
                url = make_url(value).difference_update_query(["password", "sslpassword"])
                value = url.render_as_string(hide_password=True)
            elif variable.lower() in SECRETS and value:
                value = "********"
            elif isinstance(value, tuple):
                value = ", ".join(value)
            shown[PREFIX + variable] = "" if value is None else str(value)
        return shown


SECRETS = {"secret_key", "secret_key_fallbacks", "encryption_keys", "mail_password"}


def _text(value: str) -> str:
    return value


def _path(value: str) -> Path:
    return Path(value).expanduser().resolve()


def _readable_file(value: str) -> Path:
    path = _path(value)
    if not path.is_file():
        raise ValueError
    return path


def _words(value: str) -> tuple[str, ...]:
    return tuple(word for word in re.split(r"[\s,]+", value) if word)


def _choice(*names: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in names:
            raise ValueError
        return value

    return parse


def _number(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not low <= (number := int(value)) <= high:
            raise ValueError
        return number

    return parse


def _database_url(value: str) -> str:
    try:
        url = make_url(value)
    except ArgumentError as error:
        raise ValueError from error
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    if url.drivername == "sqlite" and url.database and url.database != ":memory:":
        return f"sqlite:///{_path(url.database)}"
    raise ValueError


def _base_url(value: str) -> str:
    [word] = value.split()
    parts = urlsplit(word)
    plain = not (parts.query or parts.fragment or parts.username) and parts.path in ("", "/") and parts.port != 0
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise ValueError
    return f"{parts.scheme}://{parts.netloc}"


def _sender(value: str) -> str:
    [(_name, address)] = getaddresses([value])
    if "@" not in address or not value.isprintable():
        raise ValueError
    return value


def _fernet_keys(value: str) -> tuple[str, ...]:
    keys = _words(value)
    for key in keys:
        Fernet(key)
    return keys


_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")


def _hosts_and_networks(value: str) -> tuple[str, ...]:
    words = tuple(word.lower() for word in _words(value))
    for word in words:
        name, _port = with_port(word)
        is_like_an_address = ":" in name or "/" in name or name.replace(".", "").isdigit()
        if is_like_an_address:
            ipaddress.ip_network(name)
        elif not _HOST.fullmatch(name):
            raise ValueError
    return words


def with_port(word: str) -> tuple[str, int | None]:
    """Take an entry such as idp.example.org:8443, 10.2.0.0/16:443 or [fd00::1]:443 apart; without a port it has none.

    Raises:
        ValueError: what stands there is no port, or nothing stands before it.
    """
    if found := re.fullmatch(r"\[(.+)\](?::(\d+))?", word):
        name, port = ipaddress.IPv6Network(found[1]).with_prefixlen, found[2]
    elif word.count(":") == 1:
        name, _, port = word.partition(":")
    else:
        return word, None
    return name, None if port is None else _number(1, 65535)(port)


def _name_server(value: str) -> str:
    host, _, port = value.strip().rpartition(":")
    address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    number = _number(1, 65535)(port)
    return f"[{address}]:{number}" if address.version == 6 else f"{address}:{number}"


def default_data_dir() -> Path:
    """Return `var` beside the source in a checkout, else the user's data folder."""
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / "pyproject.toml").is_file():
        return checkout / "var"
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "vestibule"


@dataclass(frozen=True)
class _Variable:
    parse: Callable[[str], Any]
    default: Any
    takes: str


VARIABLES: dict[str, _Variable] = {
    "DATA_DIR": _Variable(_path, default_data_dir, "a folder"),
    "DATABASE_URL": _Variable(
        _database_url, None, "sqlite:////absolute/path.db or postgresql://user:password@host/database"
    ),
    "BASE_URL": _Variable(
        _base_url, "http://127.0.0.1:8000", "the address browsers use, such as https://vestibule.example.org"
    ),
    "SECRET_KEY": _Variable(_text, None, f"at least {SECRET_KEY_MIN_CHARACTERS} random characters"),
    "SECRET_KEY_FALLBACKS": _Variable(_words, (), "earlier secret keys, separated by commas"),
    "ENCRYPTION_KEYS": _Variable(_fernet_keys, (), "Fernet keys separated by commas, the newest first"),
    "MAIL_SERVER": _Variable(_text, None, "the host name of an SMTP server"),
    "MAIL_PORT": _Variable(_number(1, 65535), 587, "a port from 1 to 65535"),
    "MAIL_USERNAME": _Variable(_text, None, "a user name"),
    "MAIL_PASSWORD": _Variable(_text, None, "a password"),
    "MAIL_SECURITY": _Variable(_choice("starttls", "tls", "none"), "starttls", "starttls, tls or none"),
    "MAIL_CA_FILE": _Variable(_readable_file, None, "a readable file of PEM certificates"),
    "MAIL_TIMEOUT_SECONDS": _Variable(_number(1, 300), 10, "a whole number of seconds from 1 to 300"),
    "MAIL_DEFAULT_SENDER": _Variable(_sender, "Vestibule <vestibule@localhost>", "an email address"),
    "TRUSTED_PROXIES": _Variable(_number(0, 10), 0, "how many reverse proxies stand in front, from 0 to 10"),
    "REGISTRATION": _Variable(_choice("invitation"), "invitation", "invitation (accounts are made by invitation)"),
    "ORGANIZATION_CREATION": _Variable(
        _choice("administrators", "anyone"), "administrators", "administrators or anyone (who may make organizations)"
    ),
    "PRIVATE_PROVIDERS": _Variable(
        _hosts_and_networks,
        (),
        "host names, addresses or networks such as 10.2.0.0/16, with or without a port, separated by commas",
    ),
    "DNS_RESOLVER": _Variable(_name_server, None, "the IP address and port of a name server, such as 192.0.2.53:53"),
}


def _refuse_unknown(given: Mapping[str, str]) -> None:
    for name in sorted(set(given) - set(VARIABLES)):
        known = ", ".join(PREFIX + known_name for known_name in VARIABLES)
        raise BadSetting(f"{PREFIX}{name} is not a setting of this version. The settings are: {known}.")


def _parse(name: str, value: str | None) -> Any:
    variable = VARIABLES[name]
    if value is None or value == "":
        return variable.default() if callable(variable.default) else variable.default
    try:
        return variable.parse(value)
    except ValueError as error:
        got = "a value that is not shown here" if name.lower() in SECRETS | {"database_url"} else repr(value)
        raise BadSetting(f"{PREFIX}{name} got {got}, but takes {variable.takes}.") from error


def _fill_secrets(values: dict[str, Any]) -> None:
    if values["SECRET_KEY"] and values["ENCRYPTION_KEYS"]:
        return
    if not values["DATABASE_URL"].startswith("sqlite"):
        missing = "SECRET_KEY" if not values["SECRET_KEY"] else "ENCRYPTION_KEYS"
        raise BadSetting(
            f"{PREFIX}{missing} is not set, but with PostgreSQL it must be: several machines may share the database. "
            f"It takes {VARIABLES[missing].takes}."
        )
    try:
        keys = keyfile.read_or_make(values["DATA_DIR"])
    except keyfile.ReadableByOthers as error:
        raise BadSetting(str(error)) from error
    values["SECRET_KEY"] = values["SECRET_KEY"] or keys.secret_key
    values["ENCRYPTION_KEYS"] = values["ENCRYPTION_KEYS"] or (keys.encryption_key,)


def _check_production(settings: Settings) -> None:
    if settings.is_local:
        return
    if not settings.is_secure:
        raise BadSetting(f"{PREFIX}BASE_URL got {settings.base_url!r}, but outside this machine it takes https://.")
    for secret in (settings.secret_key, *settings.secret_key_fallbacks):
        if len(secret) < SECRET_KEY_MIN_CHARACTERS or len(set(secret)) < 10:
            raise BadSetting(
                f"{PREFIX}SECRET_KEY or one of its fallbacks is too weak: it takes {VARIABLES['SECRET_KEY'].takes}."
            )


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
