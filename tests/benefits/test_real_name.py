"""Offers that ask for a real-name level: who may claim, and that it still holds when the coupon is written."""

from uuid import UUID, uuid4

import pytest

from benefits import claims
from benefits.eligibility import Standing
from benefits.offers import viewer_of
from benefits.refusals import PhoneRequired, RealNameRequired
from common.database import execute, fetch_all
from common.shared_statements import SharedStatement
from models.citizen_enums import RealNameLevel
from tests.factories.accounts import another_process, outcome
from tests.factories.citizens import KEYS, a_citizen, a_person, consent
from tests.factories.members import Shop
from tests.factories.moments import NOON
from tests.factories.offers import an_offer
from tests.factories.scans import a_key, claimed

NONE, PHONE, REAL_NAME = RealNameLevel


async def somebody(level: RealNameLevel) -> UUID:
    """A citizen of a level."""
    if level is REAL_NAME:
        return await a_person()
    citizen_id = await a_citizen()
    if level is PHONE:
        await execute(
            "INSERT INTO citizen_phones (citizen_id, phone_encrypted, channel, verified_at) VALUES ($1, $2, $3, $4)",
            *(citizen_id, KEYS.encrypt("13800000001", "citizen_phones.phone"), "wechat", NOON),
        )
    return citizen_id


@pytest.mark.parametrize("asked", RealNameLevel)
@pytest.mark.parametrize("has", RealNameLevel)
async def test_who_has_the_level_or_more_may_claim(
    shop: Shop, has: RealNameLevel, asked: RealNameLevel
) -> None:
    offer_id, citizen_id = await an_offer(shop, min_real_name_level=asked, total=1), await somebody(has)
    assert (await viewer_of(citizen_id, NOON)).standing.real_name_level is has
    if has >= asked:
        await claimed(citizen_id, offer_id)
        return
    with pytest.raises(RealNameRequired) as refused:
        await claimed(citizen_id, offer_id)
    assert isinstance(refused.value, PhoneRequired) is (asked is PHONE)
    assert await fetch_all("SELECT 1 FROM coupons") == []


async def test_a_source_is_not_asked_about_who_lacks_the_level(shop: Shop) -> None:
    """`claimed` fails when it is asked."""
    offer_id, citizen_id = (
        await an_offer(shop, min_real_name_level=2, min_tier_level=4),
        await somebody(PHONE),
    )
    await consent(citizen_id)
    assert await outcome(claimed(citizen_id, offer_id)) == "real_name_required"


async def test_the_level_counts_also_after_the_source_was_asked(shop: Shop) -> None:
    offer_id, citizen_id = (
        await an_offer(shop, min_real_name_level=2, min_tier_level=4),
        await somebody(REAL_NAME),
    )
    await consent(citizen_id)

    async def ask() -> Standing:
        return Standing(True, 5, NOON.date())

    await claims.claim(citizen_id, offer_id, a_key(), ask, NOON)


@pytest.mark.parametrize("level", [PHONE, REAL_NAME])
@pytest.mark.parametrize("is_guarded", [True, False])
async def test_nothing_is_claimed_on_a_person_or_number_that_was_erased_after_it_was_judged(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, level: RealNameLevel, *, is_guarded: bool
) -> None:
    offer_id, citizen_id = await an_offer(shop, min_real_name_level=level), await somebody(level)
    if not is_guarded:
        guard = "(p.min_real_name_level = 0 OR"
        assert guard in claims.CLAIM
        monkeypatch.setattr(claims, "writes", SharedStatement(claims.CLAIM.replace(guard, "(true OR")))
    judged = await claims._read(citizen_id, offer_id, a_key(), NOON)
    await execute("DELETE FROM natural_persons")
    await execute("DELETE FROM citizen_phones")
    written = await claims._write(citizen_id, offer_id, a_key(), judged, NOON, alone=True)
    assert (written is None) is is_guarded
    assert await outcome(claimed(citizen_id, offer_id)) == "real_name_required"


async def test_an_offer_that_asks_for_more_meanwhile_is_judged_anew(shop: Shop) -> None:
    offer_id, citizen_id = await an_offer(shop), await somebody(NONE)
    judged = await claims._read(citizen_id, offer_id, a_key(), NOON)
    await execute("UPDATE offers SET min_real_name_level = 1")
    assert await claims._write(citizen_id, offer_id, a_key(), judged, NOON, alone=True) is None


async def test_an_erasure_waits_for_the_claim_that_stands_on_it(shop: Shop, database: str) -> None:
    """Answered, it is followed by no coupon: the claim holds what it stands on until it is written."""
    offer_id, citizen_id = await an_offer(shop, min_real_name_level=2), await somebody(REAL_NAME)
    judged = await claims._read(citizen_id, offer_id, a_key(), NOON)
    values = [
        uuid4(),
        1,
        offer_id,
        judged["terms_id"],
        citizen_id,
        1,
        None,
        "",
        NOON,
        NOON.replace(year=2099),
        NOON,
    ]
    values += ["the-key-of-it", b"x" * 32, None, NOON.date(), None, None, 2]
    async with another_process(database) as claiming, another_process(database) as erasing:
        async with claiming.transaction():
            assert await claiming.fetch(claims.CLAIM, *([value] for value in values))
            await erasing.execute("SET lock_timeout = '50ms'")
            erase = "DELETE FROM natural_persons WHERE citizen_id = $1"
            assert await outcome(erasing.execute(erase, citizen_id)) == "LockNotAvailableError"
        assert await outcome(erasing.execute(erase, citizen_id)) == "done"
