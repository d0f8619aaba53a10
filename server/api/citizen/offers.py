"""Finding offers, and whether one may claim them."""

import math
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID
from weakref import WeakKeyDictionary

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError, to_json
from sanic import Blueprint, HTTPResponse, Request

from benefits import views
from benefits.offers import CitizenView, OfferView, Position, Search, StoreView, viewer_of
from citizens.ages import CreditSubjectAdult
from citizens.consents import ConsentRequired
from citizens.credit import CreditDesk, IdentityUnverified
from citizens.credit_sources import CreditSourceUnavailable
from common.actors import CitizenActor
from common.clock import local_day, now
from models.enums import Category, LimitPeriod, LookupReason, MemberKind, OfferStatus
from server.api.offer_views import DiscountOut, discount_out
from server.api.store_views import ClosureOut, HoursOut
from server.endpoints import ANY_AGENT, endpoint
from server.errors import CursorInvalid, NotSignedIn
from server.problems import language_of
from server.responses import JsonResponse
from server.schemas import (
    Moment,
    Out,
    Page,
    PageQuery,
    RegionCode,
    decode_cursor,
    encode_cursor,
    left_out_when_none,
)

routes = Blueprint("offers", url_prefix="/offers")

PLACE = r"^-?[0-9]{1,2}(\.[0-9]{1,20})?,-?[0-9]{1,3}(\.[0-9]{1,20})?$"


def _on_earth(text: str) -> str:
    lat, lng = map(float, text.split(","))
    if abs(lat) > 90 or abs(lng) > 180:
        raise PydanticCustomError("invalid", "not a place on earth")
    return text


class OfferQuery(PageQuery):
    """What the list is narrowed by; everything may be left out."""

    category: Category | None = Field(default=None, description="领域 / field")
    region: RegionCode | None = Field(
        default=None, description="行政区划代码，含下级 / GB/T 2260 code, with all below it"
    )
    near: Annotated[str, Field(pattern=PLACE, max_length=64), AfterValidator(_on_earth)] | None = Field(
        default=None, description="纬度,经度：由近到远 / latitude,longitude: nearest first"
    )
    q: Annotated[str, Field(max_length=64)] = Field(default="", description="关键词 / words")
    eligible: bool = Field(default=False, description="只看我能领的 / only what I may claim now")


class MemberOut(Out):
    """Who gives it."""

    id: UUID
    name: str
    kind: MemberKind


class OfferOut(Out):
    """An offer in a list. `valid_from` and `valid_until` are when it can be claimed."""

    id: UUID
    title: str
    category: Category
    programme: str
    member: MemberOut
    discount: DiscountOut
    region: str
    status: OfferStatus
    valid_from: Moment
    valid_until: Moment
    stock_left: int | None
    is_open_to_all: bool
    real_name_level: int = Field(
        description="0 不限，1 手机号，2 实名 / 0 none, 1 a mobile number, 2 a person"
    )
    distance_km: float | None = None


class OfferStoreOut(Out):
    """Where its coupons can be used."""

    id: UUID
    name: str
    address: str
    region: str
    lat: float
    lng: float
    hours: list[HoursOut] | None
    closures: list[ClosureOut]


class OfferRulesOut(Out):
    """The rules in full, for people (`hours`) and programs."""

    min_tier_level: int | None
    per_citizen_limit: int | None
    per_citizen_period: LimitPeriod
    uses_total: int | None
    daily_use_cap: int | None
    use_from: Moment | None
    use_until: Moment | None
    wait_days: int
    valid_days: int | None
    hours: str
    weekdays: list[int]
    open_minute: int
    close_minute: int
    blackout_dates: list[date]
    left_today: int | None
    shows_holder: bool


class ReasonOut(Out):
    """Why not: a stable code and a sentence."""

    code: str
    detail: str


class EligibilityOut(Out):
    """Whether the caller may claim now."""

    eligible: bool
    reasons: list[ReasonOut]


class OfferDetailOut(OfferOut):
    """An offer's page; `eligibility` is there for a signed-in citizen."""

    description: str
    ordinary_path: str | None
    rules: OfferRulesOut
    stores: list[OfferStoreOut]
    eligibility: EligibilityOut | None = left_out_when_none()


@endpoint(
    routes,
    "GET",
    "",
    summary="优惠列表 / Find offers",
    answers={200: Page[OfferOut]},
    refusals=(NotSignedIn,),
    for_agents=ANY_AGENT,
)
async def search(request: Request, actor: CitizenActor | None, query: OfferQuery) -> HTTPResponse:
    """Nearest first with `near`, else newest first; no answer is older than two seconds."""
    at = now()
    if query.eligible and actor is None:
        raise NotSignedIn
    viewer = await _viewer(request, actor, at) if query.eligible and actor else None
    after = decode_cursor(query.cursor, (str, str)) if query.cursor else None
    found, position = await request.app.ctx.catalogue.search(
        _search(query), after and _position(*after), query.limit, viewer, at
    )
    cursor = encode_cursor((repr(position[0]), position[1])) if position else None
    return _page([_item(offer, distance) for offer, distance in found], cursor)


@endpoint(
    routes,
    "GET",
    "/<offer_id>",
    summary="优惠详情 / One offer",
    answers={200: OfferDetailOut},
    for_agents=ANY_AGENT,
)
async def show(request: Request, actor: CitizenActor | None, offer_id: UUID) -> OfferDetailOut:
    """Rules and stores; with a citizen's token also whether he may claim it and, if not, why."""
    at = now()
    offer: OfferView = await request.app.ctx.catalogue.offer(offer_id, at)
    if request.method == "GET":
        views.count(offer_id, request.headers.get("user-agent", ""), at)
    viewer = None
    if actor is not None:
        # What is open to all, or can't be claimed, needs nobody's tier: nobody is looked up for it.
        needs_tier = offer.rules.min_tier_level is not None and offer.is_listed
        viewer = await (_viewer(request, actor, at) if needs_tier else viewer_of(actor.id, at))
    return OfferDetailOut(
        **_offer(offer, None).__dict__,
        description=offer.terms.description,
        ordinary_path=offer.ordinary_path,
        rules=_rules(offer, at, language_of(request)),
        stores=[_store(store, local_day(at)) for store in offer.stores],
        eligibility=_eligibility(offer, viewer, request) if viewer else None,
    )


def _store(store: StoreView, today: date) -> OfferStoreOut:
    # The list is made anew when something changes; a day that is over changes nothing.
    ahead = [closure for closure in store.closures if closure.last_day >= today]
    return OfferStoreOut.model_validate(replace(store, closures=ahead))


async def _viewer(request: Request, actor: CitizenActor, at: datetime) -> CitizenView:
    """What the citizen may claim, exactly: under a consent in force the source is asked where nothing is known.

    When the source does not answer, no tier is made up: he sees the offers that are open to all, and why.
    """
    viewer = await viewer_of(actor.id, at)
    standing = viewer.standing
    if not standing.has_consent or (standing.is_known and not standing.is_due):
        return viewer
    desk: CreditDesk = request.app.ctx.credit_desk
    try:
        snapshot = await desk.tier(actor.id, LookupReason.ELIGIBLE_OFFERS, at)
    except ConsentRequired:
        return _with(viewer, has_consent=False)
    except CreditSubjectAdult:
        return _with(viewer, is_adult=False)
    except IdentityUnverified:
        return _with(viewer, is_identified=False)
    except CreditSourceUnavailable:
        return _with(viewer, is_source_down=True)
    return _with(viewer, tier_level=snapshot.level, data_date=snapshot.data_date)


def _with(viewer: CitizenView, **found: Any) -> CitizenView:
    return replace(viewer, standing=replace(viewer.standing, **found))


def _search(query: OfferQuery) -> Search:
    lat, _, lng = (query.near or "").partition(",")
    near = (float(lat), float(lng)) if query.near else None
    return Search(category=query.category, region=query.region, near=near, text=query.q)


def _position(first: str, offer_id: str) -> Position:
    try:
        position = float(first)
    except ValueError:
        raise CursorInvalid from None
    if math.isnan(position):  # nothing comes before or after it: the first page would come for ever
        raise CursorInvalid
    return position, offer_id


def _offer(offer: OfferView, distance_km: float | None) -> OfferOut:
    return OfferOut(
        id=offer.id,
        title=offer.terms.title,
        category=offer.category,
        programme=offer.programme,
        member=MemberOut(id=offer.member_id, name=offer.member_name, kind=offer.member_kind),
        discount=discount_out(offer.terms),
        region=offer.region,
        status=offer.rules.status,
        valid_from=offer.rules.claim_from,
        valid_until=offer.rules.claim_until,
        stock_left=offer.rules.stock_left,
        is_open_to_all=offer.rules.min_tier_level is None,
        real_name_level=offer.rules.min_real_name_level,
        distance_km=distance_km,
    )


# An offer in the list looks the same to everybody for as long as nothing of it changes: making its JSON anew
# for each of the twenty on a page took nine tenths of the time.
_items: WeakKeyDictionary[OfferView, bytes] = WeakKeyDictionary()


def _item(offer: OfferView, distance_km: float | None) -> bytes:
    if distance_km is not None:
        return to_json(_offer(offer, distance_km))
    kept = _items.get(offer)
    if kept is None:
        kept = _items[offer] = to_json(_offer(offer, None))
    return kept


def _page(items: list[bytes], cursor: str | None) -> HTTPResponse:
    """A `Page[OfferOut]` of items that are JSON already; a test compares it with what the model would write."""
    return JsonResponse(b'{"items":[%b],"next_cursor":%b}' % (b",".join(items), to_json(cursor)), 200)


def _rules(offer: OfferView, at: datetime, language: str) -> OfferRulesOut:
    terms, rules = offer.terms, offer.rules
    return OfferRulesOut(
        min_tier_level=rules.min_tier_level,
        per_citizen_limit=rules.per_citizen_limit,
        per_citizen_period=rules.per_citizen_period,
        uses_total=terms.uses_total,
        daily_use_cap=terms.daily_use_cap,
        use_from=terms.valid_from,
        use_until=terms.valid_until,
        wait_days=terms.wait_days,
        valid_days=terms.valid_days,
        hours=terms.hours_text(local_day(at), language),
        weekdays=[bit + 1 for bit in range(7) if terms.weekday_mask >> bit & 1],
        open_minute=terms.open_minute,
        close_minute=terms.close_minute,
        blackout_dates=sorted(terms.blackout_dates),
        left_today=rules.left_today,
        shows_holder=terms.shows_holder,
    )


def _eligibility(offer: OfferView, viewer: CitizenView, request: Request) -> EligibilityOut:
    reasons = list(viewer.reasons_against(offer, now()))
    language = language_of(request)
    return EligibilityOut(
        eligible=not reasons,
        reasons=[ReasonOut(code=reason.code, detail=reason.sentence(language)) for reason in reasons],
    )
