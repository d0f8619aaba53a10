"""Closing the day at a store."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sanic import Blueprint, Request

from benefits import day_closes, refusals
from benefits.day_closes import Count, DayClosed, differences_of
from common.actors import StaffActor
from common.clock import now
from common.database import Row
from common.request_keys import request_key
from server.endpoints import Answer, IdempotencyKey, endpoint
from server.problems import language_of
from server.schemas import Fen, In, Moment, Out, Page, PageQuery, decode_cursor, page_of

routes = Blueprint("day_closes", url_prefix="/day-closes")

Pieces = Annotated[int, Field(ge=0, le=1_000_000)]
# A day of this century: others can't have been worked.
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2099, 12, 31))]


class DayCloseIn(In):
    """What was counted: the day's redemptions, how many of them are undone, and the discount that is left."""

    store_id: UUID
    day: Day
    redemptions: Pieces
    reversals: Pieces
    discount_fen: Fen


class DayCloseOut(Out):
    """A count beside the service's own; `difference_*` is the clerk's minus the service's."""

    id: UUID
    store_id: UUID
    day: date
    redemptions: int
    reversals: int
    discount_fen: int
    server_redemptions: int
    server_reversals: int
    server_discount_fen: int
    difference_redemptions: int
    difference_reversals: int
    difference_discount_fen: int
    closed_at: Moment


class DayClosedOut(DayCloseOut):
    """The same, and a sentence that says what to do next."""

    message: str


@endpoint(
    routes,
    "POST",
    "",
    summary="日结 / Close the day",
    answers={201: DayClosedOut},
    refusals=(refusals.NotYourStore, refusals.DayNotBegun, refusals.IdempotencyKeyReused),
)
async def create(request: Request, actor: StaffActor, body: DayCloseIn, key: IdempotencyKey) -> Answer:
    """May be done again with a new key after a mistake: the newest count of a day is the one that counts."""
    asked = request_key(key, body.canonical())
    closed = await day_closes.close_day(actor, Count(**dict(body)), asked, now())
    return Answer(201, _closed(closed, language_of(request)), replayed=closed.is_replayed)


@endpoint(routes, "GET", "", summary="日结记录 / Day-closes", answers={200: Page[DayCloseOut]})
async def listed(actor: StaffActor, query: PageQuery) -> Page[DayCloseOut]:
    """Of the stores that the clerk sees, newest first."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    return day_close_page(await day_closes.of_staff(actor, before, query.limit + 1), query.limit)


def day_close_page(rows: Sequence[Row], limit: int) -> Page[DayCloseOut]:
    """A page of counts."""
    return page_of(
        Page[DayCloseOut],
        rows,
        limit,
        lambda row: DayCloseOut.model_validate(_values(row)),
        lambda row: (row["id"],),
    )


def _closed(closed: DayClosed, language: str) -> DayClosedOut:
    return DayClosedOut.model_validate({**_values(closed.row), "message": closed.sentence(language)})


def _values(row: Row) -> dict[str, object]:
    names = ("difference_redemptions", "difference_reversals", "difference_discount_fen")
    return {**dict(row), **dict(zip(names, differences_of(row), strict=True))}
