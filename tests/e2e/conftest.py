"""Services for whole stories and races."""

from collections.abc import Callable

import pytest

from tests.service import Service


@pytest.fixture(scope="session")
def pair(make_shared_service: Callable[..., Service]) -> tuple[Service, Service]:
    """Two services on one database: two supervisors, two web processes each."""
    first = make_shared_service()
    return first, make_shared_service(DATABASE_URL=first.environment["DATABASE_URL"])
