"""What can be done to members and invitations, as data: a model and the application do it alike."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from webapp.models import MemberStatus, Role

START = datetime(2027, 1, 1, 12, tzinfo=UTC)
PAUSES = [timedelta(days=days) for days in (1, 30, 7, 8)] + [timedelta(hours=1)]
POLICIES = ["members_may_invite", "address_match_required"]
ROLES = [Role.MEMBER, Role.MEMBER, *Role]
"""What is mostly offered first."""
COMMAND_LINE = "the command line"


@dataclass(frozen=True)
class Cast:
    """Somebody with an account when the history begins, and their membership, if any."""

    name: str
    email: str
    role: Role | None = None
    status: MemberStatus = MemberStatus.ACTIVE


CAST = (
    Cast("Olive Owner", "olive@example.com", Role.OWNER),
    Cast("Odo Owner", "odo@example.com", Role.OWNER),
    Cast("Mona Manager", "mona@example.com", Role.MANAGER),
    Cast("Adam Admin", "adam@example.com", Role.ADMIN),
    Cast("Mina Member", "mina@example.com", Role.MEMBER),
    Cast("Sam Suspended", "sam@example.com", Role.MANAGER, MemberStatus.SUSPENDED),
    Cast("Eva Example", "eva@example.org"),
    Cast("Una Umbra", "una@example.org"),
)
NOBODYS = ("first@example.org", "second@example.org")


@dataclass(frozen=True)
class Act:
    """One thing somebody does.

    `subject` is a name, an address, or the number of an invitation, of a link of one, or of a membership, counted from
    0 in the order in which they were made. `more` is a role, a name, a policy with its value, or a pause.
    """

    verb: str
    actor: str = ""
    subject: Any = None
    more: Any = None


class Scene(Protocol):
    """What must be known of the present to choose an act."""

    @property
    def names(self) -> list[str]: ...
    @property
    def insiders(self) -> list[str]: ...
    @property
    def inviters(self) -> list[str]: ...
    def rulers(self, lowest: Role) -> list[str]: ...
    @property
    def emails(self) -> list[str]: ...
    @property
    def free_emails(self) -> list[str]: ...
    @property
    def links(self) -> list[tuple[int, int]]: ...
    @property
    def open_links(self) -> list[tuple[int, int]]: ...
    @property
    def invitations(self) -> int: ...
    @property
    def removals(self) -> list[int]: ...
    @property
    def undoable(self) -> list[int]: ...
    def invited_by(self, link: tuple[int, int]) -> list[str]: ...


Pick = Callable[[int], int]
"""Returns a number below the one it is given."""


class Chooser:
    """Chooses acts, more often than not such as somebody may well do; the others are refused."""

    def __init__(self, scene: Scene, pick: Pick) -> None:
        self._scene, self._pick = scene, pick

    def choose(self, verb: str) -> Act | None:
        """Return an act of this kind, or nothing where there is nothing to act upon."""
        scene = self._scene
        if verb in ("revoke", "resend", "copy"):
            return Act(verb, self._ruler(), self._pick(scene.invitations)) if scene.invitations else None
        if verb in ("accept", "decline", "register"):
            return self._answer(verb) if scene.links else None
        if verb == "undo":
            return Act(verb, self._ruler(Role.MANAGER), self._mostly(scene.undoable, scene.removals))
        if verb in ("give", "suspend", "restore", "remove"):
            # Whose invitations are open, and everybody else.
            theirs = self._mostly(scene.inviters if self._pick(2) else scene.insiders, scene.names)
            return Act(verb, self._ruler(Role.MANAGER), theirs, self._one_of(list(Role)) if verb == "give" else None)
        return self._unbound(verb)

    def _unbound(self, verb: str) -> Act:
        """Return an act that is always at hand."""
        scene = self._scene
        return {
            "invite": lambda: Act(
                verb, self._ruler(), self._mostly(scene.free_emails, scene.emails), self._one_of(ROLES)
            ),
            "leave": lambda: Act(verb, self._mostly(scene.insiders, scene.names)),
            "allow": lambda: Act(verb, self._ruler(Role.OWNER), None, (self._one_of(POLICIES), bool(self._pick(2)))),
            "wait": lambda: Act(verb, more=self._one_of(PAUSES)),
        }[verb]()

    def _answer(self, verb: str) -> Act:
        link = self._mostly(self._scene.open_links, self._scene.links)
        who = self._mostly(self._scene.invited_by(link), self._scene.names)
        return Act(verb, who, link, f"Newcomer {len(self._scene.names)}")

    def _ruler(self, lowest: Role = Role.ADMIN) -> str:
        return self._mostly([*self._scene.rulers(lowest), COMMAND_LINE], self._scene.names)

    def _mostly(self, likely: list[Any], others: list[Any]) -> Any:
        return self._one_of(likely if likely and self._pick(4) else others)

    def _one_of(self, some: list[Any]) -> Any:
        return some[self._pick(len(some))]


VERBS = (
    *("invite", "resend", "revoke", "copy", "accept", "register", "decline"),
    *("suspend", "restore", "remove", "undo", "give", "leave", "allow", "wait"),
)
