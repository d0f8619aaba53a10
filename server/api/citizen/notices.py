"""What the citizen was told: his inbox."""

from typing import Annotated
from uuid import UUID

from pydantic import Field
from sanic import Blueprint

from common.actors import CitizenActor
from common.clock import now
from models import notice_log
from server.api.notices import NoticeOut, notice, notice_page
from server.endpoints import endpoint
from server.schemas import In, Out, Page, PageQuery, decode_cursor

routes = Blueprint("citizen_notices", url_prefix="/me/notices")


class NoticePageOut(Page[NoticeOut]):
    """A page of the inbox, and how much of all of it is unread."""

    unread: int


class UnreadOut(Out):
    """How many notices are unread."""

    unread: int


class NoticeQuery(PageQuery):
    """Which notices."""

    kind: Annotated[str, Field(max_length=32, pattern=r"^[a-z_]+$")] | None = Field(
        default=None, description="通知的种类 / kind of notice"
    )


class ReadIn(In):
    """The newest notice that was shown: what came after it stays unread."""

    up_to: UUID


@endpoint(routes, "GET", "", summary="我的通知 / My notices", answers={200: NoticePageOut})
async def listed(actor: CitizenActor, query: NoticeQuery) -> NoticePageOut:
    """Newest first."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await notice_log.newest("citizen", actor.id, before, query.limit + 1, query.kind)
    page = notice_page(rows, query.limit)
    return NoticePageOut(
        items=page.items, next_cursor=page.next_cursor, unread=await notice_log.unread(actor.id)
    )


@endpoint(routes, "GET", "/unread-count", summary="未读通知数 / Unread notices", answers={200: UnreadOut})
async def unread_count(actor: CitizenActor) -> UnreadOut:
    """For the badge."""
    return UnreadOut(unread=await notice_log.unread(actor.id))


@endpoint(routes, "GET", "/<notice_id>", summary="一条通知 / One notice", answers={200: NoticeOut})
async def one(actor: CitizenActor, notice_id: UUID) -> NoticeOut:
    """What a message opens: `pages/notices/one?id=…`."""
    return notice(await notice_log.one(actor.id, notice_id))


@endpoint(routes, "PUT", "/read", summary="全部标为已读 / Mark all as read", answers={204: None})
async def mark_all_read(actor: CitizenActor, body: ReadIn) -> None:
    """Up to the one that is named; doing it twice changes nothing."""
    await notice_log.mark_all_read(actor.id, body.up_to, now())


@endpoint(routes, "PUT", "/<notice_id>/read", summary="标为已读 / Mark as read", answers={204: None})
async def mark_read(actor: CitizenActor, notice_id: UUID) -> None:
    """Reading twice is reading once."""
    await notice_log.mark_read("citizen", actor.id, notice_id, now())
