"""Giving a name to a member: only of offers that say so, only under a consent that names it, each time on record (rule 6)."""

import asyncio
from datetime import date, timedelta
from uuid import UUID

import pytest

from benefits import claims, redemptions
from benefits.eligibility import Standing
from citizens import consents, disclosures
from citizens.consents import SharingConsentRequired
from common.database import fetch_all, transaction
from common.errors import DomainError
from models.enums import ConsentPurpose
from tests.factories.agents import a_real_person, agree
from tests.factories.citizens import a_citizen, consent
from tests.factories.members import Shop, a_shop
from tests.factories.moments import NOON
from tests.factories.offers import an_offer
from tests.factories.scans import SCAN_KEYS, a_key, an_order, claimed, code_of, redeemed, scan

SHARING = ConsentPurpose.MEMBER_SHARING
SECOND = timedelta(seconds=1)


async def allow(citizen_id: UUID, shop: Shop) -> UUID:
    return await agree(citizen_id, SHARING, recipient=shop.member_id)


async def seen(shop: Shop, coupon_id: UUID) -> str | None:
    order = an_order(shop.store_id)
    shown = await redemptions.preview(shop.clerk, await code_of(coupon_id), order, SCAN_KEYS, NOON)
    return shown.holder_masked_name


async def test_such_an_offer_is_claimed_only_under_a_consent_that_names_its_member(shop: Shop) -> None:
    offer_id, citizen_id, other = (
        await an_offer(shop, shows_holder=True),
        await a_real_person(),
        await a_shop(),
    )
    await allow(citizen_id, other)
    with pytest.raises(SharingConsentRequired) as refused:
        await claimed(citizen_id, offer_id)
    facts = refused.value.facts
    assert (facts["member_id"], facts["member_name"]) == (str(shop.member_id), "湖畔百货")
    assert "湖畔百货" in refused.value.sentence("zh") and "打码" in refused.value.sentence("zh")
    await allow(citizen_id, shop)
    await claimed(citizen_id, offer_id)


async def test_other_offers_ask_for_nothing_and_show_nobody(shop: Shop) -> None:
    citizen_id = await a_real_person()
    coupon = await claimed(citizen_id, await an_offer(shop))
    await allow(citizen_id, shop)
    assert await seen(shop, coupon.id) is None
    assert (await redeemed(shop, coupon.id)).holder_masked_name is None
    assert await disclosures.of_citizen(citizen_id, None, 9) == []


async def test_nobodys_tier_is_looked_up_before_he_agrees_to_be_shown(shop: Shop) -> None:
    offer_id, citizen_id = await an_offer(shop, shows_holder=True, min_tier_level=3), await a_real_person()
    await consent(citizen_id)

    async def asked() -> Standing:
        raise AssertionError("the credit source was asked")

    with pytest.raises(SharingConsentRequired):
        await claims.claim(citizen_id, offer_id, a_key(), asked, NOON)


async def test_staff_see_the_masked_name_and_the_citizen_reads_each_time(shop: Shop) -> None:
    offer_id = await an_offer(shop, shows_holder=True, uses_total=2)
    citizen_id = await a_real_person(name="王大友")
    proof = await allow(citizen_id, shop)
    coupon = await claimed(citizen_id, offer_id)
    assert await seen(shop, coupon.id) == "*大友"
    assert (await redeemed(shop, coupon.id)).holder_masked_name == "*大友"
    lines = await disclosures.of_citizen(citizen_id, None, 9)
    assert len(lines) == 2
    for line in lines:
        assert (line["what"], line["member_id"], line["store_id"]) == (
            *("masked_name", shop.member_id, shop.store_id),
        )
        assert (line["store_name"], line["offer_id"], line["consent_id"]) == ("武林店", offer_id, proof)


async def test_after_a_withdrawal_the_coupon_stays_usable_and_the_name_is_not_shown(shop: Shop) -> None:
    """Also between the preview and the redemption, and when its answer is asked for again."""
    offer_id = await an_offer(shop, shows_holder=True, uses_total=2)
    citizen_id = await a_real_person()
    await allow(citizen_id, shop)
    coupon = await claimed(citizen_id, offer_id)
    code, request, order = await code_of(coupon.id), a_key(), an_order(shop.store_id)
    first = await scan(shop.clerk, code, order, request=request)
    assert first.holder_masked_name is not None
    again = await scan(shop.clerk, code, order, request=request)
    assert again.is_replayed and again.holder_masked_name == first.holder_masked_name
    await consents.withdraw(citizen_id, SHARING, NOON, shop.member_id)
    replayed = await scan(shop.clerk, code, order, request=request)
    assert replayed.is_replayed and replayed.holder_masked_name is None
    assert await seen(shop, coupon.id) is None
    assert (await redeemed(shop, coupon.id, NOON + 60 * SECOND)).holder_masked_name is None
    assert len(await disclosures.of_citizen(citizen_id, None, 9)) == 2


async def test_who_has_no_known_name_is_not_shown(shop: Shop) -> None:
    citizen_id = await a_citizen()
    await allow(citizen_id, shop)
    coupon = await claimed(citizen_id, await an_offer(shop, shows_holder=True))
    assert (await redeemed(shop, coupon.id)).holder_masked_name is None
    assert await disclosures.of_citizen(citizen_id, None, 9) == []


async def test_a_refused_scan_shows_nobody(shop: Shop) -> None:
    citizen_id = await a_real_person()
    await allow(citizen_id, shop)
    coupon = await claimed(
        citizen_id, await an_offer(shop, shows_holder=True, blackout_dates=[date(2026, 3, 4)])
    )
    with pytest.raises(DomainError):
        await seen(shop, coupon.id)
    with pytest.raises(DomainError):
        await redeemed(shop, coupon.id)
    assert await disclosures.of_citizen(citizen_id, None, 9) == []


@pytest.mark.parametrize("alone", [False, True])
async def test_the_statement_itself_refuses_a_claim_whose_consent_was_withdrawn(
    shop: Shop, *, alone: bool
) -> None:
    offer_id, citizen_id = await an_offer(shop, shows_holder=True, total=5), await a_real_person()
    proof = await allow(citizen_id, shop)
    stale = await claims._read(citizen_id, offer_id, a_key(), NOON)
    await consents.withdraw(citizen_id, SHARING, NOON)
    assert await claims._write(citizen_id, offer_id, a_key(), stale, NOON, proof, alone=alone) is None
    assert await fetch_all("SELECT 1 FROM coupons WHERE citizen_id = $1", citizen_id) == []
    # Nor does it take somebody else's.
    other = await allow(await a_real_person(), shop)
    assert await claims._write(citizen_id, offer_id, a_key(), stale, NOON, other, alone=alone) is None


async def test_a_claim_and_a_withdrawal_at_once_leave_a_coupon_or_a_refusal(shop: Shop) -> None:
    offer_id = await an_offer(shop, shows_holder=True)
    for _ in range(10):
        citizen_id = await a_real_person()
        await allow(citizen_id, shop)
        claiming, _ = await asyncio.gather(
            claimed(citizen_id, offer_id),
            consents.withdraw(citizen_id, SHARING, NOON),
            return_exceptions=True,
        )
        rows = await fetch_all("SELECT 1 FROM coupons WHERE citizen_id = $1", citizen_id)
        assert isinstance(claiming, SharingConsentRequired) == (rows == []), claiming


async def test_a_withdrawal_waits_for_the_line_of_a_name_that_is_being_shown(shop: Shop) -> None:
    """Once the withdrawal is answered no name is shown: the look holds the consent until its line is written."""
    citizen_id = await a_real_person()
    await allow(citizen_id, shop)
    place = shop.store_id, await an_offer(shop)
    shown = asyncio.Event()

    async def withdraw() -> None:
        await shown.wait()
        await consents.withdraw(citizen_id, SHARING, NOON)

    withdrawing = asyncio.create_task(withdraw())  # outside the transaction
    async with transaction():
        assert await disclosures.show_holder(citizen_id, shop.member_id, place, SCAN_KEYS.personal, NOON)
        shown.set()
        await asyncio.sleep(0.1)
        assert not withdrawing.done()
    await withdrawing
    assert await disclosures.show_holder(citizen_id, shop.member_id, place, SCAN_KEYS.personal, NOON) is None
