"""The demo mailbox: a Maildir in the data folder that takes every letter instead of a mail server."""

import mailbox
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

from flask_mail import Message

FOLDER_NAME = "demo-mailbox"
NEWEST_SHOWN = 100
_LINK = re.compile(r"https?://[^\s<>\"]+")


@dataclass(frozen=True)
class ShownLetter:
    """One letter as the demo pages show it; `key` finds it again."""

    key: str
    to: str
    subject: str
    created_at: datetime
    text: str
    links: list[str]


class DemoMailbox:
    """Keeps the letters of a demo. What it holds opens accounts, so only the server's own user may look inside."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / FOLDER_NAME

    def send(self, message: Message) -> None:
        """Put one letter into the mailbox."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        for part in ("tmp", "new", "cur"):
            (self._folder / part).mkdir(mode=0o700, exist_ok=True)
        mailbox.Maildir(self._folder, create=False).add(message.as_bytes())

    def close(self) -> None:
        """There is nothing to let go of."""

    def newest(self) -> list[ShownLetter]:
        """Return the newest letters first, at most a hundred."""
        return [_shown(path) for path in self._paths()[:NEWEST_SHOWN]]

    def find(self, key: str) -> ShownLetter | None:
        """Return the letter with this key."""
        return next((_shown(path) for path in self._paths() if path.name == key), None)

    def _paths(self) -> list[Path]:
        folder = self._folder / "new"
        paths = folder.iterdir() if folder.is_dir() else iter(())
        return sorted(paths, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def _shown(path: Path) -> ShownLetter:
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    body = message.get_body(("plain",))
    text = str(body.get_content()) if body else ""
    arrived_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return ShownLetter(path.name, message["To"], message["Subject"], arrived_at, text, _LINK.findall(text))
