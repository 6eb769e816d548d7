"""The plain model of an organization: what it consists of, who may do what, and what can be seen of it."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.model.acts import CAST, COMMAND_LINE, NOBODYS, START, Act
from webapp.errors import AboveYourRole, DomainError, Forbidden, LastOwner, NotFound, Yourself
from webapp.models import Role

DONE = "done"
ACTIVE, SUSPENDED = "active", "suspended"
PENDING, DECLINED, REVOKED, ACCEPTED = "pending", "declined", "revoked", "accepted"
LIFETIME, UNDO, DAY = timedelta(days=7), timedelta(days=30), timedelta(days=1)
LETTERS_A_DAY = 10


@dataclass
class Account:
    """Somebody with an account, whose address may be unproven."""

    email: str
    is_proven: bool = True


@dataclass
class Membership:
    """A membership; `number` tells it from an earlier one of the same person."""

    number: int
    role: Role
    status: str = ACTIVE


@dataclass
class Link:
    """A link of an invitation."""

    copied_by: str = ""
    is_alive: bool = True


@dataclass
class Offer:
    """An invitation, open until `ends_at` while it is pending."""

    email: str
    role: Role
    by: str
    ends_at: datetime
    status: str = PENDING
    links: list[Link] = field(default_factory=lambda: [Link()])


@dataclass
class Removal:
    """A membership that was taken away."""

    name: str
    membership: Membership
    at: datetime
    by: str


class Organization:
    """The organization, and everybody who has an account."""

    def __init__(self) -> None:
        self.now = START
        self.accounts = {cast.name: Account(cast.email) for cast in CAST}
        joined = [cast for cast in CAST if cast.role]
        self.members = {cast.name: Membership(n, cast.role or Role.MEMBER) for n, cast in enumerate(joined)}
        for cast in joined:
            self.members[cast.name].status = cast.status.value
        self.memberships = len(joined)
        self.offers: list[Offer] = []
        self.removed: dict[int, Removal] = {}
        self.policies = {"members_may_invite": False, "address_match_required": True}
        self.letters: Counter[str] = Counter()
        self.events: list[str] = []
        self._sent: dict[str, tuple[int, datetime]] = {}

    names = property(lambda self: list(self.accounts))
    invitations = property(lambda self: len(self.offers))
    insiders = property(lambda self: list(self.members))
    removals = property(lambda self: [*self.removed, self.memberships - 1])
    links = property(lambda self: [(n, m) for n, offer in enumerate(self.offers) for m in range(len(offer.links))])

    @property
    def open_links(self) -> list[tuple[int, int]]:
        """The links that can be answered."""
        return [
            (n, m) for n, m in self.links if self._state(self.offers[n]) == PENDING and self.offers[n].links[m].is_alive
        ]

    @property
    def inviters(self) -> list[str]:
        """Who has sent what may still be answered."""
        return [name for name in self.members if (name, PENDING) in [(offer.by, offer.status) for offer in self.offers]]

    @property
    def undoable(self) -> list[int]:
        """The removals of the last 30 days."""
        return [number for number, removal in self.removed.items() if self.now < removal.at + UNDO]

    def rulers(self, lowest: Role) -> list[str]:
        """Return who has at least this role."""
        return [name for name, m in self.members.items() if m.role >= lowest and m.status == ACTIVE]

    def invited_by(self, link: tuple[int, int]) -> list[str]:
        """Return whose address a link was sent to."""
        return [name for name, account in self.accounts.items() if account.email == self.offers[link[0]].email]

    @property
    def emails(self) -> list[str]:
        """The addresses that are invited: of nobody yet, of people elsewhere, and of a member."""
        outside = [account.email for name, account in self.accounts.items() if name not in self.members]
        return [*dict.fromkeys([*NOBODYS, *outside, CAST[-4].email])]

    @property
    def free_emails(self) -> list[str]:
        """Those of them that no invitation waits for."""
        waited_for = [offer.email for offer in self.offers if self._state(offer) == PENDING]
        return [email for email in self.emails if email not in waited_for]

    def do(self, act: Act) -> str:
        """Do it, and return what came of it: done, a word about the address, or the name of the refusal."""
        try:
            return getattr(self, f"_{act.verb}")(act) or DONE
        except DomainError as refusal:
            return type(refusal).__name__

    def picture(self) -> dict[str, Any]:
        """Return everything that can be seen of the organization."""
        return {
            "members": {name: (m.role.label, m.status) for name, m in self.members.items()},
            "invitations": [(offer.email, offer.role.label, self._state(offer)) for offer in self.offers],
            "removed": {
                number: (removal.name, removal.membership.role.label, removal.membership.status)
                for number, removal in self.removed.items()
            },
            "letters": dict(self.letters),
            "events": list(self.events),
        }

    # ---- rights ----

    def _require(self, actor: str, lowest: Role, *, by_policy: bool = False) -> Membership | None:
        """Return the membership of whoever acts; the command line has none and may everything."""
        if actor == COMMAND_LINE:
            return None
        mine = self.members.get(actor)
        if mine is None or mine.status != ACTIVE:
            raise NotFound
        if mine.role < lowest and not by_policy:
            raise Forbidden
        return mine

    def _require_inviter(self, actor: str) -> Membership | None:
        return self._require(actor, Role.ADMIN, by_policy=self.policies["members_may_invite"])

    def _require_power(self, act: Act) -> tuple[Membership | None, Membership]:
        mine, theirs = self._require(act.actor, Role.MANAGER), self.members.get(act.subject)
        if theirs is None:
            raise NotFound
        if mine is theirs:
            raise Yourself
        if mine and theirs.role > mine.role:
            raise AboveYourRole
        return mine, theirs

    def _require_other_owner(self, member: Membership) -> None:
        owners = {name: m for name, m in self.members.items() if m.role is Role.OWNER and m.status == ACTIVE}
        others = [name for name, m in owners.items() if m is not member and self.accounts[name].is_proven]
        if any(m is member for m in owners.values()) and not others:
            raise LastOwner

    # ---- what is noted ----

    def _state(self, offer: Offer) -> str:
        return "expired" if offer.status == PENDING and self.now >= offer.ends_at else offer.status

    def _say(self, event: str, letter: str = "") -> None:
        self.events.append(event)
        if letter:
            self.letters[letter] += 1
