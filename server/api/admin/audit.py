"""Reading the audit, proving a record, and exporting it with proofs."""

from collections.abc import Callable
from datetime import datetime
from json import dumps
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from sanic import Blueprint, Request

from alliance import audit
from common.actors import AdminActor
from common.clock import now, rfc3339
from common.database import Row
from common.table_exports import CSV, Cell, lines, written
from models.enums import ActorKind, AuditOutcome
from models.seal_proofs import NotYetSealed, Proof
from server.api.seals import RecordProofOut, proof_out
from server.endpoints import endpoint
from server.schemas import Moment, Out, Page, PageQuery, Query, decode_cursor, page_of

routes = Blueprint("admin_audit", url_prefix="/audit")

MEDIA_TYPES = {"csv": CSV, "jsonl": "application/x-ndjson"}
COLUMNS = (
    *("recorded_at", "actor_kind", "actor_id", "action", "object_kind", "object_id", "outcome", "request_id"),
    *("region_id", "before", "after", "id", "entry"),
)
PROOF_COLUMNS = ("seal", "leaf_index", "path")
Code = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_.:/-]+$")]


class FilterQuery(Query):
    """Which records; `action` is how it begins, such as `coupon.`; `until` is exclusive."""

    actor_id: UUID | None = None
    action: Code | None = None
    object_kind: Code | None = None
    object_id: Code | None = None
    outcome: AuditOutcome | None = None
    since: Annotated[Moment | None, Field(alias="from")] = None
    until: Annotated[Moment | None, Field(alias="to")] = None

    @property
    def filters(self) -> audit.Filters:
        """The same for the domain."""
        return audit.Filters(
            *(self.actor_id, self.action, self.object_kind, self.object_id),
            *(self.outcome, self.since, self.until),
        )


class AuditQuery(FilterQuery, PageQuery):
    """Which records, and which page of them."""


class ExportQuery(FilterQuery):
    """Which records, and in which form: `jsonl` can be checked by a program, `csv` is for a spreadsheet."""

    format: Literal["csv", "jsonl"] = "jsonl"


class AuditOut(Out):
    """Who did what to which thing, when, and how it ended."""

    id: UUID
    entry: int
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
async def read(actor: AdminActor, query: AuditQuery) -> Page[AuditOut]:
    """Newest first, of the auditor's region and below; what belongs to no region is read at the province alone."""
    before = _place(query.cursor) if query.cursor else None
    rows = await audit.listed(actor, query.filters, before, query.limit + 1)
    return page_of(
        *(Page[AuditOut], rows, query.limit, _shown),
        lambda row: (row["recorded_at"], row["entry"]),
    )


@endpoint(
    routes,
    "GET",
    "/export",
    summary="导出审计记录 / Export the audit with its proofs",
    answers={200: dict.fromkeys(MEDIA_TYPES.values())},
    may="audit.export",
)
async def export(request: Request, actor: AdminActor, query: ExportQuery) -> None:
    """Newest first; the export itself is in the audit. docs/ledger.md tells how a proof is checked."""
    records = audit.exported(actor, query.filters, query.format, now())
    first = await anext(records, None)
    response = await request.respond(
        content_type=MEDIA_TYPES[query.format],
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="audit.{query.format}"',
        },
    )
    assert response is not None
    if query.format == "csv":
        await response.send(written([[*COLUMNS, *PROOF_COLUMNS]], CSV))
    line_of: Callable[[Row, str, Proof | None], str | bytes]
    line_of = _csv_line if query.format == "csv" else _json_line
    if first is not None:
        await response.send(line_of(*first))
        async for record in records:
            await response.send(line_of(*record))
    await response.eof()


@endpoint(
    routes,
    "GET",
    "/<audit_id>",
    summary="一条审计记录 / One record of the audit",
    answers={200: AuditOut},
    may="audit.read",
)
async def one(actor: AdminActor, audit_id: UUID) -> AuditOut:
    """Of the auditor's region and below."""
    return _shown(await audit.one(actor, audit_id))


@endpoint(
    routes,
    "GET",
    "/<audit_id>/proof",
    summary="审计记录的证明 / The proof of a record",
    answers={200: RecordProofOut},
    refusals=(NotYetSealed,),
    may="audit.read",
)
async def prove(actor: AdminActor, audit_id: UUID) -> RecordProofOut:
    """Its line, and the way to a root of `/api/v1/audit/roots`; after a minute at most."""
    return proof_out(await audit.proof_of(actor, audit_id, now()))


def _place(cursor: str) -> audit.Place:
    recorded_at, entry = decode_cursor(cursor, (datetime, int))
    return recorded_at, entry


def _shown(row: Row) -> AuditOut:
    return AuditOut.model_validate(dict(row))


def _json_line(_: Row, line: str, proof: Proof | None) -> str:
    found = {
        "record": line,
        "seal": proof and proof.seal.number,
        "leaf_index": proof and proof.leaf_index,
        "path": [node.hex() for node in proof.path] if proof else None,
    }
    return dumps(found) + "\n"


def _csv_line(row: Row, _: str, proof: Proof | None) -> bytes:
    cells = [rfc3339(row["recorded_at"]), *(row[name] for name in COLUMNS[1:])]
    place: list[Cell] = (
        [proof.seal.number, proof.leaf_index, " ".join(node.hex() for node in proof.path)] if proof else []
    )
    return lines([[*cells, *(place or [None] * len(PROOF_COLUMNS))]])
