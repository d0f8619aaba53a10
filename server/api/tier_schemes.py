"""等级方案 and 互认: what tiers mean and from when on, for everybody. Nobody's tier, and no numbers of people."""

from collections.abc import Sequence
from datetime import date

from sanic import Blueprint

from citizens import tier_mappings, tier_scheme_versions
from citizens.tier_mappings import Recognition
from citizens.tier_schemes import Band
from common.clock import local_day, now
from common.database import Row
from models.enums import TierLevel
from server.endpoints import endpoint
from server.schemas import Moment, Out, Page, PageQuery, decode_cursor, page_of

routes = Blueprint("tier_schemes")

WORDS = "{low} 分（含）到 {high} 分（不含）：{name}"


class PublicBandOut(Out):
    """One band, half-open, and what it says in words."""

    code: str
    name: str
    level: TierLevel
    low: int
    high: int
    words: str


class PublicSchemeOut(Out):
    """One version: what it means, its bands, and from when on it counts; spans in days."""

    code: str
    version: int
    name: str
    explanation: str
    grace_points: int
    validity_days: int
    notice_days: int
    published_at: Moment
    effective_from: Moment
    is_in_force: bool
    bands: list[PublicBandOut]


class MappedTierOut(Out):
    """One of their tiers, and its place on our ladder (1 差 … 5 优秀)."""

    code: str
    name: str
    level: TierLevel
    low: int | None
    high: int | None


class RecognitionOut(Out):
    """Another place's scheme that counts here for data from its first day up to but without `effective_until`."""

    scheme_code: str
    version: int
    scheme_name: str
    place: str
    agreement: str
    effective_from: date
    effective_until: date
    tiers: list[MappedTierOut]


@endpoint(
    routes, "GET", "/tier-schemes", summary="等级方案 / Tier schemes", answers={200: Page[PublicSchemeOut]}
)
async def list_schemes(query: PageQuery) -> Page[PublicSchemeOut]:
    """All versions, newest first: those announced for later, those in force and those before."""
    before, at = decode_cursor(query.cursor, (int,))[0] if query.cursor else None, now()
    found = await tier_scheme_versions.listed(before, query.limit + 1)
    in_force = await tier_scheme_versions.in_force(at)
    return page_of(
        Page[PublicSchemeOut],
        found,
        query.limit,
        lambda each: _scheme(*each, is_in_force=each[0]["id"] in in_force),
        lambda each: (each[0]["id"],),
    )


def _scheme(row: Row, bands: Sequence[Band], *, is_in_force: bool) -> PublicSchemeOut:
    shown = [
        {
            **{name: getattr(band, name) for name in ("code", "name", "level", "low", "high")},
            "words": WORDS.format(low=band.low, high=band.high, name=band.name),
        }
        for band in bands
    ]
    return PublicSchemeOut.model_validate({**dict(row), "bands": shown, "is_in_force": is_in_force})


@endpoint(
    routes,
    "GET",
    "/tier-recognitions",
    summary="互认的外地等级方案 / Recognised schemes of other places",
    answers={200: Page[RecognitionOut]},
)
async def list_recognitions(query: PageQuery) -> Page[RecognitionOut]:
    """Those that count today or will later, in the order in which they were published."""
    after = decode_cursor(query.cursor, (int,))[0] if query.cursor else 0
    found = await tier_mappings.recognised(local_day(now()), after, query.limit + 1)
    return page_of(Page[RecognitionOut], found, query.limit, _recognition, lambda each: (each.id,))


def _recognition(found: Recognition) -> RecognitionOut:
    return RecognitionOut(
        scheme_code=found.code,
        version=found.version,
        scheme_name=found.name,
        place=found.place,
        agreement=found.agreement,
        effective_from=found.effective_from,
        effective_until=found.effective_until,
        tiers=[MappedTierOut.model_validate(tier) for tier in found.tiers],
    )
