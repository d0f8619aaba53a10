"""The audit: nothing personal gets in; who reads what; filters; proofs; the export."""

from datetime import timedelta
from json import loads
from typing import Any
from uuid import UUID, uuid4

import pytest

from alliance import audit
from alliance.audit import Filters
from common.database import fetch_all
from common.errors import NotFound
from common.merkle import leaf_hash, root_by_path
from models import audit_log, seals
from models.audit_book import AUDIT, record_of
from models.enums import AuditOutcome, OfferStatus
from models.seal_proofs import NotYetSealed
from tests.factories.audits import a_record, an_auditor, sealed_audit
from tests.factories.ledgers import SIGNER
from tests.factories.moments import NOON

DAY = timedelta(days=1)


async def ids(auditor: Any, filters: Filters | None = None, limit: int = 100) -> list[UUID]:
    """What an auditor gets, read in pages of two, which must be the list in one piece."""
    filters = filters or Filters()
    whole = [row["id"] for row in await audit.listed(auditor, filters, None, limit)]
    pages, before = [], None
    while rows := await audit.listed(auditor, filters, before, 2):
        pages += [row["id"] for row in rows]
        before = rows[-1]["recorded_at"], rows[-1]["entry"]
    assert pages == whole
    return whole


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("offer.paused", "offer.paused"),
        (OfferStatus.PAUSED, "paused"),
        (UUID(int=0x13812345678), "00000000-0000-0000-0000-013812345678"),
        (NOON, "2026-03-04T04:00:00+00:00"),
        (10_000, 10_000),
        (True, True),
        (None, None),
        (["operator", "王小明"], ["operator", "***"]),
        ({"name": "王小明", "total": 5}, {"name": "***", "total": 5}),
        ("王小明", "***"),
        ("Wang Xiaoming", "***"),
        ("13812345678", "***"),
        (13812345678, "***"),
        ("login-13812345678", "***"),
        ("33010619900307123X", "***"),
        ("a@b.cn", "***"),
    ],
)
async def test_what_people_typed_or_are_known_by_is_masked(
    database: str, value: object, kept: object
) -> None:
    await a_record(thing=("offer", "王小明 13812345678"), before={"it": value}, after={"it": value})
    (row,) = await fetch_all("SELECT object_id, before, after FROM audit_records")
    assert row["object_id"] == "***"
    assert loads(row["before"]) == loads(row["after"]) == {"it": kept}


async def test_an_auditor_reads_his_region_and_what_has_none_is_the_provinces(database: str) -> None:
    made = {
        region: await a_record(region=region) for region in ("330106", "330100", "330200", "330000", None)
    }
    for region, seen in {
        "330000": (None, "330000", "330200", "330100", "330106"),
        "330100": ("330100", "330106"),
        "330106": ("330106",),
        "330200": ("330200",),
    }.items():
        auditor = an_auditor(region)
        assert await ids(auditor) == [made[each] for each in seen]
        for each, record_id in made.items():
            if each in seen:
                assert (await audit.one(auditor, record_id))["id"] == record_id
            else:
                for read in (audit.one(auditor, record_id), audit.proof_of(auditor, record_id, NOON)):
                    with pytest.raises(NotFound):
                        await read


@pytest.mark.parametrize("region", ["330000", "330100"])
async def test_filters_are_all_kept_and_stay_in_the_region(database: str, region: str) -> None:
    somebody = uuid4()
    elsewhere = await a_record("coupon.revoke", ("coupon", 1), region="330200", actor_id=somebody)
    mine = [
        await a_record("coupon.revoke", ("coupon", 1), NOON - DAY, actor_id=somebody),
        await a_record("coupon_revocation.ask", ("coupon", 1), NOON, AuditOutcome.REFUSED),
        await a_record("offer.paused", ("offer", 1), NOON, actor_id=somebody, region="330100"),
        await a_record("staff.revoke", ("staff", 1), NOON + DAY),
    ]
    everywhere = [elsewhere] if region == "330000" else []
    auditor = an_auditor(region)
    for filters, expected in (
        (Filters(), [mine[3], mine[2], mine[1], *everywhere, mine[0]]),
        (Filters(actor_id=somebody), [mine[2], *everywhere, mine[0]]),
        (Filters(action="coupon."), [*everywhere, mine[0]]),
        (Filters(action="coupon"), [mine[1], *everywhere, mine[0]]),
        (Filters(action="nothing"), []),
        (Filters(object_kind="coupon", object_id="1"), [mine[1], *everywhere, mine[0]]),
        (Filters(object_kind="offer"), [mine[2]]),
        (Filters(outcome=AuditOutcome.REFUSED), [mine[1]]),
        (Filters(outcome=AuditOutcome.DONE, since=NOON), [mine[3], mine[2], *everywhere]),
        (Filters(since=NOON, until=NOON + DAY), [mine[2], mine[1], *everywhere]),
        (Filters(until=NOON), [mine[0]]),
        (Filters(actor_id=somebody, action="offer", since=NOON), [mine[2]]),
    ):
        assert await ids(auditor, filters) == expected, filters


async def test_a_sealed_record_is_proved_and_a_new_one_not_yet(database: str) -> None:
    sealed = await sealed_audit(7)
    new = await a_record()
    auditor = an_auditor()
    for record_id in sealed:
        proof = await audit.proof_of(auditor, record_id, NOON)
        record = record_of(await audit.one(auditor, record_id))
        assert proof.record == record.line and loads(record.line)["id"] == str(record_id)
        place = proof.leaf_index, proof.seal.records, proof.path
        assert root_by_path(leaf_hash(record.leaf), *place) == proof.seal.root
    with pytest.raises(NotYetSealed):
        await audit.proof_of(auditor, new, NOON)


async def test_the_export_is_whole_bounded_and_in_the_audit(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "STEP", 2)
    sealed = await sealed_audit(7)
    auditor = an_auditor("330100")
    await a_record(region="330200")
    filters = Filters(action="offer.", since=NOON - DAY)
    found = [each async for each in audit.exported(auditor, filters, "jsonl", NOON)]
    assert {row["id"] for row, _, _ in found} == set(sealed)
    for row, line, proof in found:
        assert proof is not None and loads(line)["entry"] == row["entry"]
        leaf = leaf_hash(record_of(row).leaf)
        assert root_by_path(leaf, proof.leaf_index, proof.seal.records, proof.path) == proof.seal.root
    (row,) = await fetch_all("SELECT * FROM audit_records WHERE action = 'audit.export'")
    assert (row["actor_id"], row["object_id"], row["region_id"]) == (auditor.id, "jsonl", "330100")
    assert loads(row["after"]) == {"action": "offer.", "since": (NOON - DAY).isoformat()}


async def test_the_export_is_recorded_before_its_first_record_is_given(database: str) -> None:
    await a_record()
    export = audit.exported(an_auditor(), Filters(), "csv", NOON)
    await anext(export)
    assert len(await fetch_all("SELECT 1 FROM audit_records WHERE action = 'audit.export'")) == 1
    await export.aclose()  # type: ignore[attr-defined]


async def test_the_line_holds_nothing_that_the_record_does_not(database: str) -> None:
    record_id = await a_record(before={"status": "on"}, after={"status": "off"})
    await seals.seal_new(AUDIT, SIGNER, NOON)
    proof = await audit.proof_of(an_auditor(), record_id, NOON)
    assert set(loads(proof.record)) == {
        *(
            "kind",
            "entry",
            "id",
            "recorded_at",
            "actor_kind",
            "actor_id",
            "action",
            "object_kind",
            "object_id",
        ),
        *("outcome", "request_id", "region", "before", "after"),
    }
    assert proof.record.isascii()
    assert audit_log.MASK not in proof.record
