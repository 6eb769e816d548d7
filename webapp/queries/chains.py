"""The chains of the audit log, checked link by link: has anybody changed, removed or reordered what it says?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, select

from webapp.db import db
from webapp.models import AuditEntry
from webapp.queries.organizations import slugs_by_id
from webapp.services.audit import FIRST_HASH, hash_of

INSTANCE = "instance"
ROWS_A_STEP = 1_000
EXCHANGED = "it is another entry than the one whose hash was written down."


@dataclass(frozen=True)
class Chain:
    """One chain. `name` stays as long as the organization does, whatever its slug."""

    name: str
    organization_id: int | None
    slug: str | None


@dataclass(frozen=True)
class Head:
    """The newest entry of a chain: its number and its hash. Written down elsewhere, it proves the entries up to it."""

    sequence: int
    hash: str


NOTHING = Head(0, FIRST_HASH)


class Broken(Exception):
    """A chain is not as it was written; the message says what is wrong with the entry numbered `sequence`."""

    def __init__(self, chain: Chain, sequence: int, wrong: str) -> None:
        self.chain, self.sequence, self.wrong = chain, sequence, wrong
        super().__init__(f"{chain.slug or chain.name}, entry {sequence}: {wrong}")


def chains(slug: str | None = None) -> list[Chain]:
    """Return the chain of the instance and that of each organization, or only that of one organization."""
    of_organizations = [Chain(f"organization:{number}", number, own) for number, own in slugs_by_id(slug).items()]
    return of_organizations if slug else [Chain(INSTANCE, None, None), *of_organizations]


def head_of(chain: Chain) -> Head:
    """Return where a chain ends."""
    last = select(AuditEntry.sequence, AuditEntry.hash).where(_of(chain)).order_by(AuditEntry.sequence.desc()).limit(1)
    row = db.session.execute(last).one_or_none()
    return Head(row.sequence, row.hash) if row else NOTHING


def check_next(chain: Chain, at: Head, known: Head | None = None) -> Head | None:
    """Check the next thousand entries of a chain; return how far that is, or nothing where there are no more.

    Args:
        chain: which one.
        at: how far it was checked before; NOTHING to begin.
        known: where it ended when somebody wrote that down.

    Raises:
        Broken: at the first entry that is not as it was written.
    """
    rows = _next_rows(chain, at)
    for row in rows:
        at = _link(chain, at, row)
        if known and known.sequence == at.sequence and known.hash != at.hash:
            raise Broken(chain, at.sequence, EXCHANGED)
    return at if rows else None


def check_end(chain: Chain, at: Head, known: Head | None = None) -> None:
    """Go on only if a chain that was checked up to its end has no entries missing there; see `check_next`.

    Raises:
        Broken: it has.
    """
    if chain.organization_id is not None and at == NOTHING:
        raise Broken(chain, 1, "it is missing: there are no entries, though the making of the organization was one.")
    if known and known.sequence > at.sequence:
        raise Broken(chain, at.sequence + 1, f"it is missing: {known.sequence} entries were there before.")


def _next_rows(chain: Chain, at: Head) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return the entries after `at`; one only, where those after it cannot all be read.

    Raises:
        Broken: what is stored as the very next entry is no entry at all.
    """
    for most in (ROWS_A_STEP, 1):
        try:
            return _read(chain, at, most)
        except ValueError:
            continue
    raise Broken(chain, at.sequence + 1, "it was changed and cannot even be read.")


def _read(chain: Chain, at: Head, most: int) -> Sequence[Row[*tuple[Any, ...]]]:
    following = select(*AuditEntry.__table__.c).where(_of(chain), AuditEntry.sequence > at.sequence)
    return db.session.execute(following.order_by(AuditEntry.sequence).limit(most)).all()


def _link(chain: Chain, at: Head, row: Row[*tuple[Any, ...]]) -> Head:
    expected = at.sequence + 1
    if row.sequence != expected:
        raise Broken(chain, expected, f"it is missing: the next one is numbered {row.sequence}.")
    if hash_of(row) != row.hash:
        raise Broken(chain, expected, "it was changed: its hash is not the one of what it says.")
    if row.previous_hash != at.hash:
        raise Broken(chain, expected, f"it does not continue entry {at.sequence}: one of the two was exchanged.")
    return Head(row.sequence, row.hash)


def _of(chain: Chain) -> ColumnElement[bool]:
    return AuditEntry.organization_id == chain.organization_id


def check_head(chain: Chain, known: Head) -> None:
    """Go on only if a chain still holds what was its end when somebody wrote that down.

    Raises:
        Broken: it does not.
    """
    if known == NOTHING:
        return
    found = db.session.scalar(select(AuditEntry.hash).where(_of(chain), AuditEntry.sequence == known.sequence))
    if found != known.hash:
        wrong = EXCHANGED if found else f"it is missing: {known.sequence} entries were there before."
        raise Broken(chain, known.sequence, wrong)
