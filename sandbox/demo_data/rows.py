"""The rows that the entries of offers become, and the ids that rows of the demo data have."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID, uuid5

from common.clock import end_of, start_of
from models import Offer, OfferStock, OfferTerms
from models.enums import LimitPeriod, MemberKind, OfferStatus
from models.region import subtree_prefix
from sandbox.demo_data.entries import BlackoutEntry, MemberEntry, OfferEntry, StockEntry, StoreEntry

NAMESPACE = UUID("5d0c3c0e-3f51-4c7b-9a53-0c8c1f6b9a21")
# The last day of an offer that is meant to go on.
LONG_TERM = date(2099, 12, 31)
# "Every year" in the demo data means these.
BLACKOUT_YEARS = range(2026, 2036)


def demo_id(kind: str, name: str) -> UUID:
    """The id of a demo row, the same in every database: `demo_id("member", "hz-hupan")`."""
    return uuid5(NAMESPACE, f"{kind}/{name}")


def offer_row(entry: OfferEntry, member: MemberEntry, at: datetime) -> Offer:
    """The offer as a draft: it is published once its terms are there."""
    return Offer(
        id=demo_id("offer", entry.slug),
        programme_id=entry.programme,
        member_id=demo_id("member", member.slug),
        member_kind=member.kind,
        region_id=_common_region(_stores(entry, member)),
        status=OfferStatus.DRAFT,
        min_tier_level=entry.min_tier_level,
        ordinary_path=entry.ordinary_path if member.kind is MemberKind.PUBLIC_UNIT else None,
        claim_from=start_of(entry.claim_from),
        claim_until=end_of(entry.claim_until or entry.validity.last or LONG_TERM),
        per_citizen_limit=entry.limit.count if entry.limit else None,
        per_citizen_period=entry.limit.period if entry.limit else LimitPeriod.EVER,
        created_at=at,
    )


def terms_row(entry: OfferEntry, member: MemberEntry, at: datetime) -> OfferTerms:
    """The first version of what a coupon of the offer gives."""
    validity = entry.validity
    return OfferTerms(
        offer_id=demo_id("offer", entry.slug),
        version=1,
        discount_kind=entry.discount.kind,
        **entry.discount.model_dump(exclude={"kind"}),
        **entry.model_dump(
            include={"title", "description", "uses_total", "daily_use_cap", "is_client_renewal_allowed"}
        ),
        valid_from=start_of(validity.first) if validity.first else None,
        valid_until=end_of(validity.last) if validity.last else None,
        valid_days=validity.days,
        wait_days=validity.wait_days,
        weekday_mask=sum(1 << weekday - 1 for weekday in entry.weekdays),
        open_minute=_minutes(entry.hours[0]),
        close_minute=_minutes(entry.hours[1]),
        blackout_dates=_blackout_dates(entry.blackout),
        store_ids=[demo_id("store", store.slug) for store in _stores(entry, member)],
        created_at=at,
    )


def stock_row(entry: OfferEntry, stock: StockEntry) -> OfferStock:
    """The pieces of a limited offer, none of them issued."""
    return OfferStock(
        offer_id=demo_id("offer", entry.slug), total=stock.total, daily_limit=stock.daily_limit, issued=0
    )


def _stores(entry: OfferEntry, member: MemberEntry) -> list[StoreEntry]:
    return [store for store in member.stores if entry.stores is None or store.slug in entry.stores]


def _common_region(stores: Sequence[StoreEntry]) -> str:
    """The smallest region that all the stores are in."""
    county = stores[0].region
    regions = (county, f"{county[:4]}00", f"{county[:2]}0000")
    return next(
        region
        for region in regions
        if all(store.region.startswith(subtree_prefix(region)) for store in stores)
    )


def _minutes(clock_time: str) -> int:
    hours, minutes = clock_time.split(":")
    return int(hours) * 60 + int(minutes)


def _blackout_dates(entry: BlackoutEntry) -> list[date]:
    yearly = [date.fromisoformat(f"{year}-{day}") for year in BLACKOUT_YEARS for day in entry.every_year]
    return sorted({*yearly, *entry.dates})
