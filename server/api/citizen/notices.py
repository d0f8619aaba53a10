"""What the citizen was told."""

from uuid import UUID

from sanic import Blueprint

from common.actors import CitizenActor
from common.clock import now
from models import notice_log
from server.api.notices import NoticeOut, notice_page
from server.endpoints import endpoint
from server.schemas import Page, PageQuery, decode_cursor

routes = Blueprint("citizen_notices", url_prefix="/me/notices")


@endpoint(routes, "GET", "", summary="我的通知 / My notices", answers={200: Page[NoticeOut]})
async def listed(actor: CitizenActor, query: PageQuery) -> Page[NoticeOut]:
    """Newest first."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    return notice_page(await notice_log.newest("citizen", actor.id, before, query.limit + 1), query.limit)


@endpoint(routes, "PUT", "/<notice_id>/read", summary="标为已读 / Mark as read", answers={204: None})
async def mark_read(actor: CitizenActor, notice_id: UUID) -> None:
    """Reading twice is reading once."""
    await notice_log.mark_read("citizen", actor.id, notice_id, now())
