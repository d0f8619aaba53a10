"""Versions: what is proposed is reviewed and swapped in at once; what was claimed keeps its terms; fields are named."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from benefits import claims, offer_drafts, offer_reviews, offer_versions
from benefits.offer_drafts import EvidenceUnknown, MemberNotActive
from benefits.offer_lives import OfferStateForbids
from benefits.offer_versions import PriceNeedsEvidence, VersionStateForbids
from benefits.proposals import (
    BudgetNeedsMostCost,
    FixedOncePublished,
    OfferFieldInvalid,
    OrdinaryPathMissing,
    TitleSpellsTier,
    most_cost_fen,
)
from benefits.tier_bands import spelled_tier
from common.database import execute, fetch_all, fetch_one
from common.errors import Invalid
from models.enums import DiscountKind, LimitPeriod, MemberKind
from tests.factories.citizens import a_citizen
from tests.factories.members import Shop, a_member, a_shop, a_store, suspend
from tests.factories.moments import NOON, shanghai
from tests.factories.offers import an_offer
from tests.factories.proposals import (
    a_draft,
    a_proposal,
    a_published,
    approved,
    newest,
    owner_of,
    renewed,
    reviewer,
    some_evidence,
    states,
)
from tests.factories.scans import a_key, claimed, nobody_to_ask, redeemed


async def offer_row(offer_id: UUID) -> Any:
    return await fetch_one("SELECT * FROM offers WHERE id = $1", offer_id)


async def test_a_coupon_claimed_before_keeps_its_terms_and_one_claimed_after_has_the_new(shop: Shop) -> None:
    offer_id = await a_published(shop)
    before = await claimed(await a_citizen(), offer_id)
    await renewed(shop, offer_id, percent_off=50, cap_fen=9_000)
    after = await claimed(await a_citizen(), offer_id)
    assert (await redeemed(shop, before.id)).discount.discount_fen == 2_000
    assert (await redeemed(shop, after.id)).discount.discount_fen == 5_000
    assert await states(offer_id) == ["superseded", "in_force"]


async def test_a_proposal_changes_nothing_until_it_is_published(shop: Shop) -> None:
    offer_id = await a_published(shop)
    before = dict(await offer_row(offer_id))
    asks = {"min_tier_level": 3, "min_real_name_level": 2}
    change = a_proposal(shop, percent_off=50, per_citizen_limit=1, title="诚信五折", **asks)
    await offer_drafts.change(owner_of(shop), offer_id, change, NOON)
    await approved(shop, offer_id)
    assert dict(await offer_row(offer_id)) == before
    assert (await claimed(await a_citizen(), offer_id)).terms.percent_off == 20
    await offer_versions.publish(reviewer(), offer_id, NOON)
    after = await offer_row(offer_id)
    assert (after["min_tier_level"], after["per_citizen_limit"], after["status"]) == (3, 1, "published")
    assert after["min_real_name_level"] == 2
    assert after["terms_id"] == (await newest(offer_id))["terms_id"] != before["terms_id"]


async def test_a_claim_in_flight_is_judged_anew_when_the_terms_change(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its reading and its writing the new version is put in force: it gets the new terms and the new limit."""
    offer_id, citizen_id = await a_published(shop), await a_citizen()
    change = a_proposal(shop, percent_off=50, per_citizen_limit=1)
    await offer_drafts.change(owner_of(shop), offer_id, change, NOON)
    await approved(shop, offer_id)
    write, times = claims._write, []

    async def swap_first(*values: Any, **options: Any) -> Any:
        if not times:
            await offer_versions.publish(owner_of(shop), offer_id, NOON)
        times.append(1)
        return await write(*values, **options)

    monkeypatch.setattr(claims, "_write", swap_first)
    coupon = await claims.claim(citizen_id, offer_id, a_key(), nobody_to_ask, NOON)
    assert (coupon.terms.percent_off, len(times)) == (50, 2)
    [row] = await fetch_all("SELECT terms_id, slot FROM coupons")
    assert tuple(row) == ((await newest(offer_id))["terms_id"], 1)


async def test_of_many_publications_at_once_one_swaps(shop: Shop) -> None:
    offer_id = await a_published(shop)
    await offer_drafts.change(owner_of(shop), offer_id, a_proposal(shop, percent_off=50), NOON)
    await approved(shop, offer_id)
    done = await asyncio.gather(
        *(offer_versions.publish(owner_of(shop), offer_id, NOON) for _ in range(5)), return_exceptions=True
    )
    assert done.count(None) == 1 and [type(each) for each in done].count(VersionStateForbids) == 4
    assert await states(offer_id) == ["superseded", "in_force"]


async def test_one_proposal_at_a_time(shop: Shop) -> None:
    offer_id = await a_published(shop)
    for percent in (30, 40):
        await offer_drafts.change(owner_of(shop), offer_id, a_proposal(shop, percent_off=percent), NOON)
    assert await states(offer_id) == ["in_force", "draft"]
    await offer_versions.submit(owner_of(shop), offer_id, NOON)
    with pytest.raises(OfferStateForbids):
        await offer_drafts.change(owner_of(shop), offer_id, a_proposal(shop, percent_off=50), NOON)
    await offer_versions.discard(owner_of(shop), offer_id, NOON)
    assert await states(offer_id) == ["in_force", "withdrawn"]
    await offer_drafts.change(owner_of(shop), offer_id, a_proposal(shop, percent_off=50), NOON)


async def test_a_sent_back_change_leaves_the_published_offer_as_it_is(shop: Shop) -> None:
    offer_id = await a_published(shop)
    before = dict(await offer_row(offer_id))
    change = a_proposal(shop, percent_off=50, min_real_name_level=1)
    await offer_drafts.change(owner_of(shop), offer_id, change, NOON)
    await offer_versions.submit(owner_of(shop), offer_id, NOON)
    await offer_versions.send_back(reviewer(), offer_id, 2, "先别改", NOON)
    assert await states(offer_id) == ["in_force", "refused", "draft"]
    assert (await newest(offer_id))["min_real_name_level"] == 1  # the copy to go on with
    assert dict(await offer_row(offer_id)) == before and await claimed(await a_citizen(), offer_id)


async def test_an_offer_older_than_versions_is_changed_by_one_too(shop: Shop) -> None:
    offer_id = await an_offer(shop)
    await renewed(shop, offer_id, percent_off=50)
    assert (await claimed(await a_citizen(), offer_id)).terms.percent_off == 50
    assert await states(offer_id) == ["in_force"]


async def test_the_reviewer_sees_what_would_change(shop: Shop) -> None:
    offer_id = await a_published(shop)
    change = a_proposal(shop, percent_off=50, per_citizen_limit=2, per_citizen_period=LimitPeriod.DAY)
    await offer_drafts.change(owner_of(shop), offer_id, change, NOON)
    await offer_versions.submit(owner_of(shop), offer_id, NOON)
    story = await offer_reviews.story_of(reviewer(), offer_id)
    assert {(each.field, each.before, each.after) for each in story.changes} == {
        ("percent_off", 20, 50),
        ("per_citizen_limit", None, 2),
        ("per_citizen_period", "ever", "day"),
    }
    [waiting] = await offer_reviews.queue(reviewer(), "submitted", None, 10)  # type: ignore[arg-type]
    assert (waiting["offer_id"], waiting["number"]) == (offer_id, 2)
    assert await offer_reviews.queue(reviewer("330200"), "submitted", None, 10) == []  # type: ignore[arg-type]


# A list price that rises before a discount.


async def flagged(offer_id: UUID) -> bool:
    return bool((await newest(offer_id))["raised_shortly_before"])


@pytest.mark.parametrize(
    ("days", "changes", "is_flagged"),
    [
        (29, {"percent_off": 40}, True),
        (31, {"percent_off": 40}, False),
        (29, {"open_minute": 600}, False),
    ],
)
async def test_a_list_price_raised_within_30_days_before_a_new_discount_is_shown(
    shop: Shop, days: int, changes: dict[str, Any], *, is_flagged: bool
) -> None:
    paper = await some_evidence(shop)
    offer_id = await a_published(shop, list_price_fen=10_000, evidence_file_id=paper)
    await renewed(shop, offer_id, list_price_fen=12_000, evidence_file_id=paper)
    assert not await flagged(offer_id)  # the discount is the old one
    later = NOON + timedelta(days=days)
    change = a_proposal(shop, list_price_fen=12_000, evidence_file_id=paper, **changes)
    await offer_drafts.change(owner_of(shop), offer_id, change, later)
    await offer_versions.submit(owner_of(shop), offer_id, later)
    assert await flagged(offer_id) is is_flagged
    [row] = await offer_reviews.queue(reviewer(), "submitted", None, 10)  # type: ignore[arg-type]
    assert row["raised_shortly_before"] is is_flagged


async def test_raised_together_with_the_discount_is_shown_and_lowered_is_not(shop: Shop) -> None:
    paper = await some_evidence(shop)
    offer_id = await a_published(shop, list_price_fen=10_000, evidence_file_id=paper)
    for price, is_flagged in ((9_000, False), (11_000, True)):
        change = a_proposal(shop, percent_off=60, list_price_fen=price, evidence_file_id=paper)
        await offer_drafts.change(owner_of(shop), offer_id, change, NOON)
        await offer_versions.submit(owner_of(shop), offer_id, NOON)
        assert await flagged(offer_id) is is_flagged
        await offer_versions.recall(owner_of(shop), offer_id, NOON)
    assert not await flagged(offer_id)


async def test_a_list_price_is_submitted_with_its_evidence(shop: Shop) -> None:
    offer_id = await a_draft(shop, list_price_fen=10_000)
    with pytest.raises(PriceNeedsEvidence):
        await offer_versions.submit(owner_of(shop), offer_id, NOON)
    assert await states(offer_id) == ["draft"]
    strange = await some_evidence(await a_shop())
    for paper in (strange, uuid4()):
        with pytest.raises(EvidenceUnknown):
            await a_draft(shop, list_price_fen=10_000, evidence_file_id=paper)


# Fields.


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"programme": "xinyi_nothing"}, "/programme"),
        ({"region": "339999"}, "/region"),
        ({"region": "330110"}, "/region"),
        ({"store_ids": []}, "/store_ids"),
        ({"store_ids": [uuid4()]}, "/store_ids"),
        ({"percent_off": None}, "/percent_off"),
        ({"amount_off_fen": 100}, "/amount_off_fen"),
        (
            {"discount_kind": DiscountKind.DEPOSIT_WAIVED, "percent_off": None, "cap_fen": None},
            "/deposit_fen",
        ),
        ({"valid_days": None}, "/valid_days"),
        ({"first_day": date(2026, 4, 1), "last_day": date(2026, 5, 1)}, "/valid_days"),
        ({"first_day": date(2026, 4, 1)}, "/valid_days"),
        ({"valid_days": None, "first_day": date(2026, 4, 1), "last_day": date(2026, 3, 31)}, "/last_day"),
        ({"valid_days": None, "first_day": date(2026, 1, 1), "last_day": date(2026, 3, 3)}, "/last_day"),
        ({"claim_until": shanghai("2026-01-01 00:00")}, "/claim_until"),
        ({"claim_until": NOON}, "/claim_until"),
        ({"open_minute": 600, "close_minute": 600}, "/close_minute"),
        ({"uses_total": None}, "/daily_use_cap"),
        ({"alliance_share": 60, "public_unit_share": 41, "public_unit_id": uuid4()}, "/alliance_share"),
        ({"public_unit_share": 10}, "/public_unit_id"),
        ({"public_unit_id": uuid4()}, "/public_unit_id"),
        ({"public_unit_share": 10, "public_unit_id": uuid4()}, "/public_unit_id"),
    ],
)
async def test_what_can_not_be_is_refused_by_its_field(
    shop: Shop, changes: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(OfferFieldInvalid) as refused:
        await a_draft(shop, **changes)
    assert refused.value.pointer == pointer and refused.value.sentence("zh")
    assert await fetch_all("SELECT 1 FROM offers") == []


DISCOUNTS: list[dict[str, Any]] = [
    {"discount_kind": DiscountKind.PERCENT_OFF, "percent_off": 10},
    {"discount_kind": DiscountKind.AMOUNT_OFF, "amount_off_fen": 500},
    {"discount_kind": DiscountKind.THRESHOLD_OFF, "amount_off_fen": 500, "threshold_fen": 5_000},
    {"discount_kind": DiscountKind.FIXED_PRICE, "fixed_price_fen": 0},
    {"discount_kind": DiscountKind.FREE, "gift": "帆布袋"},
    {"discount_kind": DiscountKind.DEPOSIT_WAIVED, "deposit_fen": 9_900},
    {"discount_kind": DiscountKind.PRIORITY_LANE},
    {"discount_kind": DiscountKind.PAY_LATER, "pay_later_days": 30},
    {"discount_kind": DiscountKind.HIGHER_LIMIT, "higher_limit": 20},
]


@pytest.mark.parametrize("discount", DISCOUNTS, ids=lambda discount: discount["discount_kind"])
async def test_every_kind_of_discount_can_be_offered(shop: Shop, discount: dict[str, Any]) -> None:
    offer_id = await a_published(shop, **{"percent_off": None, "cap_fen": None, **discount})
    assert (await claimed(await a_citizen(), offer_id)).terms.discount_kind == discount["discount_kind"]


def test_the_kinds_are_all_there() -> None:
    assert {discount["discount_kind"] for discount in DISCOUNTS} == set(DiscountKind)


async def test_a_public_unit_names_its_ordinary_path() -> None:
    """Rule 3."""
    unit = await a_shop(MemberKind.PUBLIC_UNIT)
    for path in (None, "  "):
        with pytest.raises(OrdinaryPathMissing):
            await a_draft(unit, ordinary_path=path)
    assert await a_published(unit, ordinary_path="窗口照常办理")


async def test_a_public_unit_can_bear_a_share(shop: Shop) -> None:
    unit = await a_member(MemberKind.PUBLIC_UNIT)
    offer_id = await a_published(shop, alliance_share=30, public_unit_share=20, public_unit_id=unit)
    row = await fetch_one("SELECT * FROM offer_terms WHERE offer_id = $1", offer_id)
    assert row is not None and (row["alliance_share"], row["public_unit_share"]) == (30, 20)


@pytest.mark.parametrize("title", ["优秀市民专享", "信用良好八折", "GOLD 会员", "金卡专享"])
async def test_no_title_spells_a_tier(shop: Shop, title: str) -> None:
    """Rule 2: the words of the ladder, and the names and codes of every scheme's bands."""
    await execute(
        "INSERT INTO tier_schemes (id, code, name, version, explanation, validity_days, published_at, effective_from)"
        " VALUES (1, 'test', '测试', 1, '', 30, $1, $1)",
        NOON,
    )
    await execute(
        "INSERT INTO tier_bands (scheme_id, code, name, level, low, high) VALUES (1, 'gold', '金卡', 5, 0, 10)"
    )
    with pytest.raises(TitleSpellsTier):
        await a_draft(shop, title=title, min_tier_level=3)
    assert await a_draft(shop, title=title)  # without a tier it tells nothing


@pytest.mark.parametrize(
    ("title", "word"),
    [
        ("差旅优惠", None),
        ("信用差也能领", "差"),
        ("诚信专享八折", None),
        ("较差", "较差"),
        ("Excellent!", None),
    ],
)
def test_a_word_of_one_character_counts_only_as_a_grade(title: str, word: str | None) -> None:
    assert spelled_tier(title, {"差", "较差", "中等", "良好", "优秀"}) == word


async def test_a_suspended_member_puts_nothing_forward(shop: Shop) -> None:
    await suspend(shop.member_id)
    with pytest.raises(MemberNotActive):
        await a_draft(shop)


async def test_stores_of_somebody_else_or_closed_ones_are_refused(shop: Shop) -> None:
    strange, closed = await a_store(await a_member()), await a_store(shop.member_id)
    await execute("UPDATE stores SET is_active = false WHERE id = $1", closed)
    for store in (strange, closed):
        with pytest.raises(OfferFieldInvalid):
            await a_draft(shop, store_ids=[shop.store_id, store])


async def test_stock_and_budget_are_a_drafts_own_and_fixed_once_published(shop: Shop) -> None:
    offer_id = await a_draft(shop, stock_total=5, budget_fen=10_000)
    await offer_drafts.change(owner_of(shop), offer_id, a_proposal(shop), NOON)
    assert await fetch_all("SELECT 1 FROM offer_stock") == []
    limits = {"stock_total": 7, "daily_limit": 3, "budget_fen": 20_000}
    await offer_drafts.change(owner_of(shop), offer_id, a_proposal(shop, **limits), NOON)
    await approved(shop, offer_id)
    await offer_versions.publish(owner_of(shop), offer_id, NOON)
    for name, value in {**limits, "region": "330100"}.items():
        other = {**limits, name: value if name == "region" else None}
        with pytest.raises(FixedOncePublished):
            await offer_drafts.change(owner_of(shop), offer_id, a_proposal(shop, **other), NOON)
    await renewed(shop, offer_id, percent_off=50, **limits)


# The most that a coupon can cost.


@pytest.mark.parametrize(
    ("changes", "fen"),
    [
        ({}, 5_000),
        ({"uses_total": 3}, 15_000),
        ({"cap_fen": None}, None),
        ({"uses_total": None, "daily_use_cap": 1}, None),
        ({"discount_kind": DiscountKind.AMOUNT_OFF, "amount_off_fen": 700, "uses_total": 2}, 1_400),
        ({"discount_kind": DiscountKind.THRESHOLD_OFF, "amount_off_fen": 700, "threshold_fen": 900}, 700),
        ({"discount_kind": DiscountKind.FIXED_PRICE, "fixed_price_fen": 900}, None),
        ({"discount_kind": DiscountKind.FIXED_PRICE, "fixed_price_fen": 900, "list_price_fen": 1_000}, 100),
        ({"discount_kind": DiscountKind.FREE, "list_price_fen": 1_000}, 1_000),
        ({"discount_kind": DiscountKind.FREE}, None),
        ({"discount_kind": DiscountKind.DEPOSIT_WAIVED, "deposit_fen": 9_000}, 0),
        ({"discount_kind": DiscountKind.PRIORITY_LANE}, 0),
        ({"discount_kind": DiscountKind.PAY_LATER, "pay_later_days": 30}, 0),
        ({"discount_kind": DiscountKind.HIGHER_LIMIT, "higher_limit": 20}, 0),
    ],
)
async def test_the_most_that_a_coupon_can_cost(shop: Shop, changes: dict[str, Any], fen: int | None) -> None:
    assert most_cost_fen(a_proposal(shop, **changes)) == fen


async def test_a_budget_needs_the_most_that_a_coupon_can_cost(shop: Shop) -> None:
    with pytest.raises(BudgetNeedsMostCost) as refused:
        await a_draft(shop, budget_fen=10_000, cap_fen=None)
    assert isinstance(refused.value, Invalid) and refused.value.pointer == "/budget_fen"
    offer_id = await a_published(shop, budget_fen=10_000)
    change = a_proposal(shop, budget_fen=10_000, cap_fen=None)
    await offer_drafts.change(owner_of(shop), offer_id, change, NOON)
    await approved(shop, offer_id)
    with pytest.raises(BudgetNeedsMostCost):
        await offer_versions.publish(owner_of(shop), offer_id, NOON)
    assert await states(offer_id) == ["in_force", "approved"]
