"""The white list: asked for by one admin, agreed to by another."""

from uuid import UUID

from pydantic import Field
from sanic import Blueprint

from alliance import white_list
from alliance.approvals import AlreadyAsked
from alliance.white_list import WhiteListed
from common.actors import AdminActor
from common.clock import now
from common.errors import NotFound
from server.api.admin.approvals import AskedOut
from server.api.organisation_views import Uscc
from server.endpoints import endpoint
from server.schemas import In, Moment, Out, Page, PageQuery, Reason, RegionCode, decode_cursor, page_of

routes = Blueprint("admin_white_list", url_prefix="/white-list")


class EntryIn(In):
    """Which organisation, in which region, and why."""

    uscc: Uscc
    region: RegionCode
    reason: Reason


class EntryOut(Out):
    """An entry; ended ones stay to be read."""

    id: UUID
    uscc: str
    region: str = Field(validation_alias="region_id")
    reason: str
    approval_id: UUID
    added_at: Moment
    ended_at: Moment | None


@endpoint(
    routes,
    "GET",
    "",
    summary="白名单 / The white list",
    answers={200: Page[EntryOut]},
    may="white_list.read",
)
async def listed(actor: AdminActor, query: PageQuery) -> Page[EntryOut]:
    """Newest first, of the admin's region and below."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    return page_of(
        Page[EntryOut],
        await white_list.listed(actor, before, query.limit + 1),
        query.limit,
        lambda row: EntryOut.model_validate(dict(row)),
        lambda row: (row["id"],),
    )


@endpoint(
    routes,
    "POST",
    "",
    summary="提请加入白名单 / Ask for an entry",
    answers={202: AskedOut},
    refusals=(NotFound, WhiteListed, AlreadyAsked),
    may="white_list.ask",
)
async def ask(actor: AdminActor, body: EntryIn) -> AskedOut:
    """Makes up for a grade from the next check on; never for the list of the seriously dishonest (rule 12)."""
    return AskedOut(approval_id=await white_list.ask(actor, body.uscc, body.region, body.reason, now()))


@endpoint(
    routes,
    "DELETE",
    "/<entry_id>",
    summary="移出白名单 / End an entry",
    answers={204: None},
    may="white_list.end",
)
async def end(actor: AdminActor, entry_id: UUID) -> None:
    """The grade counts again at the next check."""
    await white_list.end(actor, entry_id, now())
