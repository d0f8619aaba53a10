"""互认: which of other places' schemes count, asking for a mapping and for its end."""

from datetime import date
from typing import Annotated

from pydantic import Field
from sanic import Blueprint

from alliance import tier_mapping_changes
from alliance.approvals import AlreadyAsked
from alliance.permissions import ProvinceAlone
from citizens.tier_mapping_versions import (
    MappingDaysInvalid,
    MappingDraft,
    MappingEndPast,
    MappingOverlaps,
    SchemeIsOurs,
    TiersNotInOrder,
)
from citizens.tier_mappings import MappedTier, Recognition
from common.actors import AdminActor
from common.clock import now
from models.enums import TierLevel
from server.api.admin.approvals import AskedOut
from server.api.admin.tier_schemes import Code, Level, Name, Points
from server.api.tier_schemes import MappedTierOut
from server.endpoints import endpoint
from server.schemas import In, Out, Page, PageQuery, Reason, decode_cursor, page_of

routes = Blueprint("admin_tier_mappings", url_prefix="/tier-mappings")


class MappedTierIn(In):
    """One of their tiers: by scores from `low` up to but without `high`, or by its code where they have no scores."""

    code: Code
    name: Name
    level: Level
    low: Points | None = None
    high: Points | None = None


class MappingIn(In):
    """A mapping: it counts for data from its first day up to but without `effective_until`."""

    scheme_code: Code
    scheme_name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"\S")]
    place: Name
    agreement: Annotated[str, Field(min_length=1, max_length=128, pattern=r"\S")]
    validity_days: Annotated[int, Field(ge=1, le=3660)]
    effective_from: date
    effective_until: date
    tiers: Annotated[list[MappedTierIn], Field(min_length=1, max_length=20)]
    reason: Reason


class EndIn(In):
    """The first day that does not count any more."""

    effective_until: date
    reason: Reason


class MappingOut(Out):
    """One version; its end alone can still change."""

    id: str
    scheme_code: str
    version: int
    scheme_name: str
    place: str
    agreement: str
    validity_days: int
    effective_from: date
    effective_until: date
    tiers: list[MappedTierOut]


@endpoint(
    routes,
    "GET",
    "",
    summary="互认对应关系各版本 / Versions of recognised schemes",
    answers={200: Page[MappingOut]},
    refusals=(ProvinceAlone,),
    may="tier_mapping.read",
)
async def listed(actor: AdminActor, query: PageQuery) -> Page[MappingOut]:
    """Newest first, ended ones too; what counts now is in `/tier-recognitions`, for everybody."""
    before = decode_cursor(query.cursor, (int,))[0] if query.cursor else None
    found = await tier_mapping_changes.listed(actor, before, query.limit + 1)
    return page_of(Page[MappingOut], found, query.limit, _shown, lambda each: (each.id,))


def _shown(found: Recognition) -> MappingOut:
    return MappingOut(
        id=str(found.id),
        scheme_code=found.code,
        version=found.version,
        scheme_name=found.name,
        place=found.place,
        agreement=found.agreement,
        validity_days=found.validity.days,
        effective_from=found.effective_from,
        effective_until=found.effective_until,
        tiers=[MappedTierOut.model_validate(tier) for tier in found.tiers],
    )


@endpoint(
    routes,
    "POST",
    "",
    summary="提请互认一个外地等级方案 / Ask for another place's scheme to be recognised",
    answers={202: AskedOut},
    refusals=(
        *(ProvinceAlone, TiersNotInOrder, MappingDaysInvalid, MappingOverlaps, SchemeIsOurs, AlreadyAsked),
    ),
    may="tier_mapping.ask",
)
async def ask(actor: AdminActor, body: MappingIn) -> AskedOut:
    """It counts when a second head of the province agrees; it is never changed, and can only end sooner."""
    tiers = [MappedTier(**{**tier.model_dump(), "level": TierLevel(tier.level)}) for tier in body.tiers]
    draft = MappingDraft(**body.model_dump(exclude={"reason", "tiers"}), tiers=tiers)
    return AskedOut(approval_id=await tier_mapping_changes.ask(actor, draft, body.reason, now()))


@endpoint(
    routes,
    "POST",
    "/<mapping_id>/end",
    summary="提请提前结束互认 / Ask for a mapping to end sooner",
    answers={202: AskedOut},
    refusals=(ProvinceAlone, MappingEndPast, AlreadyAsked),
    may="tier_mapping.ask",
)
async def ask_end(actor: AdminActor, mapping_id: str, body: EndIn) -> AskedOut:
    """Tiers that were taken under it stay valid until their own end."""
    asked = tier_mapping_changes.ask_end(actor, mapping_id, body.effective_until, body.reason, now())
    return AskedOut(approval_id=await asked)
