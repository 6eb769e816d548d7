"""Who acts. Services take an actor as an argument and know nothing of requests."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from webapp.models import Member, User


class ActorKind(StrEnum):
    """What kind of actor did something."""

    USER = "user"
    VISITOR = "visitor"
    SYSTEM = "system"


@dataclass(frozen=True)
class Actor:
    """A signed-in user, a visitor who has not signed in, or the system itself.

    `member` is the actor's membership in the organization at hand, read under the same lock as everything else.
    `is_confined` says that an organization's identity provider alone names the user: what they know and may do
    elsewhere is not to be used. `is_fresh` says that the user has just signed in by themselves.
    """

    kind: ActorKind
    name: str
    user_id: int | None = None
    ip: str | None = None
    member: Member | None = None
    language: str | None = None
    is_confined: bool = False
    is_fresh: bool = False

    @classmethod
    def of(cls, user: User, *, ip: str | None, member: Member | None = None, is_fresh: bool = False) -> Self:
        """Return the actor for a signed-in user."""
        return cls(ActorKind.USER, user.name, user.id, ip, member, user.language, is_fresh=is_fresh)

    @classmethod
    def visitor(cls, ip: str | None, language: str | None = None) -> Self:
        """Return the actor for somebody who has not signed in."""
        return cls(ActorKind.VISITOR, "", ip=ip, language=language)

    @classmethod
    def system(cls) -> Self:
        """Return the actor for commands and the worker."""
        return cls(ActorKind.SYSTEM, "Vestibule")

    @classmethod
    def connection(cls, name: str) -> Self:
        """Return the actor for what follows from the word of an organization's identity provider, by its name."""
        return cls(ActorKind.SYSTEM, name)
