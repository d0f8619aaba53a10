"""Offers' lives: the table says all that can happen; whatever it does not say is refused and changes nothing."""

import asyncio
from datetime import timedelta
from itertools import pairwise, product
from uuid import UUID, uuid4

import pytest

from benefits import offer_drafts, offer_lives, offer_versions
from benefits.offer_lives import LIVES, OfferEvent, OfferStateForbids
from benefits.offer_versions import STEPS, VersionStateForbids
from benefits.refusals import OfferEnded
from common.database import execute, fetch_all, fetch_one, transaction
from common.errors import NotFound
from models.enums import OfferStatus, OfferVersionState
from tests.factories.citizens import a_citizen
from tests.factories.members import Shop, a_shop
from tests.factories.moments import NOON, shanghai
from tests.factories.offers import an_offer
from tests.factories.proposals import (
    a_draft,
    a_proposal,
    a_published,
    an_approved,
    newest,
    owner_of,
    reviewer,
    states,
)
from tests.factories.scans import claimed, redeemed


async def status_of(offer_id: UUID) -> str:
    row = await fetch_one("SELECT status FROM offers WHERE id = $1", offer_id)
    assert row is not None
    return str(row["status"])


async def happens(offer_id: UUID, event: OfferEvent, shop: Shop) -> None:
    async with transaction():
        await offer_lives.happen(owner_of(shop), offer_id, event, NOON)


@pytest.mark.parametrize(("status", "event"), list(product(OfferStatus, OfferEvent)))
async def test_what_the_table_does_not_say_is_refused_and_changes_nothing(
    shop: Shop, status: OfferStatus, event: OfferEvent
) -> None:
    offer_id = await an_offer(shop, status=status)
    if (status, event) in LIVES:
        await happens(offer_id, event, shop)
        after = LIVES[status, event]
        [audited] = await fetch_all("SELECT action, before, after FROM audit_records")
        assert tuple(audited) == (f"offer.{event}", f'{{"status": "{status}"}}', f'{{"status": "{after}"}}')
    else:
        with pytest.raises(OfferStateForbids) as refused:
            await happens(offer_id, event, shop)
        assert refused.value.code == "offer_state_forbids" and refused.value.facts == {"status": status}
        after = status
        assert await fetch_all("SELECT 1 FROM audit_records") == []
    assert await status_of(offer_id) == after


def test_an_event_leads_to_one_state_and_the_end_is_the_end() -> None:
    """`happen` and `_step` rest on it."""
    for table in (
        LIVES,
        {key: after for key, after in STEPS.items() if key[0] is not OfferVersionState.IN_FORCE},
    ):
        for event in OfferEvent:
            assert len({after for (_, each), after in table.items() if each is event}) <= 1
    assert not {OfferStatus.ENDED, OfferStatus.WITHDRAWN} & {before for before, _ in LIVES}


async def test_of_many_things_at_once_one_happens(shop: Shop) -> None:
    offer_id = await an_offer(shop, status=OfferStatus.SUBMITTED)
    events = [OfferEvent.APPROVED, OfferEvent.RECALLED, OfferEvent.SENT_BACK] * 3
    done = await asyncio.gather(*(happens(offer_id, event, shop) for event in events), return_exceptions=True)
    rows = await fetch_all("SELECT before, after FROM audit_records ORDER BY entry")
    assert len(rows) == done.count(None) >= 1
    for row, following in pairwise(rows):
        assert row["after"] == following["before"]


async def test_an_offer_goes_its_whole_way(shop: Shop) -> None:
    owner, admin = owner_of(shop), reviewer()
    offer_id = await a_draft(shop)
    seen = [await status_of(offer_id)]
    await offer_versions.submit(owner, offer_id, NOON)
    seen.append(await status_of(offer_id))
    await offer_versions.approve(admin, offer_id, 1, NOON)
    seen.append(await status_of(offer_id))
    await offer_versions.publish(owner, offer_id, NOON)
    seen.append(await status_of(offer_id))
    coupon = await claimed(await a_citizen(), offer_id)
    await offer_lives.stop(owner, offer_id, OfferEvent.PAUSED, NOON)
    await offer_lives.stop(owner, offer_id, OfferEvent.RESUMED, NOON)
    await offer_lives.stop(owner, offer_id, OfferEvent.ENDED, NOON)
    seen.append(await status_of(offer_id))
    assert seen == ["draft", "submitted", "approved", "published", "ended"]
    assert await redeemed(shop, coupon.id)
    kinds = [row["kind"] for row in await fetch_all("SELECT kind FROM member_notices")]
    assert kinds == ["offer_approved"]


@pytest.mark.parametrize("event", [OfferEvent.PAUSED, OfferEvent.ENDED, OfferEvent.WITHDRAWN])
async def test_stopping_gives_no_new_coupons_and_voids_none(shop: Shop, event: OfferEvent) -> None:
    offer_id = await a_published(shop)
    coupon = await claimed(await a_citizen(), offer_id)
    await offer_lives.stop(owner_of(shop), offer_id, event, NOON)
    with pytest.raises(OfferEnded):
        await claimed(await a_citizen(), offer_id)
    assert await redeemed(shop, coupon.id)


@pytest.mark.parametrize("status", [OfferStatus.DRAFT, OfferStatus.SUBMITTED, OfferStatus.APPROVED])
async def test_what_was_never_published_is_found_by_nobody_who_claims(
    shop: Shop, status: OfferStatus
) -> None:
    offer_id = await an_offer(shop, status=status)
    with pytest.raises(NotFound):
        await claimed(await a_citizen(), offer_id)


async def test_sent_back_with_reasons_that_the_member_reads(shop: Shop) -> None:
    offer_id = await a_draft(shop)
    await offer_versions.submit(owner_of(shop), offer_id, NOON)
    await offer_versions.send_back(reviewer(), offer_id, 1, "标题不清楚", NOON)
    assert (await status_of(offer_id), await states(offer_id)) == ("draft", ["refused", "draft"])
    [notice] = await fetch_all("SELECT kind, facts FROM member_notices WHERE member_id = $1", shop.member_id)
    assert notice["kind"] == "offer_sent_back" and "标题不清楚" in notice["facts"]
    assert "标题不清楚" not in str(await fetch_all("SELECT * FROM audit_records"))
    await offer_drafts.change(owner_of(shop), offer_id, a_proposal(shop, title="八折"), NOON)
    await offer_versions.submit(owner_of(shop), offer_id, NOON)
    await offer_versions.approve(reviewer(), offer_id, 2, NOON)
    assert (await status_of(offer_id), await states(offer_id)) == ("approved", ["refused", "approved"])


async def test_a_version_that_the_reviewer_has_not_read_is_not_approved(shop: Shop) -> None:
    """It was recalled, changed and submitted again meanwhile; the number it had was refused."""
    offer_id = await a_draft(shop)
    await offer_versions.submit(owner_of(shop), offer_id, NOON)
    await offer_versions.send_back(reviewer(), offer_id, 1, "不清楚", NOON)
    await offer_versions.submit(owner_of(shop), offer_id, NOON)
    with pytest.raises(VersionStateForbids):
        await offer_versions.approve(reviewer(), offer_id, 1, NOON)
    assert (await status_of(offer_id), await states(offer_id)) == ("submitted", ["refused", "submitted"])


async def test_what_is_submitted_is_not_changed_any_more(shop: Shop) -> None:
    offer_id = await a_draft(shop)
    await offer_versions.submit(owner_of(shop), offer_id, NOON)
    before = dict(await newest(offer_id))
    with pytest.raises(OfferStateForbids):
        await offer_drafts.change(owner_of(shop), offer_id, a_proposal(shop, percent_off=90), NOON)
    assert dict(await newest(offer_id)) == before


@pytest.mark.parametrize("is_approved", [False, True])
async def test_a_submission_is_taken_back_to_go_on_writing(shop: Shop, *, is_approved: bool) -> None:
    offer_id = await (an_approved(shop) if is_approved else a_draft(shop))
    if not is_approved:
        await offer_versions.submit(owner_of(shop), offer_id, NOON)
    await offer_versions.recall(owner_of(shop), offer_id, NOON)
    row = await newest(offer_id)
    assert (await status_of(offer_id), row["state"], row["submitted_at"], row["decided_by"]) == (
        *("draft", "draft"),
        *(None, None),
    )
    await offer_drafts.change(owner_of(shop), offer_id, a_proposal(shop), NOON)


async def test_nobody_reaches_what_is_not_his(shop: Shop) -> None:
    offer_id, stranger = await an_approved(shop), owner_of(await a_shop())
    for act in (
        offer_versions.recall(stranger, offer_id, NOON),
        offer_versions.publish(stranger, offer_id, NOON),
        offer_lives.stop(stranger, offer_id, OfferEvent.WITHDRAWN, NOON),
        offer_drafts.change(stranger, offer_id, a_proposal(shop), NOON),
        offer_versions.send_back(reviewer("330200"), offer_id, 1, "x", NOON),
        offer_versions.publish(reviewer("330110"), offer_id, NOON),
        offer_versions.publish(owner_of(shop), uuid4(), NOON),
    ):
        with pytest.raises(NotFound):
            await act
    assert (await status_of(offer_id), await states(offer_id)) == ("approved", ["approved"])


@pytest.mark.parametrize(
    ("day", "is_ended"),
    [("2026-04-01 00:00", False), ("2026-04-29 23:59", False), ("2026-05-05 00:00", True)],
)
async def test_an_offer_ends_when_nobody_can_claim_or_use_it(shop: Shop, day: str, *, is_ended: bool) -> None:
    """Claims until 1 April, good for 30 days after that, whoever it is who comes last."""
    offer_id = await an_offer(shop, claim_until=shanghai("2026-04-01 00:00"))
    lasting = await an_offer(shop)
    draft = await an_offer(shop, claim_until=shanghai("2026-04-01 00:00"), status=OfferStatus.DRAFT)
    done = await asyncio.gather(*(offer_lives.end_outlived(shanghai(day)) for _ in range(2)))
    assert (sum(done), await status_of(offer_id)) == ((1, "ended") if is_ended else (0, "published"))
    assert (await status_of(lasting), await status_of(draft)) == ("published", "draft")
    rows = await fetch_all("SELECT actor_kind, action, object_id FROM audit_records")
    assert [tuple(row) for row in rows] == [("system", "offer.ended", str(offer_id))] * is_ended


async def test_older_terms_that_last_longer_keep_an_offer_alive(shop: Shop) -> None:
    offer_id = await an_offer(shop, claim_until=shanghai("2026-04-01 00:00"), valid_days=365)
    await execute(
        "INSERT INTO offer_terms (offer_id, version, title, description, discount_kind, percent_off, uses_total, valid_days,"
        " blackout_dates, store_ids, created_at) SELECT offer_id, 2, title, description, discount_kind, percent_off,"
        " uses_total, 1, blackout_dates, store_ids, created_at FROM offer_terms WHERE offer_id = $1",
        offer_id,
    )
    await execute("UPDATE offers SET terms_id = (SELECT max(id) FROM offer_terms) WHERE id = $1", offer_id)
    assert await offer_lives.end_outlived(NOON + timedelta(days=200)) == 0
    assert await offer_lives.end_outlived(NOON + timedelta(days=500)) == 1
