"""How a connection stands with the people of its organization: what pages count, each of them in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, ScalarSelect, String, bindparam, cast, exists, func, literal, not_, select

from webapp import clock
from webapp.access.outside import OF_PROVIDER, OUTSIDE
from webapp.db import Id, db
from webapp.models import Identity, IdentityProvider, Member, RecoveryCode, Role
from webapp.queries.enforcement import WOULD_BE_KEPT_OUT
from webapp.queries.numbers import up_to
from webapp.queries.page import Statement
from webapp.queries.rehearsal import WOULD_HAVE_BEEN_REFUSED, Rehearsal, rehearsal_of
from webapp.queries.sso import COVERAGE, Coverage, covered
from webapp.services.sso.enforcement import CAME, JUST_NOW, is_rehearsed
from webapp.services.sso.reminders import MOST_COUNTED


@dataclass(frozen=True)
class Overview:
    """How many are linked, what a rehearsal has shown so far, where there is one, and how many recovery codes work."""

    coverage: Coverage
    rehearsal: Rehearsal | None
    codes_left: int


@dataclass(frozen=True)
class Requirement:
    """What requiring a connection now would do: how many it keeps out, and how many owners could come in.

    Both are counted up to 10,000.
    """

    kept_out: int
    owners: int


@dataclass(frozen=True)
class Concerned:
    """Whom requiring a connection now concerns: whom it keeps out, and which owners could come in.

    Both are ids of members in order, the first 10,000 at most.
    """

    kept_out: Sequence[int]
    owners: Sequence[int]


@dataclass(frozen=True)
class Enforcing:
    """What the page says on which it is chosen whether a connection is required.

    `has_identity` is whether the provider knows the viewer, `is_shown` whether their session has just come through it.
    """

    requirement: Requirement
    rehearsal: Rehearsal | None
    has_identity: bool
    is_shown: bool


def overview_of(provider: IdentityProvider) -> Overview:
    """Return the numbers of the page of single sign-on."""
    row = _read(_OVERVIEW, provider, organization_id=provider.organization_id)
    rehearsal = rehearsal_of(provider, row.refused, owners=row.owners)
    return Overview(covered(row.linked, row.members), rehearsal, row.codes_left)


def shown_by_rehearsal(provider: IdentityProvider) -> Rehearsal | None:
    """Return what a rehearsal has shown so far, without names; nothing where there is none."""
    if not is_rehearsed(provider):
        return None
    row = _read(_REHEARSAL, provider)
    return rehearsal_of(provider, row.refused, owners=row.owners, names=False)


def concerned_by(provider: IdentityProvider) -> Concerned:
    """Return whom requiring a connection now concerns."""
    row = db.session.execute(_CONCERNED, {"provider_id": provider.id}).one()
    return Concerned(_numbers(row.kept_out), _numbers(row.owners))


def _numbers(joined: str | None) -> Sequence[int]:
    return sorted(map(int, joined.split(","))) if joined else []


def enforcing_of(provider: IdentityProvider, user_id: int, session_id: int) -> Enforcing:
    """Return the numbers of the page on which requiring a connection is chosen, and where a viewer stands."""
    viewer = {"user_id": user_id, "session_id": session_id, "since": clock.now() - JUST_NOW}
    row = _read(_ENFORCING, provider, **viewer)
    rehearsal = rehearsal_of(provider, row.refused, owners=row.owners)
    return Enforcing(Requirement(row.kept_out, row.owners), rehearsal, row.has_identity, row.is_shown)


def _read(statements: Mapping[bool, Statement], provider: IdentityProvider, **more: object) -> Row[Any]:
    """Read a page's numbers; who would have been refused is counted only while a rehearsal goes on."""
    return db.session.execute(statements[is_rehearsed(provider)], {"provider_id": provider.id, **more}).one()


def _first_of(members: Statement) -> ScalarSelect[str | None]:
    """Join the ids that a statement selects, the first 10,000, as a column of another statement."""
    found = members.order_by(Member.id).limit(MOST_COUNTED).subquery()
    return select(func.aggregate_strings(cast(found.c.id, String), ",")).scalar_subquery()


_COULD_COME_IN = OF_PROVIDER.where(Member.role == Role.OWNER, not_(OUTSIDE))
_OWNERS = up_to(MOST_COUNTED, _COULD_COME_IN).label("owners")
_KEPT_OUT = up_to(MOST_COUNTED, WOULD_BE_KEPT_OUT).label("kept_out")
_REFUSED = up_to(MOST_COUNTED, WOULD_HAVE_BEEN_REFUSED).label("refused")
_HAS_IDENTITY = exists().where(
    Identity.provider_id == bindparam("provider_id", type_=Id), Identity.user_id == bindparam("user_id", type_=Id)
)


def _with_refused(statement: Statement) -> Mapping[bool, Statement]:
    return {True: statement.add_columns(_REFUSED), False: statement.add_columns(literal(0).label("refused"))}


_NOBODY = literal(0).label("owners"), literal(0).label("refused")
_UNUSED = select(func.count()).where(
    RecoveryCode.organization_id == bindparam("organization_id"), RecoveryCode.used_at.is_(None)
)
_SHOWN = COVERAGE.add_columns(_UNUSED.scalar_subquery().label("codes_left"))
_OVERVIEW = {True: _SHOWN.add_columns(_OWNERS, _REFUSED), False: _SHOWN.add_columns(*_NOBODY)}
_REHEARSAL = {True: select(_OWNERS, _REFUSED)}
_REQUIREMENT = select(_KEPT_OUT, _OWNERS)
_CONCERNED = select(_first_of(WOULD_BE_KEPT_OUT).label("kept_out"), _first_of(_COULD_COME_IN).label("owners"))
_ENFORCING = _with_refused(_REQUIREMENT.add_columns(_HAS_IDENTITY.label("has_identity"), CAME.label("is_shown")))
