"""Stopping, refilling and revoking: inside the admin's region, audited, and never at the cost of what was claimed."""

from datetime import timedelta
from json import loads
from uuid import UUID, uuid4

import pytest

from benefits import offer_changes, offer_lives, offer_reviews
from benefits.offer_changes import CouponNotRevocable, StockBelowIssued
from benefits.offer_lives import OfferEvent, OfferHasNoTerms, OfferStateForbids
from benefits.refusals import CouponRevoked, OfferEnded
from common.actors import AdminActor
from common.database import execute, fetch_all, fetch_one
from common.errors import NotFound
from models.enums import OfferStatus
from models.notice_texts import text_of
from tests.factories.citizens import a_citizen
from tests.factories.members import Shop
from tests.factories.moments import NOON
from tests.factories.offers import an_offer, stock_of
from tests.factories.proposals import owner_of
from tests.factories.scans import claimed, coupon_row, redeemed


def admin(region: str = "330000") -> AdminActor:
    """An operator of a region."""
    return AdminActor(uuid4(), uuid4(), ("operator",), region)


async def audited() -> list[tuple[str, str]]:
    """Actions in the audit with what they were done to, oldest first."""
    rows = await fetch_all("SELECT action, object_id FROM audit_records ORDER BY id")
    return [(row["action"], row["object_id"]) for row in rows]


async def status_of(offer_id: UUID) -> str:
    row = await fetch_one("SELECT status FROM offers WHERE id = $1", offer_id)
    assert row is not None
    return str(row["status"])


async def test_a_stopped_offer_gives_no_new_coupons_and_voids_none(shop: Shop) -> None:
    offer_id, actor = await an_offer(shop), admin()
    coupon = await claimed(await a_citizen(), offer_id)
    await offer_changes.set_status(actor, offer_id, OfferStatus.ENDED, NOON)
    with pytest.raises(OfferEnded):
        await claimed(await a_citizen(), offer_id)
    assert await redeemed(shop, coupon.id)
    assert await audited() == [("offer.ended", str(offer_id))]


async def test_a_paused_offer_goes_on_when_published_again(shop: Shop) -> None:
    offer_id, actor = await an_offer(shop), admin()
    for status in (OfferStatus.PAUSED, OfferStatus.PUBLISHED):
        await offer_changes.set_status(actor, offer_id, status, NOON)
    assert await claimed(await a_citizen(), offer_id)


@pytest.mark.parametrize(
    ("status", "refusal"), [(OfferStatus.APPROVED, OfferHasNoTerms), (OfferStatus.DRAFT, OfferStateForbids)]
)
async def test_a_draft_or_an_offer_without_terms_cant_be_published(
    shop: Shop, status: OfferStatus, refusal: type[Exception]
) -> None:
    offer_id = await an_offer(shop, status=status)
    await execute("UPDATE offers SET terms_id = NULL")
    with pytest.raises(refusal):
        await offer_changes.set_status(admin(), offer_id, OfferStatus.PUBLISHED, NOON)
    assert await status_of(offer_id) == status and await audited() == []


async def test_a_refilled_stock_can_be_claimed_again(shop: Shop) -> None:
    offer_id = await an_offer(shop, total=1)
    await claimed(await a_citizen(), offer_id)
    await offer_changes.set_stock(admin(), offer_id, 2, NOON)
    await claimed(await a_citizen(), offer_id)
    assert dict(await stock_of(offer_id)) == {"issued": 2, "total": 2, "daily_limit": None}
    assert await audited() == [("offer.set_stock", str(offer_id))]


async def test_the_stock_never_falls_below_what_is_claimed(shop: Shop) -> None:
    offer_id = await an_offer(shop, total=5)
    for _ in range(2):
        await claimed(await a_citizen(), offer_id)
    with pytest.raises(StockBelowIssued) as refused:
        await offer_changes.set_stock(admin(), offer_id, 1, NOON)
    assert refused.value.pointer == "/stock_total"
    assert (await stock_of(offer_id))["total"] == 5 and await audited() == []
    await offer_changes.set_stock(admin(), offer_id, 2, NOON)


async def test_an_offer_without_a_stock_has_none_to_set(shop: Shop) -> None:
    with pytest.raises(NotFound):
        await offer_changes.set_stock(admin(), await an_offer(shop), 5, NOON)


@pytest.mark.parametrize("region", ["330000", "330100", "330106"])
async def test_an_admin_reaches_what_is_in_his_region(shop: Shop, region: str) -> None:
    offer_id = await an_offer(shop, total=5)
    coupon = await claimed(await a_citizen(), offer_id)
    await offer_changes.set_status(admin(region), offer_id, OfferStatus.PAUSED, NOON)
    await offer_changes.set_stock(admin(region), offer_id, 9, NOON)
    await offer_changes.revoke_coupon(admin(region), coupon.id, "门店停业", NOON)
    assert len(await audited()) == 3


@pytest.mark.parametrize("region", ["330200", "330105", "330110", "320000"])
async def test_an_admin_of_another_region_finds_nothing_and_changes_nothing(shop: Shop, region: str) -> None:
    offer_id, actor = await an_offer(shop, total=5), admin(region)
    coupon = await claimed(await a_citizen(), offer_id)
    with pytest.raises(NotFound):
        await offer_changes.set_status(actor, offer_id, OfferStatus.PAUSED, NOON)
    with pytest.raises(NotFound):
        await offer_changes.set_stock(actor, offer_id, 9, NOON)
    with pytest.raises(NotFound):
        await offer_changes.revoke_coupon(actor, coupon.id, "门店停业", NOON)
    assert (await status_of(offer_id), (await stock_of(offer_id))["total"]) == ("published", 5)
    assert (await coupon_row(coupon.id))["status"] == "claimed" and await audited() == []


async def test_a_county_admin_does_not_reach_an_offer_of_the_whole_city(shop: Shop) -> None:
    offer_id = await an_offer(shop, region_id="330100")
    with pytest.raises(NotFound):
        await offer_changes.set_status(admin("330106"), offer_id, OfferStatus.PAUSED, NOON)


async def test_what_is_not_there_is_not_found(shop: Shop) -> None:
    with pytest.raises(NotFound):
        await offer_changes.set_status(admin(), uuid4(), OfferStatus.PAUSED, NOON)
    with pytest.raises(NotFound):
        await offer_changes.revoke_coupon(admin(), uuid4(), "门店停业", NOON)


async def test_a_revoked_coupon_ends_with_its_reason_and_keeps_its_piece(shop: Shop) -> None:
    """Rule 13: only a revocation with a reason ends what was claimed."""
    offer_id = await an_offer(shop, total=5)
    coupon = await claimed(await a_citizen(), offer_id)
    await offer_changes.revoke_coupon(admin(), coupon.id, "门店停业", NOON)
    row = await coupon_row(coupon.id)
    assert (row["status"], row["ended_reason"], row["ended_at"]) == ("revoked", "门店停业", NOON)
    assert (await stock_of(offer_id))["issued"] == 1
    assert await audited() == [("coupon.revoke", str(coupon.id))]
    with pytest.raises(CouponRevoked):
        await redeemed(shop, coupon.id)


async def test_what_is_used_up_or_revoked_is_not_revoked_again(shop: Shop) -> None:
    offer_id, actor = await an_offer(shop), admin()
    used, revoked = [await claimed(await a_citizen(), offer_id) for _ in range(2)]
    await redeemed(shop, used.id)
    await offer_changes.revoke_coupon(actor, revoked.id, "门店停业", NOON)
    for coupon in (used, revoked):
        with pytest.raises(CouponNotRevocable):
            await offer_changes.revoke_coupon(actor, coupon.id, "再来一次", NOON)
    assert (await coupon_row(revoked.id))["ended_reason"] == "门店停业"
    assert len(await audited()) == 1


# What the office does is told to the member.

DONE_BY_OFFICE = [
    (OfferStatus.PUBLISHED, OfferStatus.PAUSED, "offer_paused"),
    (OfferStatus.PAUSED, OfferStatus.PUBLISHED, "offer_resumed"),
    (OfferStatus.PAUSED, OfferStatus.ENDED, "offer_ended"),
]


async def told(shop: Shop) -> list[tuple[str, str]]:
    """Each notice to the member: its kind and what it says."""
    sql = "SELECT kind, facts FROM member_notices WHERE member_id = $1 ORDER BY id"
    rows = await fetch_all(sql, shop.member_id)
    return [(row["kind"], text_of(row["kind"], loads(row["facts"]), "zh")) for row in rows]


@pytest.mark.parametrize(("before", "status", "kind"), DONE_BY_OFFICE)
@pytest.mark.parametrize("reason", ["价格与公示不符", None])
async def test_the_member_is_told_what_the_office_did_and_why(
    shop: Shop, before: OfferStatus, status: OfferStatus, kind: str, reason: str | None
) -> None:
    offer_id = await an_offer(shop, status=before)
    for _ in range(2):  # a repeated request tells nothing new
        await offer_changes.set_status(admin(), offer_id, status, NOON, reason)
    [(told_kind, text)] = await told(shop)
    assert told_kind == (kind if reason else f"{kind}_unexplained")
    assert (reason or "没有写明原因") in text and "联系联盟办公室" in text
    [row] = await fetch_all("SELECT office_reason FROM offers")
    assert row["office_reason"] == reason
    assert "价格与公示不符" not in str(await fetch_all("SELECT * FROM audit_records"))


async def test_each_time_is_told_and_only_the_last_reason_stays(shop: Shop) -> None:
    offer_id = await an_offer(shop)
    for minute, status in enumerate((OfferStatus.PAUSED, OfferStatus.PUBLISHED, OfferStatus.PAUSED)):
        at = NOON + timedelta(minutes=minute)
        await offer_changes.set_status(admin(), offer_id, status, at, f"原因{minute}")
    assert [kind for kind, _ in await told(shop)] == ["offer_paused", "offer_resumed", "offer_paused"]
    [line] = await offer_reviews.in_region(admin(), OfferStatus.PAUSED, None, 10)
    assert line["office_reason"] == "原因2"
    await offer_lives.stop(owner_of(shop), offer_id, OfferEvent.RESUMED, NOON)
    [line] = await offer_reviews.of_member(owner_of(shop), None, None, 10)
    assert (line["status"], line["office_reason"]) == ("published", None)


async def test_what_the_member_does_himself_is_told_to_nobody(shop: Shop) -> None:
    offer_id = await an_offer(shop)
    for event in (OfferEvent.PAUSED, OfferEvent.RESUMED, OfferEvent.ENDED):
        await offer_lives.stop(owner_of(shop), offer_id, event, NOON)
    assert await told(shop) == []


async def test_a_pause_beyond_the_suspension_is_told(shop: Shop) -> None:
    offer_id = await an_offer(shop)
    await execute("UPDATE offers SET status = 'paused', paused_for_suspension = true")
    for _ in range(2):
        await offer_changes.set_status(admin(), offer_id, OfferStatus.PAUSED, NOON, "价格不符")
    assert [kind for kind, _ in await told(shop)] == ["offer_paused"]
