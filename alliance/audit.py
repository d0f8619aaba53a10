"""Reading and exporting the audit: an auditor sees what is his region's business, newest first.

What has no region is the province's alone. The order is that of the records' times, so that a span of time is a piece of
an index; those of one moment are in the order of `entry`.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from uuid import UUID

from common import replica
from common.actors import AdminActor
from common.database import Row, fetch_all, fetch_one
from common.errors import NotFound
from models import audit_log
from models.audit_book import AUDIT, COLUMNS, record_of
from models.enums import AuditOutcome
from models.region import subtree_prefix
from models.seal_proofs import Proof, Prover, prove

# Where a page goes on: time and entry of the last record before.
Place = tuple[datetime, int]
NEWEST: Place = (datetime(9999, 1, 1, tzinfo=UTC), 0)
OLDEST = datetime(1970, 1, 1, tzinfo=UTC)
STEP = 500

SHOWN = f"{COLUMNS}, recorded_at"
NEWEST_FIRST = "ORDER BY recorded_at DESC, entry DESC LIMIT $4"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which records: all of those that are given must fit. `action` is how it begins; `until` is exclusive."""

    actor_id: UUID | None = None
    action: str | None = None
    object_kind: str | None = None
    object_id: str | None = None
    outcome: AuditOutcome | None = None
    since: datetime | None = None
    until: datetime | None = None


async def listed(actor: AdminActor, filters: Filters, before: Place | None, limit: int) -> Sequence[Row]:
    """Records, newest first, some seconds old at most; `before` is the place of the last one of the page before."""
    sql, values = _statement(actor, filters, before, limit)
    return await replica.read(lambda fetch_all: fetch_all(sql, *values))


async def one(actor: AdminActor, audit_id: UUID) -> Row:
    """A record.

    Raises:
        NotFound: there is none in the admin's region.
    """
    row = await fetch_one(f"SELECT {SHOWN} FROM audit_records WHERE id = $1", audit_id)
    if row is None or not _reaches(actor, row["region_id"]):
        raise NotFound
    return row


async def proof_of(actor: AdminActor, audit_id: UUID, now: datetime) -> Proof:
    """That a record is under a published root.

    Raises:
        NotFound: there is none in the admin's region.
        NotYetSealed: it is too new.
    """
    return await prove(AUDIT, record_of(await one(actor, audit_id)), now)


async def exported(
    actor: AdminActor, filters: Filters, form: str, now: datetime
) -> AsyncIterator[tuple[Row, str, Proof | None]]:
    """Every record that fits, newest first: its row, its line and its proof (none as long as it is not sealed).

    Read in steps, never all of it in memory. The audit has the export before its first record is given.
    """
    given = {each.name: getattr(filters, each.name) for each in fields(filters)}
    after = {name: value for name, value in given.items() if value is not None}
    thing = ("audit", form)
    await audit_log.record(audit_log.who(actor), "audit.export", thing, now, region=actor.region, after=after)
    prover, before = Prover(AUDIT), NEWEST
    while True:
        sql, values = _statement(actor, filters, before, STEP)
        rows = await fetch_all(sql, *values)
        for row in rows:
            record = record_of(row)
            yield row, record.line, await prover.proof_of(record)
        if len(rows) < STEP:
            return
        before = rows[-1]["recorded_at"], rows[-1]["entry"]


def _is_province(actor: AdminActor) -> bool:
    return actor.region.endswith("0000")


def _reaches(actor: AdminActor, region: str | None) -> bool:
    return _is_province(actor) if region is None else region.startswith(subtree_prefix(actor.region))


def _statement(
    actor: AdminActor, filters: Filters, before: Place | None, limit: int
) -> tuple[str, list[object]]:
    """The statement that reads along the index which fits the filters best, and its values."""
    values: list[object] = [*_start(filters, before), filters.since or OLDEST, limit]
    where = ["(recorded_at, entry) < ($1, $2)", "recorded_at >= $3"]

    def only(condition: str, value: object) -> None:
        values.append(value)
        where.append(condition.replace("?", f"${len(values)}"))

    reach = "region_id LIKE ? || '%'"
    only(f"({reach} OR region_id IS NULL)" if _is_province(actor) else reach, subtree_prefix(actor.region))
    for column in ("actor_id", "object_kind", "object_id"):
        if (value := getattr(filters, column)) is not None:
            only(f"{column} = ?", value)
    if filters.outcome is not None:
        where.append(f"outcome = '{filters.outcome}'")  # as a constant: the refused ones have an index
    if filters.action is not None:
        only("starts_with(action, ?)", filters.action)
    return _along(actor, filters, " AND ".join(where), f"${len(values)}"), values


def _along(actor: AdminActor, filters: Filters, where: str, action: str) -> str:
    if filters.actor_id is None and filters.object_id is None:
        if filters.action is not None:
            # Every action that ever was, one step of the index each: there are a hundred or two.
            return (
                "WITH RECURSIVE named AS (SELECT (SELECT min(action) FROM audit_records) AS action UNION ALL"
                " SELECT (SELECT a.action FROM audit_records a WHERE a.action > named.action ORDER BY a.action LIMIT 1)"
                " FROM named WHERE named.action IS NOT NULL)"
                f" SELECT found.* FROM named CROSS JOIN LATERAL (SELECT {SHOWN} FROM audit_records"
                f" WHERE action = named.action AND {where} {NEWEST_FIRST}) found"
                f" WHERE starts_with(named.action, {action}) {NEWEST_FIRST}"
            )
        if not _is_province(actor) and filters.outcome is not AuditOutcome.REFUSED:
            return (
                f"SELECT found.* FROM regions r CROSS JOIN LATERAL (SELECT {SHOWN} FROM audit_records"
                f" WHERE region_id = r.code AND {where} {NEWEST_FIRST}) found"
                f" WHERE r.code LIKE $5 || '%' {NEWEST_FIRST}"
            )
    return f"SELECT {SHOWN} FROM audit_records WHERE {where} {NEWEST_FIRST}"


def _start(filters: Filters, before: Place | None) -> Place:
    """Behind which place the page begins: nothing of `until` or later is in it."""
    end = NEWEST if filters.until is None else (filters.until, 0)
    return end if before is None else min(before, end)
