"""vestibule audit: whoever changed the log is found out, by the first entry that is wrong."""

import json
from pathlib import Path

from sqlalchemy import delete

from tests.support.acme import Acme
from tests.support.commands import Command
from tests.support.tampering import entry, tamper
from webapp.db import db
from webapp.models import AuditEntry


def test_untouched_log_is_proven_with_the_end_of_every_chain(acme: Acme, vestibule: Command) -> None:
    ran = vestibule("audit", "verify")
    assert (ran.status, ran.err) == (0, "")
    last = acme.entries()[-1]
    [row] = [row for row in ran.out.splitlines() if f" {acme.slug} " in row]
    assert row.split()[2:] == [str(last.sequence), last.hash]
    verdict, _heading, *chains = ran.out.splitlines()
    assert verdict.startswith("Nothing was changed.")
    assert [line.split()[0] for line in chains] == ["instance", "organization:1", "organization:2"]


def test_log_is_proven_for_one_organization_and_as_json(acme: Acme, vestibule: Command) -> None:
    ran = vestibule("audit", "verify", acme.slug, "--json")
    last = acme.entries()[-1]
    head = {"slug": acme.slug, "sequence": last.sequence, "hash": last.hash}
    assert (ran.status, ran.json) == (0, {"ok": True, "chains": {"organization:1": head}})


def test_unknown_organization_is_a_sentence(acme: Acme, vestibule: Command) -> None:
    ran = vestibule("audit", "verify", "nowhere")
    assert (ran.status, ran.out, ran.err) == (1, "", "Error: There is no organization nowhere.\n")


def test_U02_bad_entry_is_named_as_json(acme: Acme, vestibule: Command) -> None:
    tamper(acme, lambda: setattr(entry(acme, 3), "actor_name", "Somebody Else"))
    ran = vestibule("audit", "verify", "--json")
    first = {"chain": "organization:1", "slug": acme.slug, "sequence": 3}
    assert ran.status == 1
    assert ran.json["ok"] is False
    assert ran.json["first"].items() >= first.items()


def test_U02_tail_that_was_cut_is_found_by_what_was_written_down(
    acme: Acme, vestibule: Command, tmp_path: Path
) -> None:
    heads = tmp_path / "heads.json"
    heads.write_text(vestibule("audit", "heads").out)
    last = acme.entries()[-1]
    tamper(acme, lambda: db.session.execute(delete(AuditEntry).where(AuditEntry.id == last.id)))
    assert vestibule("audit", "verify").status == 0
    for command in (["audit", "verify"], ["audit", "verify", acme.slug]):
        ran = vestibule(*command, "--heads", heads)
        assert ran.status == 1
        assert ran.err == (
            f"{acme.slug}, entry {last.sequence}: it is missing: {last.sequence} entries were there before.\n"
        )
    checked = vestibule("check", "--heads", heads)
    assert checked.status == 1
    assert f"entry {last.sequence}: it is missing" in checked.out


def test_heads_are_read_only_from_what_was_printed(acme: Acme, vestibule: Command, tmp_path: Path) -> None:
    heads = tmp_path / "heads.json"
    for text in ("no JSON", "[]", json.dumps({"instance": {"sequence": "many"}})):
        heads.write_text(text)
        ran = vestibule("audit", "verify", "--heads", heads)
        assert ran.status == 1
        assert ran.err == f"Error: {heads} is not what `vestibule audit heads` prints.\n"


def test_chain_that_is_gone_altogether_is_found_by_what_was_written_down(
    acme: Acme, vestibule: Command, tmp_path: Path
) -> None:
    heads = tmp_path / "heads.json"
    heads.write_text(json.dumps({"organization:77": {"sequence": 4, "hash": "0" * 64}}))
    ran = vestibule("audit", "verify", "--heads", heads)
    assert (ran.status, ran.err) == (1, "organization:77, entry 1: it is missing, and so is the whole chain.\n")
