"""Jobs that failed for good, and having them tried again."""

from typing import Annotated

from pydantic import Field
from sanic import Blueprint

from alliance import dead_letters
from alliance.dead_letters import JobWaitsAlready
from alliance.permissions import ProvinceAlone
from common.actors import AdminActor
from common.clock import now
from server.endpoints import endpoint
from server.schemas import Moment, Out, Page, PageQuery, decode_cursor, page_of

routes = Blueprint("admin_jobs", url_prefix="/jobs")


class DeadLetterOut(Out):
    """A job that failed as often as it is tried; its payload holds ids alone."""

    id: str
    kind: str
    payload: str
    tries: int
    failed_at: Moment
    error: Annotated[str, Field(description="错误的种类 / the kind of error")] | None


@endpoint(
    routes,
    "GET",
    "/dead-letters",
    summary="失败的后台任务 / Jobs that failed for good",
    answers={200: Page[DeadLetterOut]},
    refusals=(ProvinceAlone,),
    may="job.read",
)
async def listed(actor: AdminActor, query: PageQuery) -> Page[DeadLetterOut]:
    """Newest first; for the province, since jobs have no region."""
    before = decode_cursor(query.cursor, (int,))[0] if query.cursor else None
    rows = await dead_letters.listed(actor, before, query.limit + 1)
    return page_of(
        Page[DeadLetterOut],
        rows,
        query.limit,
        lambda row: DeadLetterOut.model_validate(row, from_attributes=True),
        lambda row: (int(row.id),),
    )


@endpoint(
    routes,
    "POST",
    "/<job_id>/retry",
    summary="重试 / Have it tried again",
    answers={204: None},
    refusals=(JobWaitsAlready, ProvinceAlone),
    may="job.retry",
)
async def retry(actor: AdminActor, job_id: str) -> None:
    """From the first try on; nothing is doubled."""
    await dead_letters.retry(actor, job_id, now())
