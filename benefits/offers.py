"""优惠项目 as citizens see them: one list in memory, made anew when something changed, filtered per request.

The list is checked against the database at most once a second and never used when it is older, so that
no answer is staler than two seconds. Counters of stock are read with the same check; the page of a single
offer reads its own at once.
"""

import asyncio
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from benefits.claims import rules_of
from benefits.eligibility import NOBODY, ClaimRules, Standing, period_key, reasons_against
from benefits.terms import Terms, from_row
from common import replica
from common.clock import local_day
from common.database import Row, fetch_one
from common.errors import DomainError, NotFound
from common.replica import FetchAll
from common.shared_statements import SharedStatement
from merchants.opening_hours import Span, spans_of
from models.citizen_enums import RealNameLevel
from models.enums import Category, ClosureReason, MemberKind, OfferStatus
from models.region import subtree_prefix

FRESH_S = 1.0
# What the list is made from may come from a replica that is so far behind: with the second above less than two.
BEHIND_S = 0.8

LIVE = """
SELECT o.status, m.status AS member_status,
       least(s.total - s.issued, (s.budget_fen - s.reserved_fen) / nullif(s.piece_fen, 0)) AS stock_left,
       s.daily_limit - coalesce(d.issued, 0) AS left_today
FROM offers o JOIN members m ON m.id = o.member_id
LEFT JOIN offer_stock s ON s.offer_id = o.id
LEFT JOIN LATERAL (SELECT issued FROM offer_days WHERE offer_id = o.id AND day = $2 LIMIT 1) d ON true
WHERE o.id = $1
"""
EARTH_KM = 6371.0


@dataclass(frozen=True, slots=True)
class ClosureView:
    """Days, both included, on which a store is closed."""

    first_day: date
    last_day: date
    reason: ClosureReason


@dataclass(frozen=True, slots=True)
class StoreView:
    """A store that takes the offer's coupons; `closures` of the days to come, and some that are over."""

    id: UUID
    name: str
    address: str
    region: str
    lat: float
    lng: float
    hours: Sequence[Span] | None = None
    closures: Sequence[ClosureView] = ()

    def km_from(self, lat: float, lng: float) -> float:
        """Great-circle distance in km."""
        there, here = math.radians(self.lat), math.radians(lat)
        arc = (
            math.sin((there - here) / 2) ** 2
            + math.cos(there) * math.cos(here) * math.sin(math.radians(self.lng - lng) / 2) ** 2
        )
        return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, arc)))


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class OfferView:
    """A published, paused or ended offer with all that its page shows; counters as of the last check.

    The same one for as long as nothing of it changes, so that what is made of it can be kept with it.
    """

    id: UUID
    terms: Terms
    rules: ClaimRules
    category: Category
    programme: str
    member_id: UUID
    member_name: str
    member_kind: MemberKind
    region: str
    ordinary_path: str | None
    stores: Sequence[StoreView]
    created_at: datetime
    search_text: str

    @property
    def is_listed(self) -> bool:
        """Only what is published now; ended and paused offers keep their page."""
        return self.rules.status is OfferStatus.PUBLISHED

    def is_in(self, prefix: str) -> bool:
        """Whether it is offered, or can be used, in a region's subtree."""
        return self.region.startswith(prefix) or any(store.region.startswith(prefix) for store in self.stores)

    def km_from(self, lat: float, lng: float) -> float:
        """To the nearest store."""
        return min((store.km_from(lat, lng) for store in self.stores), default=math.inf)


@dataclass(frozen=True, slots=True)
class CitizenView:
    """What is needed to say what a citizen may claim: his standing, and his coupons per offer and period."""

    standing: Standing = NOBODY
    held: Mapping[tuple[UUID, str], int] = field(default_factory=dict)

    def reasons_against(self, offer: OfferView, now: datetime) -> Iterator[DomainError]:
        """Why he may not claim this offer; nothing when he may."""
        held = 0
        if offer.rules.per_citizen_limit is not None and self.held:
            held = self.held.get((offer.id, period_key(offer.rules.per_citizen_period, now)), 0)
        return reasons_against(offer.rules, self.standing, held, now)

    def may_claim(self, offer: OfferView, now: datetime) -> bool:
        """Whether nothing speaks against it."""
        return next(self.reasons_against(offer, now), None) is None


@dataclass(frozen=True, slots=True)
class Search:
    """What a citizen asks the list for; empty fields do not narrow it."""

    category: Category | None = None
    region: str | None = None
    near: tuple[float, float] | None = None
    text: str = ""


EVERYTHING = Search()
Position = tuple[float, str]
Base = dict[UUID, tuple[Row, Terms, Sequence[StoreView]]]
Left = tuple[int | None, int | None]


def _of_pair(pair: tuple[Position, "OfferView"]) -> Position:
    return pair[0]


class Catalogue:
    """The process's list of offers."""

    def __init__(self) -> None:
        self._checked_at = -math.inf
        self._version = -1
        self._base: Base = {}
        self._offers: dict[UUID, OfferView] = {}
        self._newest: Sequence[tuple[Position, OfferView]] = ()
        self._refreshing: asyncio.Task[None] | None = None

    async def offers(self, now: datetime) -> Mapping[UUID, OfferView]:
        """All offers but drafts, no staler than a second."""
        # Whoever joins a check that had begun before he came may have to wait for one more.
        needed = time.monotonic() - FRESH_S
        while self._checked_at < needed:
            await self._refreshed(now)
        return self._offers

    async def _refreshed(self, now: datetime) -> None:
        """One check for all who wait for it: when the database hangs, they are all told at the same time."""
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refresh(now))
            # Whoever waits hears of a failure; when all have hung up, nobody needs to.
            self._refreshing.add_done_callback(lambda task: task.cancelled() or task.exception())
        await asyncio.shield(self._refreshing)

    async def offer(self, offer_id: UUID, now: datetime) -> OfferView:
        """One offer, with its status and counters of this moment: whoever just claimed or gave back looks here.

        Raises:
            NotFound: unknown, or still a draft.
        """
        await self.offers(now)
        known = self._base.get(offer_id)
        live = known and await fetch_one(LIVE, offer_id, local_day(now))
        if not known or not live:
            raise NotFound
        row, terms, stores = known
        return _view({**row, **live}, terms, stores, (live["stock_left"], live["left_today"]))

    async def _refresh(self, now: datetime) -> None:
        asked_at = time.monotonic()
        version, base, stock = await replica.read(lambda fetch: self._read(fetch, local_day(now)), BEHIND_S)
        if version != self._version:
            self._base, self._offers = base, {}
        self._offers = {
            offer_id: self._kept(offer_id, left) or _view(*self._base[offer_id], left)
            for offer_id in self._base
            for left in (stock.get(offer_id, (None, None)),)
        }
        listed = (offer for offer in self._offers.values() if offer.is_listed)
        self._newest = sorted(((_position(offer, EVERYTHING), offer) for offer in listed), key=_of_pair)
        self._version, self._checked_at = version, asked_at

    async def _read(self, fetch_all: FetchAll, day: date) -> tuple[int, Base, dict[UUID, Left]]:
        """The version, what it stands for, and the counters, all from one server."""
        rows = await fetch_all(
            "SELECT v.version, s.offer_id,"
            " least(s.total - s.issued, (s.budget_fen - s.reserved_fen) / nullif(s.piece_fen, 0)) AS stock_left,"
            " s.daily_limit - coalesce(d.issued, 0) AS left_today"
            " FROM catalogue_version v LEFT JOIN offer_stock s ON true"
            " LEFT JOIN LATERAL (SELECT issued FROM offer_days"
            "  WHERE offer_id = s.offer_id AND day = $1 LIMIT 1) d ON true",
            day,
        )
        version = rows[0]["version"]
        base = self._base if version == self._version else await _load_offers(fetch_all, day)
        return version, base, {row["offer_id"]: (row["stock_left"], row["left_today"]) for row in rows}

    def _kept(self, offer_id: UUID, left: Left) -> OfferView | None:
        """The view as it was, if its counters have not moved."""
        kept = self._offers.get(offer_id)
        return kept if kept and (kept.rules.stock_left, kept.rules.left_today) == left else None

    async def search(
        self, search: Search, after: Position | None, limit: int, viewer: CitizenView | None, now: datetime
    ) -> tuple[Sequence[tuple[OfferView, float | None]], Position | None]:
        """A page of listed offers, nearest first where a place is given, else newest first.

        Args:
            after: the position of the last offer of the page before.
            viewer: leaves out what this citizen may not claim now; nothing leaves out nothing.

        Returns:
            offers with their distance in km where a place was given, and the position to go on from.
        """
        await self.offers(now)
        found: Iterable[tuple[Position, OfferView]] = self._newest
        if search != EVERYTHING:
            matching = _matching((offer for _, offer in found), search)
            found = sorted(((_position(offer, search), offer) for offer in matching), key=_of_pair)
        page: list[tuple[Position, OfferView]] = []
        for position, offer in found:
            if after is not None and position <= after:
                continue
            if viewer is not None and not viewer.may_claim(offer, now):
                continue
            if len(page) == limit:
                return _with_distance(page, search), page[-1][0]
            page.append((position, offer))
        return _with_distance(page, search), None


def _matching(offers: Iterable[OfferView], search: Search) -> Iterable[OfferView]:
    words = search.text.casefold().split()
    prefix = subtree_prefix(search.region) if search.region else ""
    return (
        offer
        for offer in offers
        if offer.is_listed
        and (search.category is None or offer.category is search.category)
        and (not prefix or offer.is_in(prefix))
        and all(word in offer.search_text for word in words)
    )


def _position(offer: OfferView, search: Search) -> Position:
    """Where an offer stands in the order asked for; unique, so that a page begins where the last one ended."""
    first = offer.km_from(*search.near) if search.near else -offer.created_at.timestamp()
    return round(first, 6), str(offer.id)


def _with_distance(
    page: Sequence[tuple[Position, OfferView]], search: Search
) -> Sequence[tuple[OfferView, float | None]]:
    return [(offer, position[0] if search.near else None) for position, offer in page]


VIEWER = """
SELECT asked.n, EXISTS (SELECT FROM consents WHERE citizen_id = asked.citizen_id AND purpose = 'credit_check'
                           AND withdrawn_at IS NULL) AS has_consent, t.level, t.data_date,
       coalesce(t.refresh_at <= asked.at, false) AS is_due, coalesce(
           (SELECT 2 FROM natural_persons WHERE citizen_id = asked.citizen_id LIMIT 1),
           (SELECT 1 FROM citizen_phones WHERE citizen_id = asked.citizen_id LIMIT 1), 0) AS real_name_level,
       ARRAY(SELECT offer_id FROM coupons
              WHERE citizen_id = asked.citizen_id AND slot IS NOT NULL ORDER BY id) AS offer_ids,
       ARRAY(SELECT limit_period FROM coupons
              WHERE citizen_id = asked.citizen_id AND slot IS NOT NULL ORDER BY id) AS periods
  FROM unnest($1::uuid[], $2::timestamptz[]) WITH ORDINALITY AS asked (citizen_id, at, n)
  LEFT JOIN LATERAL (SELECT level, data_date, refresh_at FROM tier_snapshots
    WHERE citizen_id = asked.citizen_id AND valid_until > asked.at ORDER BY taken_at DESC LIMIT 1) t ON true
"""
viewers = SharedStatement(VIEWER)


async def viewer_of(citizen_id: UUID, now: datetime) -> CitizenView:
    """A citizen's standing and what he holds, in one statement. Nobody is asked: only a valid snapshot counts."""
    row = await viewers.ask(citizen_id, now)
    assert row is not None
    held: dict[tuple[UUID, str], int] = {}
    for key in zip(row["offer_ids"], row["periods"], strict=True):
        held[key] = held.get(key, 0) + 1
    standing = Standing(
        *(row["has_consent"], row["level"], row["data_date"]),
        is_due=row["is_due"],
        real_name_level=RealNameLevel(row["real_name_level"]),
    )
    return CitizenView(standing, held)


async def _load_offers(fetch_all: FetchAll, day: date) -> Base:
    offers = await fetch_all(
        "SELECT o.*, p.name AS programme, p.category, m.name AS member_name, m.status AS member_status"
        " FROM offers o JOIN programmes p ON p.code = o.programme_id JOIN members m ON m.id = o.member_id"
        " WHERE o.status IN ('published', 'paused', 'ended', 'withdrawn')"
    )
    terms = {
        row["id"]: from_row(row)
        for row in await fetch_all("SELECT t.* FROM offer_terms t JOIN offers o ON o.terms_id = t.id")
    }
    closures: dict[UUID, list[ClosureView]] = {}
    for row in await fetch_all(
        "SELECT store_id, first_day, last_day, reason FROM store_closures"
        " WHERE last_day >= $1 AND withdrawn_at IS NULL ORDER BY last_day",
        day,
    ):
        closure = ClosureView(row["first_day"], row["last_day"], ClosureReason(row["reason"]))
        closures.setdefault(row["store_id"], []).append(closure)
    stores = {
        row["id"]: _store(row, closures.get(row["id"], ()))
        for row in await fetch_all("SELECT * FROM stores WHERE is_active")
    }
    return {
        row["id"]: (
            row,
            terms[row["terms_id"]],
            sorted(
                (stores[store_id] for store_id in terms[row["terms_id"]].store_ids if store_id in stores),
                key=lambda store: store.name,
            ),
        )
        for row in offers
        if row["terms_id"] in terms
    }


def _store(row: Row, closures: Sequence[ClosureView]) -> StoreView:
    place = row["region_id"], row["lat"], row["lng"]
    return StoreView(row["id"], row["name"], row["address"], *place, spans_of(row["hours"]), closures)


def _view(
    row: Row | Mapping[str, Any],
    terms: Terms,
    stores: Sequence[StoreView],
    left: Left,
) -> OfferView:
    text = f"{terms.title} {terms.description} {row['programme']} {row['member_name']}"
    return OfferView(
        id=row["id"],
        terms=terms,
        rules=rules_of({**row, "stock_left": left[0], "left_today": left[1], "use_until": terms.valid_until}),
        category=Category(row["category"]),
        programme=row["programme"],
        member_id=row["member_id"],
        member_name=row["member_name"],
        member_kind=MemberKind(row["member_kind"]),
        region=row["region_id"],
        ordinary_path=row["ordinary_path"],
        stores=stores,
        created_at=row["created_at"],
        search_text=text.casefold(),
    )
