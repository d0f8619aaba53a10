"""Offers: their terms as plain values, and published ones in the database."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from benefits.terms import Terms
from common.database import execute, fetch_one
from models import Offer, OfferStock, OfferTerms
from models.enums import DiscountKind, LimitPeriod, MemberKind, OfferStatus
from tests.factories.members import Shop
from tests.factories.moments import NOON, shanghai

STORE = UUID("00000000-0000-4000-8000-000000000001")
OFFER_COLUMNS = frozenset(
    {
        *(
            "min_tier_level",
            "min_real_name_level",
            "claim_from",
            "claim_until",
            "per_citizen_limit",
            "per_citizen_period",
        ),
        *("region_id", "status", "member_kind", "ordinary_path", "programme_id"),
    }
)
DEFAULT_TERMS: dict[str, Any] = {
    "title": "全场八折",
    "description": "出示券码享八折。",
    "discount_kind": DiscountKind.PERCENT_OFF,
    "percent_off": 20,
    "uses_total": 1,
    "valid_days": 30,
}


def some_terms(**changes: Any) -> Terms:
    """Terms as plain values: 20 % off, one use, 30 days, always open, valid at `STORE`."""
    values = {"id": 1, "offer_id": uuid4(), "daily_use_cap": None, "store_ids": frozenset({STORE})}
    return Terms(**{**values, **DEFAULT_TERMS, **changes})


async def an_offer(
    shop: Shop, *, total: int | None = None, daily_limit: int | None = None, **changes: Any
) -> UUID:
    """A published offer of a shop, open to all and without limits; `changes` are columns of it or of its terms."""
    offer_id = uuid4()
    offer = {name: value for name, value in changes.items() if name in OFFER_COLUMNS}
    terms = {name: value for name, value in changes.items() if name not in OFFER_COLUMNS}
    status = offer.pop("status", OfferStatus.PUBLISHED)
    defaults = {
        "programme_id": "xinyi_gou",
        "member_kind": MemberKind.MERCHANT,
        "region_id": "330106",
        "claim_from": shanghai("2026-01-01 00:00"),
        "claim_until": shanghai("2099-12-31 00:00"),
        "per_citizen_period": LimitPeriod.EVER,
    }
    await Offer.create(
        id=offer_id,
        member_id=shop.member_id,
        status=OfferStatus.DRAFT,
        created_at=NOON,
        **{**defaults, **offer},
    )
    await new_terms(offer_id, **{"store_ids": [shop.store_id, shop.second_store_id], **terms})
    if total is not None or daily_limit is not None:
        await OfferStock.create(offer_id=offer_id, total=total, daily_limit=daily_limit, issued=0)
    await execute("UPDATE offers SET status = $2 WHERE id = $1", offer_id, status)
    return offer_id


async def new_terms(offer_id: UUID, **terms: Any) -> int:
    """Give an offer its next version of terms; what is not named stays the default."""
    row = await fetch_one(
        "SELECT coalesce(max(version), 0) + 1 AS version FROM offer_terms WHERE offer_id = $1", offer_id
    )
    assert row is not None
    values = {
        **DEFAULT_TERMS,
        "blackout_dates": [],
        "weekday_mask": 127,
        "open_minute": 0,
        "close_minute": 1440,
    }
    values |= {"wait_days": 0, "is_client_renewal_allowed": True, **terms}
    made = await OfferTerms.create(offer_id=offer_id, version=row["version"], created_at=NOON, **values)
    await execute("UPDATE offers SET terms_id = $2 WHERE id = $1", offer_id, made.id)
    return made.id


async def stock_of(offer_id: UUID) -> Mapping[str, int]:
    """`issued` and `total` of a limited offer as they stand."""
    row = await fetch_one("SELECT issued, total, daily_limit FROM offer_stock WHERE offer_id = $1", offer_id)
    assert row is not None
    return row


async def issued_on(offer_id: UUID, day: Any) -> int:
    """What one day has given out, 0 when it has no row."""
    row = await fetch_one("SELECT issued FROM offer_days WHERE offer_id = $1 AND day = $2", offer_id, day)
    return row["issued"] if row else 0
