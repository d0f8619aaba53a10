"""数据质量: how much of what a source promised came, was good, came in time and stayed right, by source, day and kind.

归集率 = received / expected: rows of the batch that took force, of those that its manifest promised; on a day without a
batch as many are expected as the day before. 合规率 = good / received. 及时率 = rows dated the batch's day or the day
before / received, and nothing when the batch came after the hour that was agreed. 准确率 = 1 - rows found wrong
(contradictory, or with an upheld objection) / received. 整改率 = bad rows that were delivered rightly since / bad rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from alliance.permissions import ProvinceAlone
from common.actors import AdminActor
from common.clock import local_day
from common.database import Row, execute, fetch_all, fetch_one, transaction
from common.errors import NotFound, Refused
from common.ids import AFTER_ALL, new_id
from models import audit_log, stored_files
from models.office_enums import BatchErrorState, BatchKind, FilePurpose
from models.retention import THREE_YEARS

WHOLE = 10_000
# What is sent when there is something to send is missed on no day.
NOT_EXPECTED = (BatchKind.REPAIRS,)
BATCH = (
    "id, source, source_batch_id, data_date, made_at, delivered_at, due_at, status, failure, failure_file,"
    " errors_file_id IS NOT NULL AS has_errors, in_force_at, ended_at"
)
ERROR = (
    "id, kind, row_number, record_id, field, code, state, found_at, ended_at, mended_by, closed_by, reason"
)
# One batch for each source, day and kind: the last one that took force, or else the last one that did not.
DAYS = """
SELECT d.*, e.open, e.mended, e.closed, e.wrong
  FROM (SELECT DISTINCT ON (b.source, b.data_date, f.kind) b.source, b.data_date AS day, f.kind, b.id AS batch_id,
               f.rows_promised, f.rows_read, f.rows_bad, f.rows_recent, b.in_force_at IS NOT NULL AS is_taken,
               b.delivered_at <= b.due_at AS is_on_time
          FROM credit_batches b JOIN credit_batch_files f ON f.batch_id = b.id
         WHERE b.data_date BETWEEN $1 AND $2 AND ($3::text IS NULL OR b.source = $3)
         ORDER BY b.source, b.data_date, f.kind, b.in_force_at IS NOT NULL DESC, b.number DESC) AS d
 CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE state = 'open') AS open, count(*) FILTER (WHERE state = 'mended') AS mended,
              count(*) FILTER (WHERE state = 'closed') AS closed,
              count(*) FILTER (WHERE code IN ('conflicting_row', 'objection_upheld')) AS wrong
         FROM credit_batch_errors x WHERE x.batch_id = d.batch_id AND x.kind = d.kind) AS e
 ORDER BY d.source, d.kind, d.day
"""
# A day without a batch is measured by the last one before it, however long ago within this.
LOOKS_BACK = timedelta(days=31)


class BatchErrorNotOpen(Refused):
    """It was mended or closed before."""

    code = "batch_error_not_open"
    zh = "这条问题数据已经整改或关闭，不用再处理。请刷新后再看。"
    en = "This bad row was mended or closed already; nothing is left to do. Look again."


@dataclass(frozen=True, slots=True)
class Quality:
    """A source's day of one kind: counts of rows, and what they make in parts of ten thousand (万分之).

    A rate is None where there is nothing to divide by; `is_forgotten`: or where bad rows were deleted (`models.retention`).
    """

    source: str
    day: date
    kind: BatchKind
    batch_id: UUID | None
    expected: int
    received: int
    read: int
    bad: int
    recent: int
    wrong: int
    open: int
    mended: int
    closed: int
    is_on_time: bool
    is_forgotten: bool = False

    @property
    def collection(self) -> int | None:
        """归集率."""
        return _part(self.received, self.expected)

    @property
    def conformity(self) -> int | None:
        """合规率."""
        return _part(self.read - self.bad, self.read)

    @property
    def timeliness(self) -> int | None:
        """及时率."""
        return _part(self.recent if self.is_on_time else 0, self.read)

    @property
    def accuracy(self) -> int | None:
        """准确率."""
        return None if self.is_forgotten else _part(max(self.read - self.wrong, 0), self.read)

    @property
    def rectification(self) -> int | None:
        """整改率."""
        return None if self.is_forgotten else _part(self.mended, self.open + self.mended + self.closed)


async def report(
    actor: AdminActor, first: date, last: date, source: str | None, now: datetime
) -> Sequence[Quality]:
    """Every source's days, both included, by source, kind and day; days that are not due yet only with their batch.

    Raises:
        ProvinceAlone: the admin is a city's or a county's.
    """
    _refuse_region(actor)
    rows = await fetch_all(DAYS, first - LOOKS_BACK, last, source)
    until = min(last, local_day(now) - timedelta(days=1))
    whole_since = local_day(now - THREE_YEARS)
    return [
        replace(each, is_forgotten=each.day < whole_since)
        for each in _with_missing(rows, until)
        if each.day >= first
    ]


def _with_missing(rows: Sequence[Row], until: date) -> Iterator[Quality]:
    """The days with a batch, and between and after them those without."""
    for number, row in enumerate(rows):
        yield Quality(
            *(row["source"], row["day"], BatchKind(row["kind"]), row["batch_id"], row["rows_promised"]),
            *(
                row["rows_read"] if row["is_taken"] else 0,
                row["rows_read"],
                row["rows_bad"],
                row["rows_recent"],
            ),
            *(row["wrong"], row["open"], row["mended"], row["closed"], row["is_on_time"]),
        )
        if row["kind"] in NOT_EXPECTED:
            continue
        after = rows[number + 1] if number + 1 < len(rows) else None
        is_same = after is not None and (after["source"], after["kind"]) == (row["source"], row["kind"])
        end = after["day"] if after is not None and is_same else until + timedelta(days=1)
        for days in range(1, (end - row["day"]).days):
            yield Quality(
                *(row["source"], row["day"] + timedelta(days=days), BatchKind(row["kind"]), None),
                *(row["rows_promised"], 0, 0, 0, 0, 0, 0, 0, 0),
                is_on_time=False,
            )


async def batches(actor: AdminActor, before: UUID | None, limit: int) -> Sequence[Row]:
    """Batches, newest first; `before` is the last id of the page before. Raises `ProvinceAlone`."""
    _refuse_region(actor)
    return await fetch_all(
        f"SELECT {BATCH} FROM credit_batches WHERE id < $1 ORDER BY id DESC LIMIT $2",
        *(before or AFTER_ALL, limit),
    )


async def batch(actor: AdminActor, batch_id: UUID) -> tuple[Row, Sequence[Row]]:
    """One batch and its files.

    Raises:
        ProvinceAlone, NotFound: not for this admin, or not there.
    """
    _refuse_region(actor)
    row = await fetch_one(f"SELECT {BATCH} FROM credit_batches WHERE id = $1", batch_id)
    if row is None:
        raise NotFound
    files = await fetch_all(
        "SELECT kind, name, rows_promised, rows_read, rows_bad, is_loaded FROM credit_batch_files"
        " WHERE batch_id = $1 ORDER BY kind",
        batch_id,
    )
    return row, files


async def errors(actor: AdminActor, batch_id: UUID, after: UUID | None, limit: int) -> Sequence[Row]:
    """A batch's bad rows in the order that they were found in; `after` is the last id of the page before.

    Raises:
        ProvinceAlone, NotFound: as for `batch`.
    """
    await batch(actor, batch_id)
    return await fetch_all(
        f"SELECT {ERROR} FROM credit_batch_errors WHERE batch_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        *(batch_id, after or UUID(int=0), limit),
    )


async def errors_file(actor: AdminActor, batch_id: UUID) -> Row:
    """The stored file with a batch's bad rows, to be sent back to the source.

    Raises:
        ProvinceAlone, NotFound: not for this admin, or there is none.
    """
    _refuse_region(actor)
    row = await fetch_one("SELECT errors_file_id FROM credit_batches WHERE id = $1", batch_id)
    if row is None or row["errors_file_id"] is None:
        raise NotFound
    return await stored_files.of_owner(row["errors_file_id"], FilePurpose.CREDIT_BATCH_ERRORS, batch_id)


async def close_error(actor: AdminActor, error_id: UUID, reason: str, now: datetime) -> None:
    """Say that a bad row needs no other delivery, and why.

    Raises:
        ProvinceAlone, NotFound: not for this admin, or not there.
        BatchErrorNotOpen: it was mended or closed before.
    """
    _refuse_region(actor)
    async with transaction():
        done = await fetch_one(
            "UPDATE credit_batch_errors SET state = 'closed', closed_by = $2, reason = $3, ended_at = $4"
            " WHERE id = $1 AND state = 'open' RETURNING code",
            *(error_id, actor.id, reason, now),
        )
        if done is None:
            if await fetch_one("SELECT 1 FROM credit_batch_errors WHERE id = $1", error_id):
                raise BatchErrorNotOpen
            raise NotFound
        thing = ("credit_batch_error", error_id)
        facts = {"state": BatchErrorState.OPEN.value}, {"state": BatchErrorState.CLOSED.value}
        await audit_log.record(
            *(audit_log.who(actor), "credit_batch.close_error", thing, now),
            region=actor.region,
            before=facts[0],
            after=facts[1],
        )


async def note_upheld(source: str, record_id: str, now: datetime) -> bool:
    """Count a source's record whose objection was upheld against its batch in force, in the caller's transaction.

    It stays open until a repair of the record is delivered. Whether there is a batch; twice changes nothing.
    """
    found = await execute(
        "INSERT INTO credit_batch_errors (id, batch_id, kind, record_id, field, code, found_at)"
        " SELECT $1, c.batch_id, c.kind, $2::varchar, 'row', 'objection_upheld', $3 FROM credit_copies c"
        " WHERE c.kind = 'tiers' AND c.source = $4 AND NOT EXISTS (SELECT FROM credit_batch_errors e"
        "  JOIN credit_batches b ON b.id = e.batch_id AND b.source = $4"
        "  WHERE e.state = 'open' AND e.record_id = $2::varchar AND e.code = 'objection_upheld')",
        *(new_id(), record_id, now, source),
    )
    return bool(found)


def _refuse_region(actor: AdminActor) -> None:
    if not actor.region.endswith("0000"):
        raise ProvinceAlone


def _part(some: int, whole: int) -> int | None:
    return WHOLE * some // whole if whole else None
