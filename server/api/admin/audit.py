"""Reading the audit."""

from uuid import UUID

from pydantic import Field
from sanic import Blueprint

from common.actors import AdminActor
from models import audit_log
from models.enums import ActorKind, AuditOutcome
from server.endpoints import endpoint
from server.errors import NotAllowed
from server.schemas import Moment, Out, Page, PageQuery, decode_cursor, page_of

routes = Blueprint("admin_audit", url_prefix="/audit")


class AuditOut(Out):
    """Who did what to which thing, when, and how it ended."""

    id: UUID
    recorded_at: Moment
    actor_kind: ActorKind
    actor_id: UUID | None
    action: str
    object_kind: str
    object_id: str
    outcome: AuditOutcome
    request_id: str | None
    region: str | None = Field(validation_alias="region_id")
    before: str | None
    after: str | None


@endpoint(routes, "GET", "", summary="审计记录 / The audit", answers={200: Page[AuditOut]}, may="audit.read")
async def read(actor: AdminActor, query: PageQuery) -> Page[AuditOut]:
    """Newest first; for auditors of the province, since its records have no region."""
    if not actor.region.endswith("0000"):
        raise NotAllowed
    before = decode_cursor(query.cursor, (UUID,))[0] if query.cursor else None
    rows = await audit_log.newest(before, query.limit + 1)
    return page_of(
        Page[AuditOut],
        rows,
        query.limit,
        lambda row: AuditOut.model_validate(dict(row)),
        lambda row: (row["id"],),
    )
