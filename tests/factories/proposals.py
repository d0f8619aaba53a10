"""What members propose, and offers that have come some way of their lives."""

from typing import Any
from uuid import UUID, uuid4

from benefits import offer_drafts, offer_versions, share_consents
from benefits.proposals import Proposal
from common.actors import AdminActor, MemberActor
from common.database import fetch_all, fetch_one
from common.files import Content
from models import stored_files
from models.enums import DiscountKind
from models.office_enums import FilePurpose
from tests.factories.members import Shop
from tests.factories.moments import NOON, shanghai


def owner_of(shop: Shop) -> MemberActor:
    """Its manager, acting for the member."""
    return MemberActor(shop.manager.id, uuid4(), shop.member_id, "manager")


def unit_of(unit_id: UUID) -> MemberActor:
    """An owner of a public unit that has no staff of its own in the test."""
    return MemberActor(uuid4(), uuid4(), unit_id, "owner")


def reviewer(region: str = "330100") -> AdminActor:
    """A reviewer and operator of a region."""
    return AdminActor(uuid4(), uuid4(), ("reviewer", "operator"), region)


def a_proposal(shop: Shop, **changes: Any) -> Proposal:
    """20 % off at most 50 yuan, one use, 30 days, at both stores, open to all, without limits."""
    values: dict[str, Any] = {
        "programme": "xinyi_gou",
        "region": "330106",
        "title": "全场八折",
        "description": "出示券码享八折。",
        "discount_kind": DiscountKind.PERCENT_OFF,
        "percent_off": 20,
        "cap_fen": 5_000,
        "store_ids": [shop.store_id, shop.second_store_id],
        "claim_from": shanghai("2026-01-01 00:00"),
        "claim_until": shanghai("2099-12-31 00:00"),
        "valid_days": 30,
    }
    return Proposal(**{**values, **changes})


async def some_evidence(shop: Shop) -> UUID:
    """A stored file that shows a list price; its content is nowhere."""
    content = Content("application/pdf", 5, "0" * 64)
    return await stored_files.add(FilePurpose.PRICE_EVIDENCE, shop.member_id, "价目表.pdf", content, NOON)


async def a_draft(shop: Shop, **changes: Any) -> UUID:
    """An offer that its member has begun."""
    return await offer_drafts.create(owner_of(shop), a_proposal(shop, **changes), NOON)


async def an_approved(shop: Shop, **changes: Any) -> UUID:
    """An offer that was submitted and approved."""
    offer_id = await a_draft(shop, **changes)
    await approved(shop, offer_id)
    return offer_id


async def approved(shop: Shop, offer_id: UUID, at: Any = NOON) -> None:
    """Submit what is in draft and approve it; a public unit that is to pay agrees."""
    await offer_versions.submit(owner_of(shop), offer_id, at)
    for asked in await asked_of(offer_id):
        if asked["state"] == "waiting":
            await share_consents.agree(unit_of(asked["unit_id"]), asked["id"], at)
    await offer_versions.approve(reviewer(), offer_id, (await newest(offer_id))["number"], at)


async def a_published(shop: Shop, **changes: Any) -> UUID:
    """An offer that went the whole way."""
    offer_id = await an_approved(shop, **changes)
    await offer_versions.publish(owner_of(shop), offer_id, NOON)
    return offer_id


async def renewed(shop: Shop, offer_id: UUID, at: Any = NOON, **changes: Any) -> None:
    """Propose a change of what is published, have it approved, and publish it."""
    await offer_drafts.change(owner_of(shop), offer_id, a_proposal(shop, **changes), at)
    await approved(shop, offer_id, at)
    await offer_versions.publish(owner_of(shop), offer_id, at)


async def newest(offer_id: UUID) -> Any:
    """The offer's newest version."""
    return await fetch_one(
        "SELECT * FROM offer_versions WHERE offer_id = $1 ORDER BY number DESC LIMIT 1", offer_id
    )


async def asked_of(offer_id: UUID) -> list[Any]:
    """What public units were asked about it, oldest first."""
    rows = await fetch_all(
        "SELECT c.* FROM share_consents c JOIN offer_versions v ON v.id = c.version_id WHERE v.offer_id = $1 ORDER BY c.id",
        offer_id,
    )
    return [*rows]


async def states(offer_id: UUID) -> list[str]:
    """The states of all its versions, oldest first."""
    rows = await fetch_all("SELECT state FROM offer_versions WHERE offer_id = $1 ORDER BY number", offer_id)
    return [row["state"] for row in rows]
