"""Impact: who gains, loses or changes access by a change, found by making the change and taking it back.

The access rule is not written twice here: it says itself what everybody reaches before the change and after it. The
caller makes the change as it will be made, by the service; only changes of many members are made in short, by
`services/bulk.py`, and a test compares what the two come to for each action.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from webapp import db as database
from webapp.access import grants
from webapp.db import db
from webapp.models import Role

MOST_PAIRS = 10_000
MOST_KEPT = 1_000
EVERY_PROJECT = 0

# What each member reaches: the level by (member id, project id), where EVERY_PROJECT stands for all of them.
Reached = dict[tuple[int, int], int]


class Shift(NamedTuple):
    """A member reaches a project, or every other one, at another level than before; None stands for not at all."""

    member_id: int
    project_id: int
    before: Role | None
    after: Role | None

    @property
    def is_loss(self) -> bool:
        """Whether something is taken away."""
        return self.before is not None and (self.after is None or self.after < self.before)


@dataclass(frozen=True)
class Affected:
    """Whom and what a change may concern: members by id, and projects by id, or all of them; of one organization.

    `is_of_projects` stands for a change of the projects themselves, which whoever reaches every project feels too.
    """

    organization_id: int
    members: Collection[int]
    projects: Collection[int] | None = None
    is_of_projects: bool = False

    @property
    def is_nothing(self) -> bool:
        """Whether nobody's access can change: there is nobody, or nothing to open."""
        return not self.members or (self.projects is not None and not self.projects)


@dataclass(frozen=True)
class Impact:
    """What a change does to access. Where it concerns too many pairs it only says how many at most."""

    affected: Affected
    shifts: tuple[Shift, ...] = ()
    is_counted: bool = False
    with_single: frozenset[int] = frozenset()
    """Who reaches single projects, before or after, beside what they reach of every project."""

    @property
    def losses(self) -> list[Shift]:
        """What is taken away."""
        return [shift for shift in self.shifts if shift.is_loss]

    @property
    def takes_away(self) -> bool:
        """Whether somebody loses something, as far as anybody counted."""
        return self.is_counted or bool(self.losses)

    @property
    def concerned(self) -> int:
        """How many people it may concern, whatever comes of it."""
        return len(self.affected.members)

    @property
    def concerns_more(self) -> bool:
        """Whether it may concern more people than are read, so that `concerned` is too low."""
        return self.concerned > MOST_PAIRS

    def described(self) -> dict[str, Any]:
        """Return what the audit log keeps of it: who reaches what at another level, the first MOST_KEPT of them."""
        if self.is_counted:
            return {"people": self.concerned}
        kept = self.shifts[:MOST_KEPT]
        shifts = [[s.member_id, s.project_id, _label(s.before), _label(s.after)] for s in kept]
        return {"people": len({shift.member_id for shift in self.shifts}), "shifts": shifts}

    def digest(self) -> str:
        """Return what stands for everything said here and whom it concerns, to tell whether the world moved since."""
        said = [[s.member_id, s.project_id, s.before or 0, s.after or 0] for s in sorted(self.shifts, key=_order)]
        whom = [sorted(self.affected.members), sorted(self.affected.projects or ())]
        return hashlib.sha256(json.dumps([said, whom]).encode()).hexdigest()


def impact_of(change: Callable[[], object], affected: Affected) -> Impact:
    """Return what a change would do; it is made and taken back, under the organization's lock.

    One that may concern more than MOST_PAIRS is not even tried, and one that comes to more is only counted: it would
    hold up everybody who writes. A reading transaction finds that out beforehand. In one that keeps nothing, nobody is
    held up longer than the change and one look at the world after it take: the world before is looked at last.

    Args:
        change: calls the service.
        affected: whose access to what it may concern; everything else is taken to stay as it is.

    Raises:
        DomainError: the change is refused.
        MustWrite: it must be tried, and the transaction at hand only reads.
    """
    looks_back = database.is_for_trying()
    before = None if looks_back else _reached(affected)
    if before is None and not looks_back:
        return _only_counted(affected)
    with database.taken_back():
        change()
        db.session.flush()
        after = _reached(affected)
    before = _reached(affected) if looks_back else before
    if before is None or after is None:
        return _only_counted(affected)
    with_single = frozenset(member for member, project in before.keys() | after.keys() if project != EVERY_PROJECT)
    return Impact(affected, tuple(_shifts(before, after)), with_single=with_single)


def _only_counted(affected: Affected) -> Impact:
    """Return what is said of more than is compared: nothing is lost where a great many projects meet nobody."""
    return Impact(affected, is_counted=not affected.is_nothing)


def _reached(affected: Affected) -> Reached | None:
    """Return what is reached; nothing where it is more than is compared, or the list of whom it concerns was cut."""
    if max(len(affected.members), len(affected.projects or ())) > MOST_PAIRS:
        return None
    concerned = (affected.organization_id, affected.members, affected.projects)
    return grants.reached_by(*concerned, one_by_one=affected.is_of_projects, most=MOST_PAIRS)


def _shifts(before: Reached, after: Reached) -> Iterator[Shift]:
    for pair in sorted(before.keys() | after.keys()):
        was, now = _level(before, pair), _level(after, pair)
        if was != now:
            yield Shift(*pair, _role(was), _role(now))


def _level(reached: Reached, pair: tuple[int, int]) -> int:
    """Return the level on one project, which that on every project may be above; 0 is below all of them."""
    return max(reached.get(pair, 0), reached.get((pair[0], EVERY_PROJECT), 0))


def _role(level: int) -> Role | None:
    return Role(level) if level else None


def _label(level: Role | None) -> str | None:
    return level.label if level else None


def _order(shift: Shift) -> tuple[int, int]:
    return shift.member_id, shift.project_id
