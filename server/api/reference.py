"""What forms let people choose from: 行政区划 and 信易+ 产品, for everybody."""

from pydantic import Field
from sanic import Blueprint

from benefits import programmes
from merchants import regions
from models.enums import Category, RegionLevel
from server.endpoints import Answer, endpoint
from server.schemas import Out, Page, PageQuery, RegionCode, decode_cursor, page_of

routes = Blueprint("reference")

# They change with a release, if at all.
KEPT = {"Cache-Control": "public, max-age=3600"}


class RegionQuery(PageQuery):
    """Which ones; `parent` has those directly below it."""

    level: RegionLevel | None = None
    parent: RegionCode | None = None


class RegionOut(Out):
    """A region; the province has no parent. `code` is what `region` is everywhere else."""

    code: str
    name: str
    level: RegionLevel
    parent: str | None = Field(validation_alias="parent_id")


class ProgrammeQuery(PageQuery):
    """Which ones; all without a category."""

    category: Category | None = None


class ProgrammeOut(Out):
    """A 信易+ product. `code` is what an offer is proposed with; citizens are shown its name."""

    code: str
    name: str
    category: Category
    summary: str


@endpoint(routes, "GET", "/regions", summary="行政区划 / Regions", answers={200: Page[RegionOut]})
async def list_regions(query: RegionQuery) -> Answer:
    """Those that the alliance serves, in the order of their codes: province, then city by city with its counties."""
    after = decode_cursor(query.cursor, (str,))[0] if query.cursor else ""
    rows = await regions.listed(query.level, query.parent, after, query.limit + 1)
    page = page_of(
        Page[RegionOut],
        rows,
        query.limit,
        lambda row: RegionOut.model_validate(dict(row)),
        lambda row: (row["code"],),
    )
    return Answer(200, page, KEPT)


@endpoint(routes, "GET", "/programmes", summary="信易+ 产品 / Programmes", answers={200: Page[ProgrammeOut]})
async def list_programmes(query: ProgrammeQuery) -> Answer:
    """In the order of their codes."""
    after = decode_cursor(query.cursor, (str,))[0] if query.cursor else ""
    page = page_of(
        Page[ProgrammeOut],
        await programmes.listed(query.category, after, query.limit + 1),
        query.limit,
        lambda row: ProgrammeOut.model_validate(dict(row)),
        lambda row: (row["code"],),
    )
    return Answer(200, page, KEPT)
