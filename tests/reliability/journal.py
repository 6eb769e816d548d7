"""People who invite others and write down what they were told is done."""

import threading
from http.client import HTTPException

from sqlalchemy import create_engine, select
from sqlalchemy.pool import NullPool

from tests.support.visitor import Visitor, at_once, visitor_at
from tests.support.worlds import Person, World
from webapp.db import db

END_SECONDS = 60


class Journal:
    """What the server has acknowledged, kept outside of it."""

    def __init__(self, world: World, owner: Person) -> None:
        self.invited: list[str] = []
        self.statuses: set[int] = set()
        self._world, self._owner = world, owner
        self._slugs: list[str] = []
        self._number = 0
        self._writing = threading.Condition()

    def use_new_organizations(self, number: int) -> None:
        """Let people of other organizations write from now on: each may invite so many a day."""
        names = [f"Hall {self._number} {hall}" for hall in range(number)]
        self._slugs = [self._world.organization(name, self._owner) for name in names]

    def write_until(self, url: str, is_over: threading.Event) -> None:
        """Invite one address after another, for each organization at once, until it is over or the server dead."""

        def keep_inviting(index: int) -> None:
            form = f"/orgs/{self._slugs[index]}/members/new"
            try:
                visitor = visitor_at(url, form, self._world, self._owner)
                while not is_over.is_set():
                    self._invite(visitor, form)
            except (OSError, HTTPException):
                return

        at_once(len(self._slugs), keep_inviting)

    def wait_for(self, more: int) -> None:
        """Return once so many more have been acknowledged."""
        with self._writing:
            enough = len(self.invited) + more
            assert self._writing.wait_for(lambda: len(self.invited) >= enough, END_SECONDS), "nothing is acknowledged"

    def _invite(self, visitor: Visitor, form: str) -> None:
        with self._writing:
            self._number += 1
            email = f"guest{self._number}@example.org"
        status = visitor.send(form, emails=email, role="member", lifetime_days="7").status
        with self._writing:
            self.statuses.add(status)
            if status == 303:
                self.invited.append(email)
            self._writing.notify_all()


def invited_in(database_url: str) -> list[str]:
    """Return whom a database has invitations for; each is whole: with its letter, its link and its audit entry."""
    tables, engine = db.metadata.tables, create_engine(database_url, poolclass=NullPool)
    invitation, entry = tables["invitation"], tables["audit_entry"]
    wanted = {
        "invitations": select(invitation.c.email),
        "letters": select(tables["outbox_message"].c.to_address).where(tables["outbox_message"].c.kind == "invitation"),
        "links": select(invitation.c.email).join(
            tables["invitation_token"], tables["invitation_token"].c.invitation_id == invitation.c.id
        ),
        "entries": select(entry.c.target_name).where(entry.c.event == "invitation.sent"),
    }
    with engine.connect() as connection:
        found = {name: sorted(connection.scalars(statement)) for name, statement in wanted.items()}
    assert found["invitations"] == found["letters"] == found["links"] == found["entries"]
    return found["invitations"]
