"""The secrets of a single machine: made once, kept in the data folder, readable by its owner only."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.fernet import Fernet

NAME = "secrets.json"


class ReadableByOthers(Exception):
    """The file of the secrets is not its owner's alone."""


@dataclass(frozen=True)
class Keys:
    """The signing secret and the Fernet key of this machine."""

    secret_key: str
    encryption_key: str


def read_or_make(data_dir: Path) -> Keys:
    """Return the keys kept in `data_dir`, making folder and file (mode 0600) the first time.

    Processes that start at the same moment agree on the file of whichever was first.

    Raises:
        ReadableByOthers: the file is not its owner's alone.
    """
    path = data_dir / NAME
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        _publish(path, Keys(secrets.token_urlsafe(48), Fernet.generate_key().decode()))
    if path.stat().st_mode & 0o077:
        raise ReadableByOthers(f"{path} holds secrets but is readable by others. Run: chmod 600 {path}")
    return Keys(**json.loads(path.read_text()))


def _publish(path: Path, keys: Keys) -> None:
    draft = path.with_name(f"{NAME}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(keys), file)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
