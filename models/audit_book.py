"""The audit as a book that is sealed: its records, one line of JSON each, in the order of `entry`.

A leaf is that of the ledger (`models.seals`) with the kind `A`. The line holds every column of the record, `before` and
`after` as the texts that they are. Nobody can be known by it but by his random id: `models.audit_log` writes nothing else.
"""

from json import dumps
from uuid import UUID

from common.database import Row
from models.seals import Book, Record

COLUMNS = (
    "entry, id, recorded_at AT TIME ZONE 'UTC' AS at, actor_kind, actor_id, action, object_kind, object_id, outcome,"
    " request_id, region_id, before, after"
)
READ = f"SELECT {COLUMNS} FROM audit_records WHERE entry > $1 AND entry <= $2 ORDER BY entry LIMIT $3"
UNSEALED_SINCE = "SELECT recorded_at AS at FROM audit_records WHERE entry > $1 ORDER BY entry LIMIT 1"


def record_of(row: Row) -> Record:
    """A row of `COLUMNS` as a record."""
    actor_id: UUID | None = row["actor_id"]
    line = {
        "kind": "audit",
        "entry": row["entry"],
        "id": str(row["id"]),
        "recorded_at": row["at"].isoformat(timespec="microseconds") + "Z",
        "actor_kind": row["actor_kind"],
        "actor_id": None if actor_id is None else str(actor_id),
        **{name: row[name] for name in ("action", "object_kind", "object_id", "outcome", "request_id")},
        "region": row["region_id"],
        **{name: row[name] for name in ("before", "after")},
    }
    return Record("A", row["entry"], row["id"], dumps(line, separators=(",", ":")))


AUDIT = Book(
    name="audit",
    format="xinyi-audit-seal/1",
    tables=("audit_records",),
    sequence="audit_entries",
    seals="audit_seals",
    read=READ,
    record_of=record_of,
    oldest=UNSEALED_SINCE,
)
