"""What the alliance told the member."""

from uuid import UUID

from sanic import Blueprint

from common.actors import MemberActor
from common.clock import now
from models import notice_log
from server.api.notices import NoticeOut, notice_page
from server.endpoints import endpoint
from server.schemas import Page, PageQuery, decode_cursor

routes = Blueprint("member_notices", url_prefix="/notices")


@endpoint(
    routes,
    "GET",
    "",
    summary="联盟通知 / Notices to the member",
    answers={200: Page[NoticeOut]},
    may="notice.read",
)
async def listed(actor: MemberActor, query: PageQuery) -> Page[NoticeOut]:
    """Newest first."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    return notice_page(
        await notice_log.newest("member", actor.member_id, before, query.limit + 1), query.limit
    )


@endpoint(
    routes,
    "PUT",
    "/<notice_id>/read",
    summary="标为已读 / Mark as read",
    answers={204: None},
    may="notice.read",
)
async def mark_read(actor: MemberActor, notice_id: UUID) -> None:
    """For all of the member's owners and managers."""
    await notice_log.mark_read("member", actor.member_id, notice_id, now())
