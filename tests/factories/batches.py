"""Signed batches as a credit source delivers them, and the desk that takes them in."""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from alliance.batch_manifest import COLUMNS
from alliance.credit_batches import BatchDesk
from common.clock import SHANGHAI
from common.database import execute, fetch_all
from common.files import FileStore
from common.signing import Signer
from models.office_enums import BatchKind
from tests.factories.citizens import KEYS

SOURCE_KEY = Signer.of(b"the source's key for its batches")
DAY = date(2026, 3, 3)
SCHEME = "zj-demo"
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def id_number(serial: int) -> str:
    """A number with a good check digit, of nobody."""
    body = f"330106{1950 + serial // 1000 % 50:04}0101{serial % 1000:03}"
    return body + "10X98765432"[sum(int(digit) * w for digit, w in zip(body, WEIGHTS, strict=True)) % 11]


def tier_rows(count: int, score: int = 800, day: date = DAY) -> list[tuple[Any, ...]]:
    """Rows of as many people."""
    return [(id_number(n), score, SCHEME, day, f"t-{n}") for n in range(count)]


def csv_of(kind: BatchKind, rows: Sequence[Sequence[Any]]) -> bytes:
    """A file as the format has it."""
    return "".join(",".join(map(str, row)) + "\n" for row in (COLUMNS[kind], *rows)).encode()


def batch(
    folder: Path,
    files: Mapping[BatchKind, Sequence[Sequence[Any]] | bytes],
    *,
    day: date = DAY,
    batch_id: str = "b-1",
    made_at: datetime | None = None,
    signer: Signer = SOURCE_KEY,
    manifest: Mapping[str, Any] | None = None,
    entries: Mapping[str, Any] | None = None,
) -> Path:
    """Write a signed batch; `manifest` and `entries` say something else than the truth."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = []
    for kind, rows in files.items():
        content = rows if isinstance(rows, bytes) else csv_of(kind, rows)
        (folder / f"{kind}.csv").write_bytes(content)
        listed.append(
            {
                **{"kind": kind, "name": f"{kind}.csv", "rows": max(content.count(b"\n") - 1, 0)},
                **{"sha256": sha256(content).hexdigest(), "columns": list(COLUMNS[kind]), **(entries or {})},
            }
        )
    made = made_at or datetime.combine(day + timedelta(days=1), datetime.min.time(), SHANGHAI)
    content = {
        **{"format": 1, "source": "test", "batch_id": batch_id, "data_date": day.isoformat()},
        **{"made_at": made.isoformat(), "files": listed, **(manifest or {})},
    }
    raw = json.dumps(content, ensure_ascii=False).encode()
    (folder / "manifest.json").write_bytes(raw)
    (folder / "manifest.sig").write_text(base64.b64encode(signer.sign(raw)).decode() + "\n")
    return folder


def batch_desk(database_url: str, files: Path) -> BatchDesk:
    """The desk of the source that signs with `SOURCE_KEY`."""
    return BatchDesk(database_url, "test", SOURCE_KEY.public_key, KEYS, FileStore(files))


async def tables() -> set[str]:
    """Tables of single batches."""
    rows = await fetch_all(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '_[0-9]+$'"
        " AND relname ~ '^(credit_ratings|organisation_grades|dishonest)'"
    )
    return {row["relname"] for row in rows}


async def drop_tables() -> None:
    """At a test's end: the database is emptied, not dropped."""
    for table in await tables():
        await execute(f"DROP TABLE {table}")
