"""公示: the alliance's members, and who was taken out, for everybody."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from sanic import Blueprint

from common.clock import now
from common.database import Row
from merchants import register
from models.enums import Category, MemberKind, MemberStatus, SuspensionCause
from server.endpoints import endpoint
from server.schemas import Moment, Out, Page, PageQuery, RegionCode, decode_cursor, page_of

routes = Blueprint("register", url_prefix="/register")


class RegisterQuery(PageQuery):
    """Which ones; a region with everything below it, `q` a part of the name."""

    region: RegionCode | None = None
    kind: MemberKind | None = None
    sector: Category | None = None
    q: Annotated[str, Field(max_length=64)] = ""


class RegisteredOut(Out):
    """A member."""

    id: UUID
    name: str
    kind: MemberKind
    sector: Category | None
    region: str = Field(validation_alias="region_id")
    since: Moment = Field(validation_alias="joined_at")


class RemovalOut(Out):
    """A member that is suspended or has left, since when and why."""

    id: UUID
    name: str
    kind: MemberKind
    region: str
    status: MemberStatus
    since: Moment
    causes: list[SuspensionCause | Literal["left"]]


@endpoint(
    routes,
    "GET",
    "",
    summary="联盟成员公示 / The register of members",
    answers={200: Page[RegisteredOut]},
)
async def members(query: RegisterQuery) -> Page[RegisteredOut]:
    """Active members, organisations only."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await register.members(query.region, query.kind, query.sector, query.q, before, query.limit + 1)
    return page_of(
        Page[RegisteredOut],
        rows,
        query.limit,
        lambda row: RegisteredOut.model_validate(dict(row)),
        lambda row: (row["id"],),
    )


@endpoint(
    routes,
    "GET",
    "/removals",
    summary="暂停与退出公示 / Who is suspended or has left",
    answers={200: Page[RemovalOut]},
)
async def removals(query: PageQuery) -> Page[RemovalOut]:
    """Newest first; who is reinstated is no longer here."""
    before = decode_cursor(query.cursor, (datetime, UUID)) if query.cursor else None
    return page_of(
        Page[RemovalOut],
        await register.removals((before[0], before[1]) if before else None, query.limit + 1, now()),
        query.limit,
        _removal_out,
        lambda row: (row["status_since"], row["id"]),
    )


def _removal_out(row: Row) -> RemovalOut:
    causes = ["left"] if row["status"] == MemberStatus.LEFT else row["causes"]
    values = {**dict(row), "region": row["region_id"], "since": row["status_since"], "causes": causes}
    return RemovalOut.model_validate(values)
