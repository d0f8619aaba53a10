"""A member's stores: opened, changed, closed for some days or for good."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sanic import Blueprint

from common.actors import MemberActor
from common.clock import now
from common.database import Row
from merchants import store_closures, stores
from merchants.opening_hours import HoursInvalid, spans_of
from merchants.regions import RegionUnknown
from merchants.store_closures import ClosureInvalid, TooManyClosures
from merchants.stores import PositionOutside, StoreFacts, TooManyStores
from models.enums import ClosureReason
from server.api.store_views import HoursIn, HoursOut
from server.endpoints import Answer, endpoint
from server.schemas import In, Moment, Out, Page, PageQuery, RegionCode, decode_cursor, page_of

routes = Blueprint("member_stores", url_prefix="/stores")

Text = Annotated[str, Field(min_length=1, pattern=r"\S")]


class StoreIn(In):
    """What citizens see of a store. Coordinates are WGS 84 degrees, as a phone's receiver has them;
    a position outside of the province is refused."""

    name: Annotated[Text, Field(max_length=128)]
    address: Annotated[Text, Field(max_length=256)]
    region: RegionCode = Field(description="县级行政区划代码 / a county's code")
    lat: Annotated[float, Field(ge=-90, le=90)]
    lng: Annotated[float, Field(ge=-180, le=180)]
    hours: Annotated[list[HoursIn], Field(max_length=56)] | None = None

    def facts(self) -> StoreFacts:
        """The plain values."""
        hours = None if self.hours is None else [span.as_span() for span in self.hours]
        return StoreFacts(self.name, self.address, self.region, self.lat, self.lng, hours)


class StoreMadeOut(Out):
    """The new store."""

    id: UUID


class MemberStoreOut(Out):
    """A store; one that is not active is closed for good. No hours: nobody has told them."""

    id: UUID
    name: str
    address: str
    region: str
    lat: float
    lng: float
    hours: list[HoursOut] | None
    is_active: bool


class ClosureIn(In):
    """The first and the last day, in Asia/Shanghai, and why."""

    first_day: date
    last_day: date
    reason: ClosureReason


class ClosureMadeOut(Out):
    """The new closure."""

    id: UUID


class MemberClosureOut(Out):
    """Days on which the store is closed, both included; one that was withdrawn is not."""

    id: UUID
    first_day: date
    last_day: date
    reason: ClosureReason
    made_at: Moment
    withdrawn_at: Moment | None


def _store(row: Row) -> MemberStoreOut:
    return MemberStoreOut.model_validate({**row, "region": row["region_id"], "hours": spans_of(row["hours"])})


@endpoint(
    routes,
    "GET",
    "",
    summary="门店列表 / The member's stores",
    answers={200: Page[MemberStoreOut]},
    may="store.read",
)
async def listed(actor: MemberActor, query: PageQuery) -> Page[MemberStoreOut]:
    """All of them, by id."""
    after = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await stores.listed(actor, after, query.limit + 1)
    return page_of(Page[MemberStoreOut], rows, query.limit, _store, lambda row: (row["id"],))


@endpoint(
    routes,
    "POST",
    "",
    summary="新增门店 / Open a store",
    answers={201: StoreMadeOut},
    refusals=(RegionUnknown, HoursInvalid, PositionOutside, TooManyStores),
    may="store.create",
)
async def create(actor: MemberActor, body: StoreIn) -> Answer:
    """In whatever county it stands. Offers name their stores: it takes no coupons before one names it."""
    return Answer(201, StoreMadeOut(id=await stores.create(actor, body.facts(), now())))


@endpoint(
    routes,
    "GET",
    "/<store_id>",
    summary="一家门店 / One store",
    answers={200: MemberStoreOut},
    may="store.read",
)
async def show(actor: MemberActor, store_id: UUID) -> MemberStoreOut:
    """As citizens see it."""
    return _store(await stores.one(actor, store_id))


@endpoint(
    routes,
    "PUT",
    "/<store_id>",
    summary="修改门店 / Change a store",
    answers={204: None},
    refusals=(RegionUnknown, HoursInvalid, PositionOutside),
    may="store.change",
)
async def change(actor: MemberActor, store_id: UUID, body: StoreIn) -> None:
    """Everything anew; shows with its offers within two seconds."""
    await stores.change(actor, store_id, body.facts(), now())


@endpoint(
    routes,
    "POST",
    "/<store_id>/closing",
    summary="关闭门店 / Close a store for good",
    answers={204: None},
    may="store.close",
)
async def close(actor: MemberActor, store_id: UUID) -> None:
    """Nothing is redeemed there from now on; it is not opened again."""
    await stores.close(actor, store_id, now())


@endpoint(
    routes,
    "GET",
    "/<store_id>/closures",
    summary="暂停营业记录 / A store's closures",
    answers={200: Page[MemberClosureOut]},
    may="store.read",
)
async def closures(actor: MemberActor, store_id: UUID, query: PageQuery) -> Page[MemberClosureOut]:
    """Newest first, those over and withdrawn too."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await store_closures.listed(actor, store_id, before, query.limit + 1)
    return page_of(
        Page[MemberClosureOut],
        rows,
        query.limit,
        lambda row: MemberClosureOut.model_validate(dict(row)),
        lambda row: (row["id"],),
    )


@endpoint(
    routes,
    "POST",
    "/<store_id>/closures",
    summary="暂停营业 / Close for some days",
    answers={201: ClosureMadeOut},
    refusals=(ClosureInvalid, TooManyClosures),
    may="store.set_closures",
)
async def add_closure(actor: MemberActor, store_id: UUID, body: ClosureIn) -> Answer:
    """Citizens see it with the offers; who stands in the store all the same is served. A manager: for his stores."""
    days = body.first_day, body.last_day
    return Answer(201, ClosureMadeOut(id=await store_closures.add(actor, store_id, days, body.reason, now())))


@endpoint(
    routes,
    "DELETE",
    "/<store_id>/closures/<closure_id>",
    summary="撤回暂停营业 / Withdraw a closure",
    answers={204: None},
    may="store.set_closures",
)
async def withdraw_closure(actor: MemberActor, store_id: UUID, closure_id: UUID) -> None:
    """Open all the same."""
    await store_closures.withdraw(actor, store_id, closure_id, now())
