"""Deciding: both are told, upheld complaints count, and the one that reaches the limit suspends, exactly once."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from alliance import complaint_decisions, suspensions
from alliance.complaint_states import ComplaintEvent, ComplaintNotPossible
from common.database import fetch_all, fetch_one
from merchants.policies import DEFAULT
from models.office_enums import ComplaintStatus
from tests.factories.citizens import KEYS
from tests.factories.complaints import an_admin, complaint_in, complaint_row, happen
from tests.factories.members import Shop, a_shop
from tests.factories.moments import NOON, shanghai

LIMIT, WINDOW = DEFAULT.complaint_limit, timedelta(days=DEFAULT.complaint_window_days)


@pytest.fixture
async def shop(database: str) -> Shop:
    return await a_shop()


async def status_of(shop: Shop) -> str:
    row = await fetch_one("SELECT status FROM members WHERE id = $1", shop.member_id)
    assert row is not None
    return str(row["status"])


async def uphold(complaint_id: UUID, at: object = NOON) -> None:
    await complaint_decisions.uphold(an_admin(), complaint_id, "录像为证", KEYS, at)  # type: ignore[arg-type]


async def answered(shop: Shop, count: int) -> list[UUID]:
    return [await complaint_in(shop, ComplaintStatus.ANSWERED) for _ in range(count)]


async def test_both_are_told_the_decision_with_its_reasons_and_the_audit_has_no_reasons(shop: Shop) -> None:
    complaint_id = await complaint_in(shop, ComplaintStatus.UPHELD)
    row = await complaint_row(complaint_id)
    assert (row["upheld_at"], row["decisions"]) == (NOON, 1)
    for reader, id_ in (("citizen", row["citizen_id"]), ("member", shop.member_id)):
        (notice,) = await fetch_all(
            f"SELECT facts FROM {reader}_notices WHERE {reader}_id = $1 AND kind = 'complaint_upheld'", id_
        )
        assert "录像为证" in notice["facts"] and str(complaint_id) in notice["facts"]
    (record,) = await fetch_all("SELECT * FROM audit_records WHERE action = 'complaint.uphold'")
    assert (record["region_id"], record["before"]) == ("330106", '{"status": "answered"}')
    assert "录像为证" not in str(dict(record))


async def test_a_decision_that_was_wrong_counts_no_more_and_is_told_anew(shop: Shop) -> None:
    complaint_id = await complaint_in(shop, ComplaintStatus.UPHELD)
    for event in (ComplaintEvent.REOPEN, ComplaintEvent.UPHOLD, ComplaintEvent.REOPEN):
        await happen(shop, complaint_id, event)
    row = await complaint_row(complaint_id)
    assert (row["upheld_at"], row["decisions"]) == (None, 2)
    kinds = [row["kind"] for row in await fetch_all("SELECT kind FROM citizen_notices ORDER BY id")]
    assert kinds == ["complaint_answered", *["complaint_upheld", "complaint_reopened"] * 2]


async def test_the_complaint_that_reaches_the_limit_suspends(shop: Shop) -> None:
    dismissed = await complaint_in(shop, ComplaintStatus.DISMISSED)
    reopened = await complaint_in(shop, ComplaintStatus.REOPENED)
    ids = await answered(shop, LIMIT)
    for complaint_id in ids[:-1]:
        await uphold(complaint_id)
        assert await status_of(shop) == "active"
    await uphold(ids[-1])
    assert await status_of(shop) == "suspended"
    (record,) = await fetch_all("SELECT * FROM audit_records WHERE action = 'member.suspend'")
    assert '"cause": "complaints"' in record["after"]
    (suspension,) = await fetch_all("SELECT facts FROM suspensions")
    assert f'"upheld": {LIMIT}' in suspension["facts"]
    # One more changes nothing; and none of this touched the others.
    await uphold(reopened)
    assert len(await fetch_all("SELECT 1 FROM audit_records WHERE action = 'member.suspend'")) == 1
    assert (await complaint_row(dismissed))["status"] == "dismissed"


async def test_another_members_complaints_and_old_ones_do_not_count(shop: Shop) -> None:
    other = await a_shop()
    for complaint_id in await answered(other, LIMIT - 1):
        await complaint_decisions.uphold(an_admin(), complaint_id, "x", KEYS, NOON)
    old, last_day, *rest = await answered(shop, LIMIT + 1)
    now = shanghai("2026-12-01 09:00")
    first_day = shanghai("2026-12-01 00:00") - WINDOW
    await uphold(old, first_day - timedelta(milliseconds=1))
    await uphold(last_day, first_day)
    for complaint_id in rest[:-1]:
        await uphold(complaint_id, now)
        assert await status_of(shop) == "active"
    await uphold(rest[-1], now)
    assert (await status_of(shop), await status_of(other)) == ("suspended", "active")


async def test_two_decisions_at_once_that_reach_the_limit_together_suspend_exactly_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have written before either counts: without the lock on the member's row neither sees the other's."""
    ids = await answered(shop, LIMIT)
    for complaint_id in ids[:-2]:
        await uphold(complaint_id)
    written, counted = asyncio.Barrier(2), asyncio.Barrier(2)
    decide, suspend = complaint_decisions._decide, complaint_decisions._suspend_if_too_many

    async def write_together(*values: object) -> object:
        row = await decide(*values)  # type: ignore[arg-type]
        await asyncio.wait_for(written.wait(), 5)
        return row

    async def count_before_the_other_commits(*values: object) -> bool:
        is_suspended = await suspend(*values)  # type: ignore[arg-type]
        try:
            await asyncio.wait_for(counted.wait(), 0.5)
        except (TimeoutError, asyncio.BrokenBarrierError):
            await counted.abort()  # the other one waits for our lock
        return is_suspended

    monkeypatch.setattr(complaint_decisions, "_decide", write_together)
    monkeypatch.setattr(complaint_decisions, "_suspend_if_too_many", count_before_the_other_commits)
    await asyncio.gather(*(uphold(complaint_id) for complaint_id in ids[-2:]))
    assert await status_of(shop) == "suspended"
    assert len(await fetch_all("SELECT 1 FROM audit_records WHERE action = 'member.suspend'")) == 1
    assert len(await fetch_all("SELECT 1 FROM member_notices WHERE kind = 'suspended_complaints'")) == 1


async def test_two_decisions_of_one_complaint_at_once_make_one(shop: Shop) -> None:
    (complaint_id,) = await answered(shop, 1)
    acts = (complaint_decisions.uphold, complaint_decisions.dismiss) * 2
    done = await asyncio.gather(
        *(act(an_admin(), complaint_id, "x", KEYS, NOON) for act in acts), return_exceptions=True
    )
    assert done.count(None) == 1
    assert {type(each) for each in done} == {type(None), ComplaintNotPossible}
    assert (await complaint_row(complaint_id))["decisions"] == 1


async def test_what_fails_while_suspending_undoes_the_decision(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await answered(shop, LIMIT)
    for complaint_id in ids[:-1]:
        await uphold(complaint_id)

    async def fails(*_: object) -> bool:
        raise RuntimeError

    monkeypatch.setattr(suspensions, "suspend", fails)
    with pytest.raises(RuntimeError):
        await uphold(ids[-1])
    assert (await complaint_row(ids[-1]))["status"] == "answered" and await status_of(shop) == "active"
