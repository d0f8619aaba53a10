"""Complaints about the region's stores, and the office's decisions."""

from typing import Literal
from uuid import UUID

from sanic import Blueprint, Request

from alliance import complaint_decisions, complaint_files
from alliance.complaint_files import Filters
from alliance.complaint_states import ComplaintNotPossible
from common.actors import AdminActor
from common.clock import now
from server.api.complaints import (
    ComplaintQuery,
    OfficeComplaintOut,
    ReasonIn,
    complaint_out,
    complaint_page,
    place_of,
)
from server.endpoints import endpoint
from server.schemas import Page, RegionCode

routes = Blueprint("admin_complaints", url_prefix="/complaints")


class OfficeComplaintQuery(ComplaintQuery):
    """Which ones; a region with everything below it."""

    region: RegionCode | None = None
    member_id: UUID | None = None


class ComplaintDecisionIn(ReasonIn):
    """Whether the citizen or the member is right, and why; both read it."""

    decision: Literal["upheld", "dismissed"]


@endpoint(
    routes,
    "GET",
    "",
    summary="投诉 / Complaints",
    answers={200: Page[OfficeComplaintOut]},
    may="complaint.read",
)
async def listed(
    request: Request, actor: AdminActor, query: OfficeComplaintQuery
) -> Page[OfficeComplaintOut]:
    """Newest first, about stores in the admin's region and below; `answered`, `overdue` and `reopened` wait for him."""
    keys, before = request.app.ctx.settings.data_keys, place_of(query)
    filters = Filters(query.status, query.region, query.member_id)
    files = await complaint_files.in_region(actor, filters, keys, before, query.limit + 1)
    return complaint_page(OfficeComplaintOut, files, query.limit)


@endpoint(
    routes,
    "GET",
    "/<complaint_id>",
    summary="一件投诉 / One complaint",
    answers={200: OfficeComplaintOut},
    may="complaint.read",
)
async def one(request: Request, actor: AdminActor, complaint_id: UUID) -> OfficeComplaintOut:
    """Who complained is not told; that it was opened is recorded, and the citizen sees it."""
    file = await complaint_files.opened(actor, complaint_id, request.app.ctx.settings.data_keys, now())
    return complaint_out(OfficeComplaintOut, file)


@endpoint(
    routes,
    "POST",
    "/<complaint_id>/decision",
    summary="处理投诉 / Decide a complaint",
    answers={204: None},
    refusals=(ComplaintNotPossible,),
    may="complaint.decide",
)
async def decide(request: Request, actor: AdminActor, complaint_id: UUID, body: ComplaintDecisionIn) -> None:
    """Once the member has answered, or its time is over. Too many that are upheld suspend the member."""
    is_upheld = body.decision == "upheld"
    act = complaint_decisions.uphold if is_upheld else complaint_decisions.dismiss
    await act(actor, complaint_id, body.reason, request.app.ctx.settings.data_keys, now())


@endpoint(
    routes,
    "POST",
    "/<complaint_id>/reopening",
    summary="重新处理 / Have a complaint decided anew",
    answers={204: None},
    refusals=(ComplaintNotPossible,),
    may="complaint.reopen",
)
async def reopen(actor: AdminActor, complaint_id: UUID, body: ReasonIn) -> None:
    """For a decision that was wrong: it no longer counts."""
    await complaint_decisions.reopen(actor, complaint_id, body.reason, now())
