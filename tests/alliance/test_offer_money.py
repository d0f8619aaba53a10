"""Four eyes over offers: raising a budget, and revoking all that is claimed."""

import asyncio
from datetime import timedelta
from json import loads
from uuid import UUID, uuid4

import pytest

from alliance import budget_changes, coupon_revocations, decisions
from alliance.approvals import AlreadyAsked, OwnRequest
from alliance.budget_changes import RaiseNeedsReason
from alliance.coupon_revocations import NothingToRevoke
from benefits import budgets, revocations
from benefits.budgets import BudgetChanged
from common.actors import AdminActor
from common.database import fetch_all, fetch_one
from common.errors import NotFound
from tests.factories.citizens import a_citizen
from tests.factories.members import Shop, a_shop
from tests.factories.moments import NOON
from tests.factories.proposals import a_published
from tests.factories.scans import claimed, redeemed


def head(region: str = "330100") -> AdminActor:
    return AdminActor(uuid4(), uuid4(), ("head", "operator"), region)


@pytest.fixture
async def shop(database: str) -> Shop:
    return await a_shop()


async def budget_of(offer_id: UUID) -> int | None:
    row = await fetch_one("SELECT budget_fen FROM offer_stock WHERE offer_id = $1", offer_id)
    assert row is not None
    return row["budget_fen"]  # type: ignore[no-any-return]


async def test_more_money_takes_a_second_admin_and_less_does_not(shop: Shop) -> None:
    offer_id, asking = await a_published(shop, budget_fen=10_000), head()
    assert await budget_changes.change(asking, offer_id, (10_000, 9_000), None, NOON) is None
    assert await budget_of(offer_id) == 9_000
    with pytest.raises(RaiseNeedsReason):
        await budget_changes.change(asking, offer_id, (9_000, 20_000), None, NOON)
    with pytest.raises(BudgetChanged):
        await budget_changes.change(asking, offer_id, (10_000, 20_000), "更多人来", NOON)
    approval_id = await budget_changes.change(asking, offer_id, (9_000, 20_000), "更多人来", NOON)
    assert approval_id is not None and await budget_of(offer_id) == 9_000
    with pytest.raises(AlreadyAsked):
        await budget_changes.change(asking, offer_id, (9_000, 30_000), "再多些", NOON)
    with pytest.raises(OwnRequest):
        await decisions.approve(asking, approval_id, "同意", NOON)
    assert await budget_of(offer_id) == 9_000
    await decisions.approve(head(), approval_id, "同意", NOON)
    assert await budget_of(offer_id) == 20_000
    actions = [row["action"] for row in await fetch_all("SELECT action FROM audit_records ORDER BY entry")]
    assert actions[-2:] == ["budget_raise.approved", "offer.set_budget"]


async def test_a_raise_of_what_has_changed_meanwhile_is_not_carried_out(shop: Shop) -> None:
    """What the second admin agrees to is a change from one figure to another."""
    offer_id = await a_published(shop, budget_fen=10_000)
    approval_id = await budget_changes.change(head(), offer_id, (10_000, 20_000), "更多人来", NOON)
    assert approval_id is not None
    await budgets.set_budget(head(), offer_id, 10_000, 5_000, NOON)
    with pytest.raises(BudgetChanged):
        await decisions.approve(head(), approval_id, "同意", NOON)
    row = await fetch_one("SELECT status FROM approvals WHERE id = $1", approval_id)
    assert row is not None and (row["status"], await budget_of(offer_id)) == ("open", 5_000)


async def test_another_regions_admin_changes_no_budget(shop: Shop) -> None:
    offer_id = await a_published(shop, budget_fen=10_000)
    for amounts in ((10_000, 1_000), (10_000, 20_000)):
        with pytest.raises(NotFound):
            await budget_changes.change(head("330200"), offer_id, amounts, "x", NOON)
    assert await budget_of(offer_id) == 10_000


async def asked_and_decided(offer_id: UUID) -> dict[str, str]:
    """The payload of the job that a decision has left."""
    approval_id, coupons = await coupon_revocations.ask_all(head(), offer_id, "门店停业", NOON)
    [row] = await fetch_all("SELECT payload FROM approvals WHERE id = $1", approval_id)
    assert loads(row["payload"])["coupons"] == coupons
    assert await fetch_all("SELECT 1 FROM pgqueuer") == []
    await decisions.approve(head(), approval_id, "同意", NOON)
    [job] = await fetch_all("SELECT entrypoint, payload FROM pgqueuer")
    assert job["entrypoint"] == coupon_revocations.REVOKE_ALL
    payload: dict[str, str] = loads(job["payload"])
    assert payload == {"approval_id": str(approval_id)}
    return payload


async def test_all_coupons_of_an_offer_are_revoked_each_with_a_notice(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocations, "BATCH", 3)
    offer_id, other = await a_published(shop), await a_published(shop)
    held = [await claimed(await a_citizen(), offer_id) for _ in range(7)]
    used, elsewhere = await claimed(await a_citizen(), offer_id), await claimed(await a_citizen(), other)
    await redeemed(shop, used.id)
    payload = await asked_and_decided(offer_id)
    later = await claimed(await a_citizen(), offer_id, NOON + timedelta(minutes=1))
    soon = NOON + timedelta(minutes=2)
    assert (
        sum(await asyncio.gather(*(coupon_revocations.carry_out_all(payload, soon) for _ in range(2)))) == 7
    )
    assert await coupon_revocations.carry_out_all(payload, soon) == 0
    rows = {row["id"]: row for row in await fetch_all("SELECT id, status, ended_reason FROM coupons")}
    assert {rows[coupon.id]["status"] for coupon in held} == {"revoked"}
    assert {rows[coupon.id]["ended_reason"] for coupon in held} == {"门店停业"}
    assert [rows[each.id]["status"] for each in (used, later, elsewhere)] == [
        "redeemed",
        "claimed",
        "claimed",
    ]
    notices = await fetch_all("SELECT citizen_id FROM citizen_notices WHERE kind = 'coupon_revoked'")
    assert len(notices) == len({row["citizen_id"] for row in notices}) == 7
    audited = await fetch_all("SELECT object_id FROM audit_records WHERE action = 'coupon.revoke'")
    assert {row["object_id"] for row in audited} == {str(coupon.id) for coupon in held}


async def test_a_killed_job_goes_on_where_it_was(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocations, "BATCH", 2)
    offer_id = await a_published(shop)
    for _ in range(5):
        await claimed(await a_citizen(), offer_id)
    payload = await asked_and_decided(offer_id)
    some, times = revocations._revoke_some, []

    async def killed_the_second_time(*values: object) -> list[UUID]:
        times.append(1)
        if len(times) == 2:
            raise ConnectionResetError
        return await some(*values)  # type: ignore[arg-type]

    monkeypatch.setattr(revocations, "_revoke_some", killed_the_second_time)
    with pytest.raises(ConnectionResetError):
        await coupon_revocations.carry_out_all(payload, NOON)
    assert len(await fetch_all("SELECT 1 FROM citizen_notices")) == 2
    assert await coupon_revocations.carry_out_all(payload, NOON) == 3
    assert len(await fetch_all("SELECT 1 FROM citizen_notices")) == 5


async def test_nothing_to_revoke_is_not_asked_for_and_nor_is_what_is_elsewhere(shop: Shop) -> None:
    offer_id = await a_published(shop)
    with pytest.raises(NothingToRevoke):
        await coupon_revocations.ask_all(head(), offer_id, "x", NOON)
    await claimed(await a_citizen(), offer_id)
    with pytest.raises(NotFound):
        await coupon_revocations.ask_all(head("330200"), offer_id, "x", NOON)
    await coupon_revocations.ask_all(head(), offer_id, "x", NOON)
    with pytest.raises(AlreadyAsked):
        await coupon_revocations.ask_all(head(), offer_id, "x", NOON)


async def test_a_job_without_its_decision_ends_nothing(shop: Shop) -> None:
    offer_id = await a_published(shop)
    await claimed(await a_citizen(), offer_id)
    approval_id, _ = await coupon_revocations.ask_all(head(), offer_id, "x", NOON)
    for id_ in (approval_id, uuid4()):
        assert await coupon_revocations.carry_out_all({"approval_id": str(id_)}, NOON) == 0
