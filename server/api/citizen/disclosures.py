"""What members' staff were shown of the citizen."""

from typing import Literal
from uuid import UUID

from sanic import Blueprint

from citizens import disclosures
from common.actors import CitizenActor
from models.citizen_enums import AgentKind
from server.endpoints import endpoint
from server.schemas import Moment, Out, Page, PageQuery, decode_cursor, page_of

routes = Blueprint("disclosures", url_prefix="/me/disclosures")


class DisclosureOut(Out):
    """One time that staff of a member were shown something, at which store, under which consent."""

    id: UUID
    shown_at: Moment
    what: Literal["masked_name"]
    member_id: UUID
    member_name: str | None
    store_id: UUID
    store_name: str | None
    offer_id: UUID
    consent_id: UUID


@endpoint(
    routes,
    "GET",
    "",
    summary="谁看到过我的姓名 / Who was shown my name",
    answers={200: Page[DisclosureOut]},
    for_agents=frozenset({AgentKind.GUARDIAN}),
)
async def listed(actor: CitizenActor, query: PageQuery) -> Page[DisclosureOut]:
    """Newest first, each time by itself."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await disclosures.of_citizen(actor.id, before, query.limit + 1)
    return page_of(
        Page[DisclosureOut],
        rows,
        query.limit,
        lambda row: DisclosureOut.model_validate(dict(row)),
        lambda row: (row["id"],),
    )
