"""Claiming: what a coupon promises stays as it was, counters match claims, and a retried claim is one claim."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from benefits import claims, coupons
from benefits.eligibility import Standing
from benefits.refusals import IdempotencyKeyReused, OfferEnded, SoldOut, TierTooLow, Unrated
from citizens.consents import ConsentRequired
from citizens.credit_sources import CreditSourceUnavailable
from common.clock import local_day
from common.database import execute, fetch_all, fetch_one
from common.errors import DomainError, NotFound
from models.enums import DiscountKind, OfferStatus
from tests.factories.citizens import a_citizen, consent
from tests.factories.members import Shop, suspend
from tests.factories.moments import NOON, shanghai
from tests.factories.offers import an_offer, issued_on, new_terms, stock_of
from tests.factories.scans import a_key, claimed, coupon_row, redeemed

RATED = Standing(has_consent=True, tier_level=4, data_date=NOON.date())


class Source:
    """A credit desk that says one thing and counts how often it was asked."""

    def __init__(self, says: Standing | DomainError) -> None:
        self.says, self.asked = says, 0

    async def __call__(self) -> Standing:
        self.asked += 1
        if isinstance(self.says, DomainError):
            raise self.says
        return self.says


async def count_of(table: str) -> int:
    row = await fetch_one(f"SELECT count(*) AS rows FROM {table}")
    assert row is not None
    return int(row["rows"])


async def test_a_claim_writes_the_coupon_with_the_terms_of_the_moment(shop: Shop) -> None:
    offer_id, citizen_id = await an_offer(shop, uses_total=3, valid_days=2), await a_citizen()
    done = await claimed(citizen_id, offer_id)
    row = await coupon_row(done.id)
    assert (row["offer_id"], row["citizen_id"], row["terms_id"]) == (offer_id, citizen_id, done.terms.id)
    assert (row["status"], row["uses_total"], row["uses_done"]) == ("claimed", 3, 0)
    assert (row["valid_from"], row["valid_until"]) == (NOON, shanghai("2026-03-06 00:00"))
    assert (row["valid_from"], row["valid_until"]) == (done.valid_from, done.valid_until)
    assert (row["slot"], row["claimed_at"]) == (None, NOON)
    assert not done.is_replayed


async def test_what_was_claimed_keeps_its_terms_when_the_offers_change(shop: Shop) -> None:
    offer_id, citizen_id = await an_offer(shop, valid_days=30), await a_citizen()
    before = await claimed(citizen_id, offer_id)
    stores = {"store_ids": [shop.store_id]}
    await new_terms(offer_id, discount_kind=DiscountKind.AMOUNT_OFF, amount_off_fen=1, valid_days=1, **stores)
    after = await claimed(citizen_id, offer_id)
    assert (await coupon_row(before.id))["terms_id"] == before.terms.id != after.terms.id
    assert (await redeemed(shop, before.id)).discount.discount_fen == 2_000
    assert (await redeemed(shop, after.id)).discount.discount_fen == 1
    seen = await coupons.coupon_of(citizen_id, before.id, NOON)
    assert (seen.terms.percent_off, seen.valid_until) == (20, shanghai("2026-04-03 00:00"))


async def test_each_claim_counts_one_piece_of_stock_and_of_the_day(shop: Shop) -> None:
    offer_id = await an_offer(shop, total=5, daily_limit=4)
    for _ in range(3):
        await claimed(await a_citizen(), offer_id)
    assert (await stock_of(offer_id))["issued"] == 3
    assert await issued_on(offer_id, local_day(NOON)) == 3
    assert await count_of("coupons") == 3


async def test_the_last_piece_is_the_last(shop: Shop) -> None:
    offer_id = await an_offer(shop, total=1)
    await claimed(await a_citizen(), offer_id)
    with pytest.raises(SoldOut):
        await claimed(await a_citizen(), offer_id)
    assert (await stock_of(offer_id))["issued"] == await count_of("coupons") == 1


@pytest.mark.parametrize(
    ("changes", "refusal"), [({"total": 1}, "sold_out"), ({"daily_limit": 1}, "sold_out_today")]
)
async def test_the_statement_itself_refuses_what_a_stale_read_let_through(
    shop: Shop, changes: dict[str, int], refusal: str
) -> None:
    """The rules see the stock as it was read, the statement as it is; with others in between, the constraint does."""
    offer_id, citizen_id = await an_offer(shop, **changes), await a_citizen()
    stale = await claims._read(citizen_id, offer_id, a_key(), NOON)
    await claimed(await a_citizen(), offer_id)
    for alone in (False, True):
        assert await claims._write(citizen_id, offer_id, a_key(), stale, NOON, alone=alone) is None
    with pytest.raises(DomainError) as refused:
        await claimed(citizen_id, offer_id)
    assert refused.value.code == refusal
    assert await count_of("coupons") == 1
    assert await issued_on(offer_id, local_day(NOON)) == (1 if "daily_limit" in changes else 0)
    assert (await stock_of(offer_id))["issued"] == 1


async def test_a_stale_read_of_the_persons_limit_writes_nothing(shop: Shop) -> None:
    offer_id, citizen_id = await an_offer(shop, per_citizen_limit=1, total=10), await a_citizen()
    stale = await claims._read(citizen_id, offer_id, a_key(), NOON)
    await claimed(citizen_id, offer_id)
    assert await claims._write(citizen_id, offer_id, a_key(), stale, NOON) is None
    assert (await stock_of(offer_id))["issued"] == await count_of("coupons") == 1


async def test_an_offer_that_was_stopped_after_the_read_gives_nothing(shop: Shop) -> None:
    offer_id, citizen_id = await an_offer(shop, total=10), await a_citizen()
    stale = await claims._read(citizen_id, offer_id, a_key(), NOON)
    await execute("UPDATE offers SET status = 'paused' WHERE id = $1", offer_id)
    assert await claims._write(citizen_id, offer_id, a_key(), stale, NOON) is None
    assert (await stock_of(offer_id))["issued"] == 0


async def test_a_consent_withdrawn_after_the_read_gives_nothing(shop: Shop) -> None:
    offer_id, citizen_id = await an_offer(shop, min_tier_level=4, total=10), await a_citizen()
    await consent(citizen_id)
    stale = await claims._read(citizen_id, offer_id, a_key(), NOON)
    await execute("UPDATE consents SET withdrawn_at = $1", NOON)
    assert await claims._write(citizen_id, offer_id, a_key(), stale, NOON) is None
    assert (await stock_of(offer_id))["issued"] == 0


async def test_the_same_key_gets_the_same_coupon_however_late(shop: Shop) -> None:
    offer_id, citizen_id = await an_offer(shop, total=1, per_citizen_limit=1), await a_citizen()
    request = a_key("a-retried-key")
    first = await claimed(citizen_id, offer_id, request=request)
    await execute("UPDATE offers SET status = 'ended'")
    again = await claimed(citizen_id, offer_id, NOON + timedelta(days=400), request)
    assert again.is_replayed and again.id == first.id
    assert (again.terms, again.valid_from, again.valid_until, again.claimed_at) == (
        first.terms,
        first.valid_from,
        first.valid_until,
        first.claimed_at,
    )
    assert await count_of("coupons") == (await stock_of(offer_id))["issued"] == 1


async def test_the_same_key_for_something_else_is_refused(shop: Shop) -> None:
    citizen_id, offer_id = await a_citizen(), await an_offer(shop)
    await claimed(citizen_id, offer_id, request=a_key("one-key", offer=str(offer_id)))
    with pytest.raises(IdempotencyKeyReused):
        await claimed(citizen_id, await an_offer(shop), request=a_key("one-key", offer="another"))
    assert await count_of("coupons") == 1


async def test_a_key_belongs_to_its_citizen(shop: Shop) -> None:
    offer_id, request = await an_offer(shop), a_key("everybody-s-key")
    first, second = [await claimed(await a_citizen(), offer_id, request=request) for _ in range(2)]
    assert first.id != second.id and not second.is_replayed


async def test_a_refusal_is_not_stored_so_a_retry_is_judged_anew(shop: Shop) -> None:
    offer_id, citizen_id, request = await an_offer(shop, total=0), await a_citizen(), a_key()
    with pytest.raises(SoldOut):
        await claimed(citizen_id, offer_id, request=request)
    await execute("UPDATE offer_stock SET total = 1")
    assert not (await claimed(citizen_id, offer_id, request=request)).is_replayed


@pytest.mark.parametrize("status", [None, OfferStatus.DRAFT])
async def test_an_unknown_offer_and_a_draft_are_not_found(shop: Shop, status: OfferStatus | None) -> None:
    offer_id = await an_offer(shop, status=status) if status else uuid4()
    with pytest.raises(NotFound):
        await claimed(await a_citizen(), offer_id)


async def test_a_suspended_member_gives_no_new_coupons(shop: Shop) -> None:
    offer_id = await an_offer(shop)
    await suspend(shop.member_id)
    with pytest.raises(OfferEnded):
        await claimed(await a_citizen(), offer_id)


async def test_an_offer_whose_fixed_dates_are_over_gives_no_dead_coupon(shop: Shop) -> None:
    dates = {"valid_from": shanghai("2026-01-01 00:00"), "valid_until": NOON, "valid_days": None}
    offer_id = await an_offer(shop, total=5, **dates)
    with pytest.raises(OfferEnded):
        await claimed(await a_citizen(), offer_id)
    assert (await stock_of(offer_id))["issued"] == 0


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        (RATED, None),
        (Standing(True, 3, NOON.date()), TierTooLow),
        (Standing(True, None, NOON.date()), Unrated),
        (ConsentRequired(), ConsentRequired),
        (CreditSourceUnavailable(), CreditSourceUnavailable),
    ],
)
async def test_what_the_source_says_decides_once_and_nothing_is_made_up(
    shop: Shop, says: Any, expected: type[DomainError] | None
) -> None:
    offer_id, citizen_id = await an_offer(shop, min_tier_level=4, total=5), await a_citizen()
    await consent(citizen_id)
    source = Source(says)
    if expected is None:
        await claims.claim(citizen_id, offer_id, a_key(), source, NOON)
    else:
        with pytest.raises(expected):
            await claims.claim(citizen_id, offer_id, a_key(), source, NOON)
    assert source.asked == 1
    assert await count_of("coupons") == (await stock_of(offer_id))["issued"] == int(expected is None)


@pytest.mark.parametrize(
    ("changes", "with_consent"),
    [
        ({}, True),
        ({"min_tier_level": 4}, False),
        ({"min_tier_level": 4, "total": 0}, True),
        ({"min_tier_level": 4, "status": OfferStatus.ENDED}, True),
        ({"min_tier_level": 4, "claim_from": NOON + timedelta(hours=1)}, True),
    ],
)
async def test_the_source_is_not_asked_where_its_answer_would_not_matter(
    shop: Shop, changes: dict[str, Any], with_consent: bool
) -> None:
    """Rule 1: a look-up needs a consent, and a reason."""
    offer_id, citizen_id = await an_offer(shop, **changes), await a_citizen()
    if with_consent:
        await consent(citizen_id)
    source = Source(RATED)
    try:
        await claims.claim(citizen_id, offer_id, a_key(), source, NOON)
    except DomainError:
        assert changes
    assert source.asked == 0


async def test_coupon_numbers_are_of_cell_0_and_differ_from_ids(shop: Shop) -> None:
    offer_id = await an_offer(shop)
    ids = [(await claimed(await a_citizen(), offer_id)).id for _ in range(20)]
    numbers = {row["number"] for row in await fetch_all("SELECT number FROM coupons")}
    assert len(numbers) == 20 and all(0 <= number < 2**48 for number in numbers)
    assert not {id_.int & (2**64 - 1) for id_ in ids} & numbers
