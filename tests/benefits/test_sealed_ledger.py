"""I4: whatever the database's owner does to sealed records is found, and the record is named."""

from json import dumps
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from benefits.ledger import LEDGER
from common.signing import Signer
from models import seals
from tests.factories.ledgers import (
    OTHER_SIGNER,
    SIGNER,
    as_owner,
    entry_of,
    run_verifier,
    sealed_ledger,
    some_redemptions,
    verified,
    written,
)
from tests.factories.members import Shop
from tests.factories.moments import NOON
from tests.factories.scans import undone

# Each keeps the constraints of its row: they are not what finds it.
EDITS = {
    "discount_fen": "discount_fen + 1, payable_fen = payable_fen - 1",
    "order_amount_fen": "order_amount_fen + 1, discount_fen = discount_fen + 1",
    "payable_fen": "payable_fen + 1, order_amount_fen = order_amount_fen + 1",
    "uses": "uses + 1",
    "uses_left": "uses_left + 1",
    "step": "step + 1",
    "redeemed_at": "redeemed_at + interval '1 microsecond'",
    "terms_id": "terms_id + 1",
    **{
        column: "gen_random_uuid()"
        for column in ("coupon_id", "offer_id", "member_id", "store_id", "staff_id", "citizen_id")
    },
}


async def head_file(folder: Path) -> Path:
    """The newest seal, as it is handed over to a witness."""
    head = await seals.newest(LEDGER)
    assert head is not None
    file = folder / f"witness-{head.number}.json"
    file.write_text(dumps(head.published))
    return file


async def test_an_untouched_ledger_verifies_and_holds_what_was_witnessed(shop: Shop, tmp_path: Path) -> None:
    await some_redemptions(shop, 3)
    await seals.seal_new(LEDGER, SIGNER, NOON)
    witness = await head_file(tmp_path)
    await sealed_ledger(shop)
    await some_redemptions(shop, 2)
    verdict = await verified(witness, await head_file(tmp_path))
    assert verdict.code == 0 and "seals 3, records 10" in verdict.text and "not sealed yet 2" in verdict.text


async def test_an_empty_ledger_verifies(database: str) -> None:
    assert await seals.seal_new(LEDGER, SIGNER, NOON) == 0
    verdict = await verified()
    assert verdict.code == 0 and "seals 0, records 0, witnessed 0, not sealed yet 0" in verdict.text


@pytest.mark.parametrize("column", EDITS)
async def test_an_edited_redemption_is_named(database: str, shop: Shop, column: str) -> None:
    ids = await sealed_ledger(shop)
    entry = await entry_of(ids[1])
    async with as_owner(database) as owner:
        await owner.execute(f"UPDATE redemptions SET {column} = {EDITS[column]} WHERE id = $1", ids[1])
    verdict = await verified()
    assert (verdict.code, verdict.faults) == (1, [f"redemption {ids[1]} (entry {entry}) was edited"])


async def test_an_edited_reversal_is_named(database: str, shop: Shop) -> None:
    await sealed_ledger(shop)
    async with as_owner(database) as owner:
        row = await owner.fetchrow(
            "UPDATE reversals SET reversed_at = reversed_at - interval '1 s' RETURNING id, entry"
        )
    assert (await verified()).faults == [f"reversal {row['id']} (entry {row['entry']}) was edited"]


async def test_a_removed_redemption_is_named_by_what_its_leaf_kept(database: str, shop: Shop) -> None:
    ids = await sealed_ledger(shop)
    entry = await entry_of(ids[2])
    async with as_owner(database) as owner:
        await owner.execute("DELETE FROM redemptions WHERE id = $1", ids[2])
    verdict = await verified()
    assert (verdict.code, verdict.faults) == (1, [f"redemption {ids[2]} (entry {entry}) was removed"])


async def test_a_removed_reversal_is_named(database: str, shop: Shop) -> None:
    await sealed_ledger(shop)
    async with as_owner(database) as owner:
        row = await owner.fetchrow("DELETE FROM reversals RETURNING id, entry")
    assert (await verified()).faults == [f"reversal {row['id']} (entry {row['entry']}) was removed"]


async def test_the_last_records_cut_off_are_named(database: str, shop: Shop) -> None:
    ids = await sealed_ledger(shop)
    lost = [f"redemption {id_} (entry {await entry_of(id_)}) was removed" for id_ in ids[4:]]
    async with as_owner(database) as owner:
        await owner.execute("DELETE FROM redemptions WHERE id = ANY($1)", ids[4:])
    assert (await verified()).faults == lost


async def test_two_records_that_changed_places_are_named(database: str, shop: Shop) -> None:
    ids = await sealed_ledger(shop)
    first, second = [await entry_of(id_) for id_ in (ids[0], ids[2])]
    async with as_owner(database) as owner:
        for id_, entry in ((ids[0], -1), (ids[2], first), (ids[0], second)):
            await owner.execute("UPDATE redemptions SET entry = $2 WHERE id = $1", id_, entry)
    assert (await verified()).faults == [
        f"redemption {ids[2]} (entry {first}) was moved, sealed as redemption {ids[2]} (entry {second})",
        f"redemption {ids[0]} (entry {second}) was moved, sealed as redemption {ids[0]} (entry {first})",
    ]


async def test_two_records_whose_contents_were_swapped_are_named(database: str, shop: Shop) -> None:
    ids = await sealed_ledger(shop)
    async with as_owner(database) as owner:
        times = [
            await owner.fetchval("SELECT redeemed_at FROM redemptions WHERE id = $1", id_) for id_ in ids
        ]
        for id_, other in ((ids[0], times[1]), (ids[1], times[0])):
            await owner.execute("UPDATE redemptions SET redeemed_at = $2 WHERE id = $1", id_, other)
    assert (await verified()).faults == [
        f"redemption {id_} (entry {await entry_of(id_)}) was edited" for id_ in ids[:2]
    ]


async def test_a_record_put_under_the_sealed_mark_is_named(database: str, shop: Shop) -> None:
    """Also where a number was free, as after a rollback."""
    await sealed_ledger(shop, 4)
    async with as_owner(database) as owner:
        free = await owner.fetchval("SELECT nextval('ledger_entries')")
    await some_redemptions(shop, 1)
    await seals.seal_new(LEDGER, SIGNER, NOON)
    new = uuid4()
    async with as_owner(database) as owner:
        await owner.execute(
            "INSERT INTO redemptions (id, coupon_id, store_id, staff_id, offer_id, member_id, citizen_id, terms_id,"
            " step, discount_fen, uses, redeemed_at, request_key, request_hash, entry)"
            " SELECT $1, coupon_id, store_id, staff_id, offer_id, member_id, citizen_id, terms_id, 1, 0, 1,"
            " redeemed_at, 'added', request_hash, $2 FROM redemptions LIMIT 1",
            *(new, free),
        )
    assert (await verified()).faults == [f"redemption {new} (entry {free}) was added"]


@pytest.mark.parametrize("place", ["a reversal's", "before the first"])
async def test_a_record_with_an_entry_that_none_of_its_kind_has_is_named(
    database: str, shop: Shop, place: str
) -> None:
    ids, new = await sealed_ledger(shop), uuid4()
    await undone(shop.manager, ids[-1])
    await some_redemptions(shop, 1)
    await seals.seal_new(LEDGER, SIGNER, NOON)
    async with as_owner(database) as owner:
        entry = await owner.fetchval("SELECT max(entry) FROM reversals") if place == "a reversal's" else -1
        await owner.execute(
            "INSERT INTO redemptions (id, coupon_id, store_id, staff_id, offer_id, member_id, citizen_id, terms_id,"
            " step, discount_fen, uses, redeemed_at, request_key, request_hash, entry)"
            " SELECT $1, coupon_id, store_id, staff_id, offer_id, member_id, citizen_id, terms_id, 1, 0, 1,"
            " redeemed_at, 'added', request_hash, $2 FROM redemptions LIMIT 1",
            *(new, entry),
        )
    assert (await verified()).faults == [f"redemption {new} (entry {entry}) was added"]


async def test_a_record_that_is_exported_twice_is_named(database: str, shop: Shop, tmp_path: Path) -> None:
    """With the true one last, which alone would be compared."""
    await sealed_ledger(shop)
    roots, ledger = await written(tmp_path, LEDGER)
    lines = ledger.read_text().splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if line.split()[1:2] == ["R"])
    entry, id_ = lines[at].split()[2:4]
    lines.insert(at, lines[at].replace('"discount_fen":', '"discount_fen":1'))
    ledger.write_text("".join(lines))
    verdict = await run_verifier(str(roots), str(ledger))
    assert (verdict.code, verdict.faults) == (1, [f"redemption {id_} (entry {entry}) is there twice"])


async def test_a_record_that_stands_in_another_ones_place_is_named(database: str, shop: Shop) -> None:
    ids, new = await sealed_ledger(shop), uuid4()
    async with as_owner(database) as owner:
        entry = await owner.fetchval(
            "UPDATE redemptions SET id = $2 WHERE id = $1 RETURNING entry", ids[4], new
        )
    assert (await verified()).faults == [f"redemption {new} (entry {entry}) was added"]


async def test_leaves_that_were_adapted_to_an_edit_no_longer_fit_the_signed_root(
    database: str, shop: Shop
) -> None:
    """The list of leaves is the owner's too: then the seal is named, with its entries and its time."""
    ids = await sealed_ledger(shop)
    async with as_owner(database) as owner:
        await owner.execute("UPDATE redemptions SET step = step + 1 WHERE id = $1", ids[0])
        until = await owner.fetchval("SELECT last_entry FROM seals WHERE number = 1")
        records = await LEDGER.records_between(0, until, 10)
        leaves = b"".join(record.leaf for record in records)
        await owner.execute("UPDATE seals SET leaves = $1 WHERE number = 1", leaves)
    (fault,) = (await verified()).faults
    assert fault.startswith("seal 1 (entries 1 to ") and fault.endswith("has other leaves than were signed")


@pytest.mark.parametrize(
    ("change", "number", "what"),
    [
        ("root = sha256('x')", 1, "has no good signature"),
        ("sealed_at = sealed_at - interval '1 day'", 2, "has no good signature"),
        ("signature = decode(repeat('00', 64), 'hex')", 2, "has no good signature"),
        ("public_key = sha256('x')", 2, "has no good signature"),
        ("previous = sha256('x')", 2, "does not follow the one before it"),
        ("first_entry = first_entry + 1", 2, "does not follow the one before it"),
    ],
)
async def test_an_edited_seal_is_named(
    database: str, shop: Shop, change: str, number: int, what: str
) -> None:
    await sealed_ledger(shop)
    async with as_owner(database) as owner:
        await owner.execute(f"UPDATE seals SET {change} WHERE number = $1", number)
    verdict = await verified()
    assert verdict.code == 1
    assert any(fault.startswith(f"seal {number} (") and fault.endswith(what) for fault in verdict.faults)


async def test_a_removed_seal_breaks_the_chain(database: str, shop: Shop) -> None:
    await sealed_ledger(shop)
    async with as_owner(database) as owner:
        await owner.execute("DELETE FROM seals WHERE number = 1")
    assert "does not follow the one before it" in (await verified()).faults[0]


async def _cut(url: str, ids: list[UUID]) -> None:
    """The last records and the seals over them, as if they had never been."""
    async with as_owner(url) as owner:
        await owner.execute("DELETE FROM redemptions WHERE id = ANY($1)", ids)
        await owner.execute("DELETE FROM seals WHERE number = 2")


async def test_cut_seals_are_found_by_whoever_kept_the_published_roots(
    database: str, shop: Shop, tmp_path: Path
) -> None:
    ids = await sealed_ledger(shop)
    kept, _ = await written(tmp_path)
    await _cut(database, ids[3:])
    (fault,) = (await verified(roots=kept)).faults
    assert fault.startswith("seal 2 (") and fault.endswith("is not in the export: the ledger was cut")


async def test_cut_seals_are_found_by_a_witness_and_by_nobody_else(
    database: str, shop: Shop, tmp_path: Path
) -> None:
    ids = await sealed_ledger(shop)
    witness = await head_file(tmp_path)
    await _cut(database, ids[3:])
    assert (await verified()).code == 0
    assert (await verified(witness)).faults == ["seal 2, which was witnessed, is gone: the ledger was cut"]


@pytest.mark.parametrize("signer", [SIGNER, OTHER_SIGNER])
async def test_a_history_rewritten_with_the_signing_key_is_found_by_a_witness(
    database: str, shop: Shop, tmp_path: Path, signer: Signer
) -> None:
    ids = await sealed_ledger(shop)
    witness = await head_file(tmp_path)
    async with as_owner(database) as owner:
        await owner.execute("DELETE FROM seals")
        await owner.execute("DELETE FROM redemptions WHERE id = $1", ids[4])
    # Seal by seal as they were, but for what was removed.
    until = await entry_of(ids[2]) + 1
    head = None
    for end in (until, await entry_of(ids[5])):
        records = await LEDGER.records_between(head.last_entry if head else 0, end, 100)
        head = seals._next(LEDGER, head, records, end, signer, NOON)
        assert await seals._write(LEDGER, head, records)
    assert (await verified()).code == 0
    (fault,) = (await verified(witness)).faults
    assert fault.startswith("seal 2 (") and "history was rewritten" in fault


async def test_the_key_can_change_and_the_verdict_names_both(shop: Shop) -> None:
    await some_redemptions(shop, 1)
    await seals.seal_new(LEDGER, SIGNER, NOON)
    await some_redemptions(shop, 1)
    await seals.seal_new(LEDGER, OTHER_SIGNER, NOON)
    verdict = await verified()
    assert verdict.code == 0
    for signer, number in ((SIGNER, 1), (OTHER_SIGNER, 2)):
        assert f"last seal of key {signer.public_key.hex()} {number}" in verdict.text
