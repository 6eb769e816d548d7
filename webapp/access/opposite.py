"""The opposite: what would have to change for a decision to come out the other way."""

from dataclasses import dataclass

from webapp.access.grants import Decision, Path
from webapp.access.plugins import Opinion
from webapp.access.roles import LOWEST_LEVEL
from webapp.models import Role


@dataclass(frozen=True)
class Opposite:
    """Everything that would have to change before the answer is `answer`; a part of it is not enough.

    For a no, `paths` would have to end, and so would `opinions`. For a yes, `blockers` and `opinions` would have to go;
    where `missing` names a level, some grant would then still have to give it, and `highest` is what they give; whoever
    is no member would have to become one first.
    """

    answer: bool
    paths: tuple[Path, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    blockers: tuple[str, ...] = ()
    missing: Role | None = None
    highest: Role | None = None
    is_member: bool = True


def opposite_of(decision: Decision) -> Opposite:
    """Return what would have to change for the other answer, given what is there. New blockers are not thought up."""
    allowing = tuple(opinion for opinion in decision.opinions if opinion.allows)
    if decision.is_allowed:
        return Opposite(False, decision.sufficient, allowing)
    denying = tuple(opinion for opinion in decision.opinions if not opinion.allows)
    needed = None if decision.sufficient or allowing else LOWEST_LEVEL[decision.scope]
    return Opposite(True, (), denying, decision.blockers, needed, decision.level, decision.is_member)
