"""What a public unit is asked to pay of other members' discounts: reading, agreeing, refusing."""

from typing import Any
from uuid import UUID

from pydantic import Field
from sanic import Blueprint

from benefits import share_consents
from benefits.offer_reviews import content_of
from benefits.share_consents import ShareConsentStateForbids
from common.actors import MemberActor
from common.clock import now
from common.database import Row
from models.enums import ShareConsentState
from server.api.offer_forms import ContentOut
from server.endpoints import endpoint
from server.schemas import In, Moment, Out, Page, PageQuery, Reason, decode_cursor, page_of

routes = Blueprint("member_share_consents", url_prefix="/share-consents")


class ConsentsQuery(PageQuery):
    """Which ones; what waits without a state."""

    state: ShareConsentState = ShareConsentState.WAITING


class RefusalIn(In):
    """Why; the offering member reads it."""

    reason: Reason


class ShareConsentOut(Out):
    """A version that names this unit: `content.public_unit_share` per cent of what it gives are the unit's to pay.

    Agreeing is agreeing to this content, up to `stock_total` pieces and `budget_fen`; null is "without such a limit".
    """

    id: UUID
    state: ShareConsentState
    offer_id: UUID
    number: int
    member_id: UUID
    member_name: str
    programme: str = Field(validation_alias="programme_id")
    region: str = Field(validation_alias="region_id")
    stock_total: int | None
    budget_fen: int | None
    asked_at: Moment
    decided_at: Moment | None
    reason: str | None
    content: ContentOut


@endpoint(
    routes,
    "GET",
    "",
    summary="待同意的承担 / Shares to agree to",
    answers={200: Page[ShareConsentOut]},
    may="share_consent.read",
)
async def listed(actor: MemberActor, query: ConsentsQuery) -> Page[ShareConsentOut]:
    """Newest first; empty for whoever nobody asks to pay."""
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await share_consents.of_unit(actor, query.state, before, query.limit + 1)
    return page_of(Page[ShareConsentOut], rows, query.limit, _consent, lambda row: (row["id"],))


@endpoint(
    routes,
    "POST",
    "/<consent_id>/agreement",
    summary="同意承担 / Agree to bear the share",
    answers={204: None},
    refusals=(ShareConsentStateForbids,),
    may="share_consent.decide",
)
async def agree(actor: MemberActor, consent_id: UUID) -> None:
    """To exactly what was submitted; the office can approve it then. Once: it can't be taken back."""
    await share_consents.agree(actor, consent_id, now())


@endpoint(
    routes,
    "POST",
    "/<consent_id>/refusal",
    summary="拒绝承担 / Refuse to bear the share",
    answers={204: None},
    refusals=(ShareConsentStateForbids,),
    may="share_consent.decide",
)
async def refuse(actor: MemberActor, consent_id: UUID, body: RefusalIn) -> None:
    """The offering member reads why; what it changes is asked anew."""
    await share_consents.refuse(actor, consent_id, body.reason, now())


def _consent(row: Row) -> ShareConsentOut:
    values: dict[str, Any] = dict(row)
    return ShareConsentOut.model_validate({**values, "content": content_of(row)})
