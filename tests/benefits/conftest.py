"""Fixtures for the tests of what citizens claim and staff redeem."""

from collections.abc import Iterator

import pytest

from benefits import attempts
from tests.factories.databases import database, kept_database  # noqa: F401 - fixtures of this folder
from tests.factories.members import Shop, a_shop


@pytest.fixture
async def shop(database: str) -> Shop:  # noqa: F811
    """A member with two stores, a clerk and a manager; nobody else is there."""
    return await a_shop()


@pytest.fixture(autouse=True)
def _nothing_counted() -> Iterator[None]:
    """Counts of refused codes wait in the process; none go from one test to the next."""
    attempts._counted.clear()
    yield
    attempts._counted.clear()
