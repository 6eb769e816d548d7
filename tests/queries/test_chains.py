"""The chains of the audit log: whoever changed one is found out, by the first entry that is wrong."""

from collections.abc import Callable

import pytest
from sqlalchemy import delete, update

from tests.support import crowds
from tests.support.acme import Acme
from tests.support.tampering import entry, tamper, write_anew
from webapp.cli.audit import check
from webapp.db import db
from webapp.models import AuditEntry
from webapp.queries import chains
from webapp.queries.chains import Broken, Chain, Head, check_head, head_of
from webapp.services.audit import hash_of


def chain_of(acme: Acme) -> Chain:
    """Return the chain of Acme."""
    [chain] = acme.world.read(chains.chains, acme.slug)
    return chain


def walk(acme: Acme, known: Head | None = None) -> Head:
    """Check the whole chain of Acme and return its end."""
    chain = chain_of(acme)
    with acme.world.app.app_context():
        return list(check(chain, known))[-1]


def fault(acme: Acme, known: Head | None = None) -> tuple[int, str]:
    """Return the number of the first bad entry of Acme, and what is wrong with it."""
    with pytest.raises(Broken) as broken:
        walk(acme, known)
    return broken.value.sequence, broken.value.wrong


def test_untouched_chain_is_walked_to_its_end(acme: Acme) -> None:
    last = acme.entries()[-1]
    assert walk(acme) == Head(last.sequence, last.hash) == acme.world.read(head_of, chain_of(acme))


def test_long_chain_is_walked_in_steps(acme: Acme) -> None:
    crowds.invite(acme, [f"i{number}@example.org" for number in range(chains.ROWS_A_STEP)])
    with acme.world.app.app_context():
        ends = list(check(chain_of(acme)))
    assert [end.sequence for end in ends] == [chains.ROWS_A_STEP, acme.entries()[-1].sequence]


def test_instance_and_every_organization_have_a_chain(acme: Acme) -> None:
    found = acme.world.read(chains.chains)
    assert [(chain.name, chain.slug) for chain in found] == [
        ("instance", None),
        ("organization:1", acme.slug),
        ("organization:2", acme.other_slug),
    ]
    with acme.world.app.app_context():
        assert all(list(check(chain)) for chain in found)


def changed(acme: Acme) -> None:
    entry(acme, 3).actor_name = "Somebody Else"


def changed_with_its_hash(acme: Acme) -> None:
    forged = entry(acme, 3)
    forged.actor_name = "Somebody Else"
    forged.hash = hash_of(forged)


def made_unreadable(acme: Acme) -> None:
    column = "created_at = 'no moment'" if db.engine.dialect.name == "sqlite" else "hash = 'no hash'"
    db.session.connection().exec_driver_sql(f"update audit_entry set {column} where id = {entry(acme, 3).id}")


def deleted(acme: Acme) -> None:
    db.session.execute(delete(AuditEntry).where(AuditEntry.id == entry(acme, 3).id))


def reordered(acme: Acme) -> None:
    third, fourth = entry(acme, 3).id, entry(acme, 4).id
    for number, sequence in ((third, 99), (fourth, 3), (third, 4)):
        db.session.execute(update(AuditEntry).where(AuditEntry.id == number).values(sequence=sequence))


def moved_in_from_another_chain(acme: Acme) -> None:
    db.session.execute(delete(AuditEntry).where(AuditEntry.id == entry(acme, 3).id))
    strange = AuditEntry.organization_id.is_(None) & (AuditEntry.sequence == 3)
    values = {"organization_id": acme.organization().id}
    db.session.execute(update(AuditEntry).where(strange).values(values))


@pytest.mark.parametrize(
    ("change", "sequence", "wrong"),
    [
        (changed, 3, "it was changed"),
        (changed_with_its_hash, 4, "it does not continue entry 3"),
        (made_unreadable, 3, "it was changed"),
        (deleted, 3, "it is missing: the next one is numbered 4."),
        (reordered, 3, "it was changed"),
        (moved_in_from_another_chain, 3, "it was changed"),
    ],
)
def test_U02_first_bad_entry_is_named(acme: Acme, change: Callable[[Acme], None], sequence: int, wrong: str) -> None:
    tamper(acme, lambda: change(acme))
    found, said = fault(acme)
    assert found == sequence
    assert said.startswith(wrong)


def test_U02_emptied_chain_of_an_organization_is_found_without_help(acme: Acme) -> None:
    of_acme = AuditEntry.organization_id == chain_of(acme).organization_id
    tamper(acme, lambda: db.session.execute(delete(AuditEntry).where(of_acme)))
    assert fault(acme)[0] == 1


def test_U02_tail_that_was_cut_is_found_by_what_was_written_down(acme: Acme) -> None:
    known, last = walk(acme), acme.entries()[-1]
    tamper(acme, lambda: db.session.execute(delete(AuditEntry).where(AuditEntry.id == last.id)))
    assert walk(acme) == Head(last.sequence - 1, last.previous_hash)
    assert fault(acme, known) == (last.sequence, f"it is missing: {last.sequence} entries were there before.")
    with pytest.raises(Broken, match="it is missing"):
        acme.world.read(check_head, chain_of(acme), known)


def test_U02_chain_written_anew_is_found_by_what_was_written_down(acme: Acme) -> None:
    known = walk(acme)
    tamper(acme, lambda: write_anew(acme))
    assert walk(acme).sequence == known.sequence
    assert fault(acme, known) == (known.sequence, chains.EXCHANGED)
    with pytest.raises(Broken, match="it is another entry"):
        acme.world.read(check_head, chain_of(acme), known)


def test_chain_that_has_grown_still_fits_what_was_written_down(acme: Acme) -> None:
    known = walk(acme)
    acme.world.invite(acme.slug, acme.owner, "mia@example.org")
    assert walk(acme, known).sequence == known.sequence + 1
    acme.world.read(check_head, chain_of(acme), known)
    acme.world.read(check_head, chain_of(acme), chains.NOTHING)
