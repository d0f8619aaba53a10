"""One database with the demo data for all tests of its constraints; each test leaves it as it was."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from common.database_url import tortoise_config
from tests.conftest import Templates


@pytest.fixture(scope="module")
async def connection(templates: Templates) -> AsyncIterator[asyncpg.Connection]:
    """A plain connection to a migrated database with the demo data."""
    parts = tortoise_config(templates("c", True))["connections"]["default"]["credentials"]
    wanted = ("host", "port", "user", "password", "database")
    found = await asyncpg.connect(**{name: parts[name] for name in wanted})
    yield found
    await found.close()


@pytest.fixture
async def scratch(connection: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """The same inside a transaction that is taken back after the test."""
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
