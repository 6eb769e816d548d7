"""Every route of the application, with something that exists in each variable part of its address."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from flask import url_for
from sqlalchemy import update
from werkzeug.routing import Rule

from tests.support.acme import Acme
from tests.support.settings import SECRET_KEY
from tests.support.worlds import Invited, Person
from webapp.access.actor import Actor
from webapp.db import db
from webapp.http.settings import settings
from webapp.mail.deliver import Worker
from webapp.mail.demo_mailbox import DemoMailbox
from webapp.models import Invitation, InvitationStatus
from webapp.services import accounts, addresses, outbox
from webapp.services.first_run import setup_token

ASKED_BY_PEOPLE = {"GET", "POST"}


@dataclass(frozen=True)
class Route:
    """One rule with one of its methods."""

    rule: Rule
    method: str

    @property
    def endpoint(self) -> str:
        """The name of the view."""
        return str(self.rule.endpoint)

    def __str__(self) -> str:
        return f"{self.method:4} {self.rule.rule}"


@dataclass(frozen=True)
class Request:
    """An address with everything in it, and what its form holds."""

    path: str
    form: dict[str, str]


class Routes:
    """The routes of Acme's application. Each request is about things made for it alone, so that none spoils another.

    `invited` is somebody with an account whose open invitation the links of invitations are about.
    """

    def __init__(self, acme: Acme) -> None:
        self.acme = acme
        self._world = acme.world
        self._numbers = count(1)
        self.invited: Person = self._world.person("Ivy Invited", "ivy@example.org")

    def __iter__(self) -> Iterator[Route]:
        """Yield every route that people ask for."""
        rules = sorted(self._world.app.url_map.iter_rules(), key=lambda rule: rule.rule)
        return (Route(rule, method) for rule in rules for method in sorted(ASKED_BY_PEOPLE & (rule.methods or set())))

    def request(self, route: Route) -> Request:
        """Return a request that would succeed for somebody who may."""
        arguments = {name: self._argument(route, name) for name in route.rule.arguments}
        with self._world.app.test_request_context():
            return Request(url_for(route.endpoint, **arguments), self._form(route) if route.method == "POST" else {})

    def _argument(self, route: Route, name: str) -> Any:
        if name == "token":
            family = route.endpoint.partition(".")[0]
            return {"setup": self._setup_token, "accounts": self._reset_token, "invites": self._invitation_token}[
                family
            ]()
        made: dict[str, Any] = {
            "org": lambda: self.acme.slug,
            "invitation": lambda: self._invite(f"guest{next(self._numbers)}@example.org").id,
            "key": self._demo_letter,
            "filename": lambda: "css/theme.css",
        }
        return made[name]()

    def _form(self, route: Route) -> dict[str, str]:
        address = f"form{next(self._numbers)}@example.org"
        forms = {
            "accounts.forgot_password": {"email": address},
            "invites.create": {"emails": address, "role": "member", "lifetime_days": "7"},
            "invites.answer": {"decline": "1"},
        }
        return forms.get(route.endpoint, {})

    def _invite(self, email: str) -> Invited:
        return self._world.invite(self.acme.slug, self.acme.owner, email)

    def _invitation_token(self) -> str:
        def close_earlier() -> None:
            earlier = Invitation.canonical == self.invited.email
            db.session.execute(update(Invitation).where(earlier).values(status=InvitationStatus.REVOKED))

        self._world.write(close_earlier)
        return self._invite(self.invited.email).token

    def _reset_token(self) -> str:
        self._world.write(accounts.request_reset, Actor.system(), addresses.parse(self.acme.member.email))
        letter = self._world.letters("password_reset")[-1]
        return str(self._world.read(lambda: db.vault.open(outbox.seal_name(letter), letter.secret or "")))

    def _setup_token(self) -> str:
        return setup_token(SECRET_KEY)

    def _demo_letter(self) -> str:
        with self._world.app.app_context():
            mailbox = DemoMailbox(settings().data_dir)
        self._invite(f"guest{next(self._numbers)}@example.org")
        Worker(self._world.app, mailbox).run_once()
        return mailbox.newest()[0].key
