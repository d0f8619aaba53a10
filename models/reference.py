"""Reference data that every installation has: regions, programmes, consent and commitment texts. Idempotent to load."""

import csv
import hashlib
from datetime import date, datetime
from pathlib import Path

from common.clock import start_of
from common.database import execute

WIDER = ".wider"
FOLDER = Path(__file__).parent / "reference_data"


async def load(now: datetime) -> int:
    """Insert what is new and update what changed, from the files beside this one.

    Returns:
        How many rows are new or changed: 0 when it is loaded again.
    """
    return (
        await _load_regions()
        + await _load_programmes()
        + await _load_consent_texts(now)
        + await _load_commitment_texts()
    )


def rows(name: str) -> list[dict[str, str]]:
    """The rows of one of the CSV files, by column name."""
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


async def _load_regions() -> int:
    """GB/T 2260, parents first: province, cities, counties."""
    regions = sorted(rows("regions.csv"), key=lambda row: ("province", "city", "county").index(row["level"]))
    return await execute(
        "INSERT INTO regions (code, name, level, parent_id)"
        " SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])"
        " ON CONFLICT (code) DO UPDATE SET name = excluded.name"
        " WHERE regions.name <> excluded.name",
        *([row[column] or None for row in regions] for column in ("code", "name", "level", "parent")),
    )


async def _load_programmes() -> int:
    programmes = rows("programmes.csv")
    return await execute(
        "INSERT INTO programmes (code, name, category, summary)"
        " SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])"
        " ON CONFLICT (code) DO UPDATE SET name = excluded.name, category = excluded.category,"
        " summary = excluded.summary"
        " WHERE (programmes.name, programmes.category, programmes.summary)"
        " <> (excluded.name, excluded.category, excluded.summary)",
        *([row[column] for row in programmes] for column in ("code", "name", "category", "summary")),
    )


async def _load_consent_texts(now: datetime) -> int:
    """`<purpose>-<version>.md`: the first line is the title, the rest the text; the version is a date.

    One that allows more than those before it is called `<purpose>-<version>.wider.md`.
    """
    loaded = 0
    for file in sorted((FOLDER / "consent_texts").glob("*.md")):
        purpose, _, version = file.stem.removesuffix(WIDER).partition("-")
        title, _, text = file.read_text(encoding="utf-8").partition("\n")
        effective_from = start_of(datetime.strptime(version, "%Y-%m-%d").date())
        loaded += await execute(
            "INSERT INTO consent_texts (purpose, version, title, text, sha256, effective_from, is_wider)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (purpose, version) DO NOTHING",
            *(purpose, version, title.removeprefix("# ").strip(), text.strip()),
            *(hashlib.sha256(text.strip().encode()).hexdigest(), effective_from, file.stem.endswith(WIDER)),
        )
    return loaded


async def _load_commitment_texts() -> int:
    """`<version>.md`, as the consent texts are written."""
    loaded = 0
    for file in sorted((FOLDER / "commitment_texts").glob("*.md")):
        title, _, text = file.read_text(encoding="utf-8").partition("\n")
        loaded += await execute(
            "INSERT INTO commitment_texts (version, title, text, sha256, effective_from)"
            " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (version) DO NOTHING",
            *(file.stem, title.removeprefix("# ").strip(), text.strip()),
            *(hashlib.sha256(text.strip().encode()).hexdigest(), start_of(date.fromisoformat(file.stem))),
        )
    return loaded
