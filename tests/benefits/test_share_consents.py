"""No public unit pays for another member's discounts unasked: it agrees to exactly what was submitted, or nothing happens."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from alliance import budget_changes
from benefits import (
    budgets,
    offer_changes,
    offer_drafts,
    offer_lives,
    offer_reviews,
    offer_versions,
    share_consents,
)
from benefits.offer_lives import OfferEvent
from benefits.offer_versions import VersionStateForbids
from benefits.share_consents import RaiseNotAgreed, ShareConsentStateForbids, ShareNotAgreed
from common.actors import MemberActor
from common.database import execute, fetch_all
from common.errors import NotFound
from models.enums import MemberKind, ShareConsentState
from tests.factories.members import Shop, a_member, a_shop, suspend
from tests.factories.moments import NOON
from tests.factories.proposals import (
    a_draft,
    a_proposal,
    a_published,
    an_approved,
    asked_of,
    newest,
    owner_of,
    renewed,
    reviewer,
    states,
    unit_of,
)


@pytest.fixture
async def unit() -> MemberActor:
    return unit_of(await a_member(MemberKind.PUBLIC_UNIT))


def paid_by(unit: MemberActor, share: int = 20) -> dict[str, Any]:
    return {"public_unit_share": share, "public_unit_id": unit.member_id}


async def submitted(shop: Shop, unit: MemberActor, **changes: Any) -> UUID:
    offer_id = await a_draft(shop, **paid_by(unit), **changes)
    await offer_versions.submit(owner_of(shop), offer_id, NOON)
    return offer_id


async def approve(offer_id: UUID) -> None:
    await offer_versions.approve(reviewer(), offer_id, (await newest(offer_id))["number"], NOON)


async def waiting_for(unit: MemberActor) -> list[UUID]:
    rows = await share_consents.of_unit(unit, ShareConsentState.WAITING, None, 10)
    return [row["id"] for row in rows]


async def told(member_id: UUID) -> list[str]:
    sql = "SELECT kind FROM member_notices WHERE member_id = $1 ORDER BY id"
    return [row["kind"] for row in await fetch_all(sql, member_id)]


async def test_nothing_is_approved_before_the_unit_agrees(shop: Shop, unit: MemberActor) -> None:
    offer_id = await submitted(shop, unit)
    before = await fetch_all("SELECT action FROM audit_records")
    with pytest.raises(ShareNotAgreed):
        await approve(offer_id)
    assert await states(offer_id) == ["submitted"]
    assert await fetch_all("SELECT action FROM audit_records") == before
    [waiting] = await share_consents.of_unit(unit, ShareConsentState.WAITING, None, 10)
    assert (waiting["offer_id"], waiting["member_id"], waiting["title"]) == (
        offer_id,
        shop.member_id,
        "全场八折",
    )
    assert (waiting["public_unit_share"], waiting["claim_until"].year) == (20, 2099)
    assert await told(unit.member_id) == ["offer_share_asked"]
    await share_consents.agree(unit, waiting["id"], NOON)
    assert await waiting_for(unit) == []
    await approve(offer_id)
    assert await states(offer_id) == ["approved"]
    assert await told(shop.member_id) == ["offer_share_agreed", "offer_approved"]


async def test_the_answer_is_audited_with_what_was_agreed_to(shop: Shop, unit: MemberActor) -> None:
    offer_id = await submitted(shop, unit, stock_total=7, budget_fen=50_000)
    [asked] = await asked_of(offer_id)
    await share_consents.agree(unit, asked["id"], NOON)
    [record] = await fetch_all("SELECT * FROM audit_records WHERE action = 'offer.share_agreed'")
    assert (record["actor_id"], record["object_id"], record["region_id"]) == (
        unit.id,
        str(offer_id),
        "330106",
    )
    assert '"budget_fen": 50000' in record["after"] and '"stock_total": 7' in record["after"]
    [agreed] = await asked_of(offer_id)
    assert (agreed["state"], agreed["decided_by"], agreed["decided_at"]) == ("agreed", unit.id, NOON)


async def test_a_refusal_is_final_for_this_version_and_its_reason_is_read(
    shop: Shop, unit: MemberActor
) -> None:
    offer_id = await submitted(shop, unit)
    [asked] = await asked_of(offer_id)
    await share_consents.refuse(unit, asked["id"], "今年没有经费", NOON)
    with pytest.raises(ShareConsentStateForbids):
        await share_consents.agree(unit, asked["id"], NOON)
    with pytest.raises(ShareNotAgreed):
        await approve(offer_id)
    [notice] = await fetch_all("SELECT kind, facts FROM member_notices WHERE member_id = $1", shop.member_id)
    assert notice["kind"] == "offer_share_refused" and "今年没有经费" in notice["facts"]
    assert "今年没有经费" not in str(await fetch_all("SELECT * FROM audit_records"))
    [version] = (await offer_reviews.story_of(reviewer(), offer_id)).versions
    assert (version.row["share_consent"], version.row["share_consent_reason"]) == ("refused", "今年没有经费")
    # Sent back and submitted as it was, it is asked once more: the office has decided in between.
    await offer_versions.send_back(reviewer(), offer_id, 1, "请与出资单位商定", NOON)
    await offer_versions.submit(owner_of(shop), offer_id, NOON)
    assert [row["state"] for row in await asked_of(offer_id)] == ["refused", "waiting"]


@pytest.mark.parametrize(
    "change", [{"percent_off": 30}, {"public_unit_share": 21}, {"budget_fen": 9_000_000}, {}]
)
async def test_what_is_saved_anew_is_asked_anew(
    shop: Shop, unit: MemberActor, change: dict[str, Any]
) -> None:
    """The number of the version stays the same: the consent is to its terms."""
    offer_id = await submitted(shop, unit, budget_fen=50_000)
    [first] = await asked_of(offer_id)
    await share_consents.agree(unit, first["id"], NOON)
    await offer_versions.recall(owner_of(shop), offer_id, NOON)
    proposal = a_proposal(shop, **{**paid_by(unit), "budget_fen": 50_000, **change})
    await offer_drafts.change(owner_of(shop), offer_id, proposal, NOON)
    await offer_versions.submit(owner_of(shop), offer_id, NOON)
    with pytest.raises(ShareNotAgreed):
        await approve(offer_id)
    [second] = await waiting_for(unit)
    assert second != first["id"]
    assert await told(unit.member_id) == ["offer_share_asked"] * 2
    await share_consents.agree(unit, second, NOON)
    await approve(offer_id)


async def test_recalled_and_submitted_as_it_was_keeps_its_answer(shop: Shop, unit: MemberActor) -> None:
    offer_id = await submitted(shop, unit)
    await share_consents.agree(unit, (await waiting_for(unit))[0], NOON)
    await offer_versions.recall(owner_of(shop), offer_id, NOON)
    await offer_versions.submit(owner_of(shop), offer_id, NOON)
    await approve(offer_id)
    assert await told(unit.member_id) == ["offer_share_asked"]


async def test_what_is_not_submitted_any_more_can_not_be_answered(shop: Shop, unit: MemberActor) -> None:
    recalled, withdrawn = [await submitted(shop, unit) for _ in range(2)]
    await offer_versions.recall(owner_of(shop), recalled, NOON)
    await offer_lives.stop(owner_of(shop), withdrawn, OfferEvent.WITHDRAWN, NOON)
    assert await waiting_for(unit) == []
    for offer_id in (recalled, withdrawn):
        [asked] = await asked_of(offer_id)
        with pytest.raises(ShareConsentStateForbids):
            await share_consents.agree(unit, asked["id"], NOON)


async def test_only_the_unit_that_is_named_answers(shop: Shop, unit: MemberActor) -> None:
    [asked] = await asked_of(await submitted(shop, unit))
    stranger = unit_of(await a_member(MemberKind.PUBLIC_UNIT))
    for actor in (stranger, owner_of(shop)):
        with pytest.raises(NotFound):
            await share_consents.agree(actor, asked["id"], NOON)
        with pytest.raises(NotFound):
            await share_consents.refuse(actor, asked["id"], "不行", NOON)
        assert await waiting_for(actor) == []
    with pytest.raises(NotFound):
        await share_consents.agree(unit, uuid4(), NOON)


async def test_a_suspended_unit_takes_on_nothing_and_may_refuse(shop: Shop, unit: MemberActor) -> None:
    [asked] = await asked_of(await submitted(shop, unit))
    await suspend(unit.member_id)
    with pytest.raises(ShareConsentStateForbids):
        await share_consents.agree(unit, asked["id"], NOON)
    await share_consents.refuse(unit, asked["id"], "暂停中", NOON)


@pytest.mark.usefixtures("database")
async def test_a_unit_that_pays_for_its_own_offer_is_not_asked() -> None:
    own = await a_shop(MemberKind.PUBLIC_UNIT)
    shares = {"public_unit_share": 100, "public_unit_id": own.member_id, "ordinary_path": "窗口照常办理"}
    offer_id = await a_draft(own, **shares)
    await offer_versions.submit(owner_of(own), offer_id, NOON)
    assert await asked_of(offer_id) == []
    await approve(offer_id)


async def test_what_changes_a_published_offer_is_agreed_to_as_well(shop: Shop, unit: MemberActor) -> None:
    offer_id = await a_published(shop)
    await renewed(shop, offer_id, **paid_by(unit, 10))
    await offer_drafts.change(owner_of(shop), offer_id, a_proposal(shop, **paid_by(unit, 90)), NOON)
    await offer_versions.submit(owner_of(shop), offer_id, NOON)
    with pytest.raises(ShareNotAgreed):
        await approve(offer_id)
    story = await offer_reviews.story_of(reviewer(), offer_id)
    assert [version.row["share_consent"] for version in story.versions] == ["waiting", "agreed", None]
    [line] = await offer_reviews.queue(reviewer(), "submitted", None, 10)  # type: ignore[arg-type]
    assert line["share_consent"] == "waiting"


@pytest.mark.parametrize(
    "raised", [{"budget_fen": 50_001}, {"budget_fen": None}, {"total": 8}, {"total": None}]
)
async def test_what_was_raised_after_the_answer_is_not_agreed_to(
    shop: Shop, unit: MemberActor, raised: dict[str, int | None]
) -> None:
    offer_id = await submitted(shop, unit, stock_total=7, budget_fen=50_000)
    await share_consents.agree(unit, (await waiting_for(unit))[0], NOON)
    [(name, value)] = raised.items()
    await execute(f"UPDATE offer_stock SET {name} = $2 WHERE offer_id = $1", offer_id, value)
    with pytest.raises(ShareNotAgreed):
        await approve(offer_id)
    await execute("UPDATE offer_stock SET budget_fen = 49999, total = 6 WHERE offer_id = $1", offer_id)
    await approve(offer_id)


async def test_a_version_that_nobody_submitted_is_not_told_from_others(shop: Shop, unit: MemberActor) -> None:
    offer_id = await submitted(shop, unit)
    with pytest.raises(VersionStateForbids):
        await offer_versions.approve(reviewer(), offer_id, 2, NOON)


async def test_of_many_answers_at_once_one_counts(shop: Shop, unit: MemberActor) -> None:
    offer_id = await submitted(shop, unit)
    [asked] = await asked_of(offer_id)
    done = await asyncio.gather(
        *(share_consents.agree(unit, asked["id"], NOON) for _ in range(3)),
        *(share_consents.refuse(unit, asked["id"], "不行", NOON) for _ in range(3)),
        return_exceptions=True,
    )
    assert done.count(None) == 1
    assert [type(each) for each in done].count(ShareConsentStateForbids) == 5
    [answered] = await asked_of(offer_id)
    audited = await fetch_all("SELECT action FROM audit_records WHERE action LIKE 'offer.share%'")
    assert [row["action"] for row in audited] == [f"offer.share_{answered['state']}"]


@pytest.mark.parametrize("way", ["approved", "published"])
async def test_the_office_raises_nothing_beyond_what_was_agreed_to(
    shop: Shop, unit: MemberActor, way: str
) -> None:
    make = an_approved if way == "approved" else a_published
    offer_id = await make(shop, **paid_by(unit), stock_total=7, budget_fen=50_000)
    for to_fen in (50_001, None):
        with pytest.raises(RaiseNotAgreed) as refused:
            await budgets.set_budget(reviewer(), offer_id, 50_000, to_fen, NOON)
        assert refused.value.facts == {"most": 50_000}
        with pytest.raises(RaiseNotAgreed):
            await budget_changes.change(reviewer(), offer_id, (50_000, to_fen), "更多人来", NOON)
    with pytest.raises(RaiseNotAgreed):
        await offer_changes.set_stock(reviewer(), offer_id, 8, NOON)
    await budgets.set_budget(reviewer(), offer_id, 50_000, 10_000, NOON)
    await budgets.set_budget(reviewer(), offer_id, 10_000, 50_000, NOON)
    await offer_changes.set_stock(reviewer(), offer_id, 6, NOON)
    await offer_changes.set_stock(reviewer(), offer_id, 7, NOON)


async def test_a_raise_that_has_begun_keeps_an_approval_waiting(
    shop: Shop, unit: MemberActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The unit agrees just after the raise has looked: the approval sees the new budget, and not the one before."""
    offer_id = await submitted(shop, unit, budget_fen=50_000)
    has_looked, may_go_on, look = asyncio.Event(), asyncio.Event(), share_consents.must_be_agreed

    async def look_and_wait(*values: Any) -> None:
        await look(*values)
        has_looked.set()
        await may_go_on.wait()

    monkeypatch.setattr(share_consents, "must_be_agreed", look_and_wait)
    raised = asyncio.create_task(budgets.set_budget(reviewer(), offer_id, 50_000, 60_000, NOON))
    await has_looked.wait()
    await share_consents.agree(unit, (await waiting_for(unit))[0], NOON)
    approved = asyncio.create_task(approve(offer_id))
    await asyncio.wait([approved], timeout=0.2)
    may_go_on.set()
    assert await raised is None
    with pytest.raises(ShareNotAgreed):
        await approved
