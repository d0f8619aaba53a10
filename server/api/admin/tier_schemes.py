"""Tier schemes: the versions there are, and asking for a new one."""

from typing import Annotated
from uuid import UUID

from pydantic import Field
from sanic import Blueprint

from alliance import tier_scheme_changes, tier_what_ifs
from alliance.approvals import AlreadyAsked
from alliance.permissions import ProvinceAlone
from alliance.tier_what_ifs import WhatIfRunning
from citizens import tier_scheme_versions
from citizens.tier_scheme_versions import (
    BandsNotInOrder,
    Draft,
    LaterVersionAnnounced,
    NoticeTooShort,
    RefreshBeyondValidity,
)
from citizens.tier_schemes import Band
from common.actors import AdminActor
from common.clock import now
from common.database import Row
from models.enums import TierLevel
from server.api.admin.approvals import AskedOut
from server.api.tier_what_if_views import BandOut, WhatIfOut
from server.endpoints import endpoint
from server.schemas import In, Moment, Out, Page, PageQuery, Reason, decode_cursor, page_of

routes = Blueprint("admin_tier_schemes", url_prefix="/tier-schemes")

COULD_NOT_BE = (
    *(ProvinceAlone, BandsNotInOrder, RefreshBeyondValidity, NoticeTooShort, LaterVersionAnnounced),
    WhatIfRunning,
)

Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Name = Annotated[str, Field(min_length=1, max_length=32, pattern=r"\S")]
Points = Annotated[int, Field(ge=0, le=1_000_000)]
Level = Annotated[int, Field(ge=min(TierLevel), le=max(TierLevel), description="1 差 … 5 优秀")]


class BandIn(In):
    """One band, from `low` up to but without `high`, and its place on the common ladder."""

    code: Code
    name: Name
    level: Level
    low: Points
    high: Points


class DraftIn(In):
    """A version: its bands from low to high, and when it counts; spans in days."""

    code: Code
    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"\S")]
    explanation: Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")]
    grace_points: Points
    validity_days: Annotated[int, Field(ge=1, le=3660)]
    notice_days: Annotated[int, Field(ge=0, le=366)]
    effective_from: Moment
    bands: Annotated[list[BandIn], Field(min_length=2, max_length=20)]
    refresh_days: Annotated[int, Field(ge=1, le=3660)] | None = None

    def draft(self) -> Draft:
        """What the domain knows of it."""
        return Draft(
            **self.model_dump(exclude={"reason", "bands"}),
            bands=[Band(**{**band.model_dump(), "level": TierLevel(band.level)}) for band in self.bands],
        )


class SchemeIn(DraftIn):
    """The same, and why."""

    reason: Reason


class WhatIfAskedOut(Out):
    """A run that has begun; `/admin/tier-schemes/what-ifs/{id}` tells how far it is."""

    id: UUID


class SchemeOut(Out):
    """One version, announced and never changed."""

    code: str
    version: int
    name: str
    explanation: str
    grace_points: int
    validity_days: int
    refresh_days: int | None
    notice_days: int
    published_at: Moment
    effective_from: Moment
    bands: list[BandOut]


@endpoint(
    routes,
    "GET",
    "",
    summary="信用等级方案各版本 / Versions of the tier schemes",
    answers={200: Page[SchemeOut]},
    may="tier_scheme.read",
)
async def listed(actor: AdminActor, query: PageQuery) -> Page[SchemeOut]:
    """Newest first; they hold for the whole province."""
    before = decode_cursor(query.cursor, (int,))[0] if query.cursor else None
    found = await tier_scheme_versions.listed(before, query.limit + 1)
    return page_of(Page[SchemeOut], found, query.limit, _shown, lambda each: (each[0]["id"],))


def _shown(found: tuple[Row, object]) -> SchemeOut:
    row, bands = found
    return SchemeOut.model_validate({**dict(row), "bands": bands})


@endpoint(
    routes,
    "POST",
    "",
    summary="提请新的等级方案版本 / Ask for a new version of a scheme",
    answers={202: AskedOut},
    refusals=(*COULD_NOT_BE, AlreadyAsked),
    may="tier_scheme.ask",
)
async def ask(actor: AdminActor, body: SchemeIn) -> AskedOut:
    """Announced when a second head of the province agrees; the promised notice counts from then.

    What it would do is counted at once, unless that was done already: nobody agrees before he can see it.
    """
    return AskedOut(approval_id=await tier_scheme_changes.ask(actor, body.draft(), body.reason, now()))


@endpoint(
    routes,
    "POST",
    "/what-if",
    summary="试算等级方案草案 / Count what a draft would do",
    answers={202: WhatIfAskedOut},
    refusals=COULD_NOT_BE,
    may="tier_scheme.ask",
)
async def ask_what_if(actor: AdminActor, body: DraftIn) -> WhatIfAskedOut:
    """In the background, one draft of a scheme at a time; the same draft again is the same run."""
    return WhatIfAskedOut(id=await tier_what_ifs.ask(actor, body.draft(), now()))


@endpoint(
    routes,
    "GET",
    "/what-ifs/<what_if_id>",
    summary="试算进度和结果 / How far a what-if is, and what it found",
    answers={200: WhatIfOut},
    refusals=(ProvinceAlone,),
    may="tier_scheme.read",
)
async def what_if(actor: AdminActor, what_if_id: UUID) -> WhatIfOut:
    """Counts of people only, over the whole province."""
    return WhatIfOut.model_validate(dict(await tier_what_ifs.one(actor, what_if_id)))
