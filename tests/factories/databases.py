"""A migrated database that the tests of a module share: each finds it empty but for the reference data.

A database of one's own costs more than most tests; a folder whose tests don't change the schema imports
both fixtures in its conftest, and `database` means this one there.
"""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from benefits import terms
from common import database as db
from common.database_url import tortoise_config
from tests.conftest import Templates

# Loaded by the migration, and the counts that triggers and whoever tells citizens keep.
STAYS = (
    *("regions", "programmes", "commitment_texts", "catalogue_version", "tortoise_migrations"),
    "notice_marks",
)


@pytest.fixture(scope="module")
async def kept_database(
    templates: Templates,
) -> AsyncIterator[tuple[str, asyncpg.Connection]]:
    """Connected in this process for the module; its URL, and a connection that may empty it."""
    url = templates("k", False)
    parts = tortoise_config(url)["connections"]["default"]["credentials"]
    wanted = ("host", "port", "user", "password", "database")
    broom = await asyncpg.connect(**{name: parts[name] for name in wanted})
    # What is written once can't be deleted otherwise; nobody else's session is changed.
    await broom.execute("SET session_replication_role = replica")
    await db.connect(url, pool_size=8)
    yield url, broom
    await db.disconnect()
    await broom.close()
    templates.drop(url)


@pytest.fixture
async def database(kept_database: tuple[str, asyncpg.Connection]) -> AsyncIterator[str]:
    """The module's database, emptied afterwards; its URL."""
    url, broom = kept_database
    terms._kept.clear()
    yield url
    rows = await broom.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    tables = {row["tablename"] for row in rows} - {*STAYS, "consent_texts"}
    await broom.execute(
        "".join(f"DELETE FROM {table};" for table in sorted(tables))
        + "DELETE FROM consent_texts WHERE version <> '2026-01-01';"
    )
