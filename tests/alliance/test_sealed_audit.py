"""Whatever the database's owner does to sealed audit records is found, and the record is named; as with the ledger."""

import asyncio
from json import dumps
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from benefits.ledger import LEDGER
from common.signing import Signer
from models import seals
from models.audit_book import AUDIT
from tests.factories.audits import a_record, sealed_audit, some_records
from tests.factories.ledgers import (
    OTHER_SIGNER,
    SIGNER,
    Verdict,
    as_owner,
    entry_of,
    run_verifier,
    sealed_ledger,
    verified,
    written,
)
from tests.factories.members import a_shop
from tests.factories.moments import NOON
from tests.server.commands import connect

# Each keeps the constraints of its row: they are not what finds it.
EDITS = {
    "recorded_at": "recorded_at + interval '1 microsecond'",
    "actor_kind": "'system'",
    "actor_id": "gen_random_uuid()",
    "action": "'offer.set_status'",
    "object_kind": "'coupon'",
    "object_id": "'another'",
    "outcome": "'refused'",
    "request_id": "'another'",
    "region_id": "NULL",
    "before": "NULL",
    "after": "after || ' '",
}


async def checked(*witnesses: Path, roots: Path | None = None) -> Verdict:
    return await verified(*witnesses, roots=roots, book=AUDIT)


async def entry(record_id: object) -> int:
    return await entry_of(record_id, "audit_records")  # type: ignore[arg-type]


async def head_file(folder: Path, book: seals.Book = AUDIT) -> Path:
    """The newest seal, as it is handed over to a witness."""
    head = await seals.newest(book)
    assert head is not None
    file = folder / f"{book.name}-{head.number}.json"
    file.write_text(dumps(head.published))
    return file


async def test_an_untouched_audit_verifies_and_holds_what_was_witnessed(
    database: str, tmp_path: Path
) -> None:
    await sealed_audit(5)
    await a_record(after={"since": "a b", "status": "on hold"})  # blanks are no end of a line's parts
    verdict = await checked(await head_file(tmp_path))
    assert verdict.code == 0, verdict.text
    assert "The audit verifies: seals 2, records 5, witnessed 1, " in verdict.text
    assert "not sealed yet 1" in verdict.text


def test_every_column_is_in_the_line_and_so_in_the_edits() -> None:
    from models import AuditRecord

    assert set(EDITS) == set(AuditRecord._meta.fields_map) - {"id", "entry"}


@pytest.mark.parametrize("column", EDITS)
async def test_an_edited_record_is_named(database: str, column: str) -> None:
    ids = await sealed_audit()
    where = await entry(ids[1])
    async with as_owner(database) as owner:
        await owner.execute(f"UPDATE audit_records SET {column} = {EDITS[column]} WHERE id = $1", ids[1])
    assert (await checked()).faults == [f"audit record {ids[1]} (entry {where}) was edited"]


async def test_removed_records_are_named_in_the_midst_and_at_the_end(database: str) -> None:
    ids = await sealed_audit()
    gone = [ids[1], *ids[4:]]
    lost = [f"audit record {id_} (entry {await entry(id_)}) was removed" for id_ in gone]
    async with as_owner(database) as owner:
        await owner.execute("DELETE FROM audit_records WHERE id = ANY($1)", gone)
    assert (await checked()).faults == lost


async def test_two_records_that_changed_places_are_named(database: str) -> None:
    ids = await sealed_audit()
    first, second = [await entry(id_) for id_ in (ids[0], ids[2])]
    async with as_owner(database) as owner:
        for id_, place in ((ids[0], -1), (ids[2], first), (ids[0], second)):
            await owner.execute("UPDATE audit_records SET entry = $2 WHERE id = $1", id_, place)
    assert (await checked()).faults == [
        f"audit record {ids[2]} (entry {first}) was moved, sealed as audit record {ids[2]} (entry {second})",
        f"audit record {ids[0]} (entry {second}) was moved, sealed as audit record {ids[0]} (entry {first})",
    ]


async def test_a_record_put_under_the_sealed_mark_is_named(database: str) -> None:
    async with as_owner(database) as owner:
        free = await owner.fetchval("SELECT nextval('audit_entries')")
    await sealed_audit()
    new = uuid4()
    async with as_owner(database) as owner:
        await owner.execute(
            "INSERT INTO audit_records (id, recorded_at, actor_kind, action, object_kind, object_id, outcome, entry)"
            " SELECT $1, recorded_at, actor_kind, action, object_kind, object_id, outcome, $2 FROM audit_records LIMIT 1",
            *(new, free),
        )
    assert (await checked()).faults == [f"audit record {new} (entry {free}) was added"]


async def test_cut_seals_are_found_by_kept_roots_and_by_a_witness(database: str, tmp_path: Path) -> None:
    ids = await sealed_audit()
    (kept, _), witness = await written(tmp_path, AUDIT), await head_file(tmp_path)
    async with as_owner(database) as owner:
        await owner.execute("DELETE FROM audit_records WHERE id = ANY($1)", ids[3:])
        await owner.execute("DELETE FROM audit_seals WHERE number = 2")
    assert (await checked()).code == 0
    (fault,) = (await checked(roots=kept)).faults
    assert fault.endswith("is not in the export: the audit was cut")
    assert (await checked(witness)).faults == ["seal 2, which was witnessed, is gone: the audit was cut"]


@pytest.mark.parametrize("signer", [SIGNER, OTHER_SIGNER])
async def test_a_history_rewritten_with_the_signing_key_is_found_by_a_witness(
    database: str, tmp_path: Path, signer: Signer
) -> None:
    ids = await sealed_audit()
    witness, last = await head_file(tmp_path), await entry(ids[5])
    async with as_owner(database) as owner:
        await owner.execute("DELETE FROM audit_seals")
        await owner.execute("DELETE FROM audit_records WHERE id = $1", ids[4])
    head = None
    for end in (await entry(ids[2]), last):
        records = await AUDIT.records_between(head.last_entry if head else 0, end, 100)
        head = seals._next(AUDIT, head, records, end, signer, NOON)
        assert await seals._write(AUDIT, head, records)
    assert (await checked()).code == 0
    (fault,) = (await checked(witness)).faults
    assert fault.startswith("seal 2 (") and "history was rewritten" in fault


async def test_neither_chain_stands_for_the_other(database: str, tmp_path: Path) -> None:
    """A signed header names its book: the audit's files are no ledger, and a ledger's header in the audit is found."""
    await sealed_ledger(await a_shop())
    await sealed_audit()
    files = {book.name: [str(path) for path in await written(tmp_path, book)] for book in (LEDGER, AUDIT)}
    for book, other in (("ledger", "audit"), ("audit", "ledger")):
        assert (await run_verifier(*files[book], "--book", book)).code == 0
        verdict = await run_verifier(*files[other], "--book", book)
        assert verdict.code == 1 and f"is none of the {book}" in verdict.text
    relabelled = tmp_path / "relabelled.jsonl"
    relabelled.write_text(Path(files["audit"][0]).read_text().replace("xinyi-audit-seal/1", "xinyi-seal/1"))
    verdict = await run_verifier(str(relabelled), files["audit"][1])
    assert verdict.code == 1 and "has no good signature" in verdict.text


async def test_a_witness_of_both_books_is_compared_with_each(database: str, tmp_path: Path) -> None:
    await sealed_ledger(await a_shop())
    await sealed_audit()
    both = tmp_path / "both.json"
    both.write_text(
        "\n".join([(await head_file(tmp_path, book)).read_text() for book in (LEDGER, AUDIT)]) + "\n"
    )
    for book in (LEDGER, AUDIT):
        verdict = await verified(both, book=book)
        assert verdict.code == 0 and "witnessed 1" in verdict.text


async def test_a_record_that_commits_late_is_waited_for(database: str) -> None:
    """Its number is drawn and smaller; the twin in which nobody waits is the ledger's (tests/benefits/test_seals.py)."""
    await some_records(1)
    late: asyncpg.Connection = await connect(database)
    transaction = late.transaction()
    await transaction.start()
    await late.execute(
        "INSERT INTO audit_records (id, recorded_at, actor_kind, action, object_kind, object_id, outcome)"
        " VALUES ($1, $2, 'system', 'test.late', 'test', '1', 'done')",
        *(uuid4(), NOON),
    )
    await some_records(1)
    sealing = asyncio.create_task(seals.seal_new(AUDIT, SIGNER, NOON))
    await asyncio.sleep(0.3)
    assert not sealing.done() and await seals.newest(AUDIT) is None
    # The ledger has nothing to do with it.
    assert await asyncio.wait_for(seals.seal_new(LEDGER, SIGNER, NOON), 2) == 0
    await transaction.commit()
    await late.close()
    assert await sealing == 3
    assert (await checked()).code == 0


async def test_the_oldest_record_without_a_seal_is_known(database: str) -> None:
    assert await seals.unsealed_since(AUDIT) is None
    await some_records(2)
    assert await seals.unsealed_since(AUDIT) == NOON
    await seals.seal_new(AUDIT, SIGNER, NOON)
    assert await seals.unsealed_since(AUDIT) is None
