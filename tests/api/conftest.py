"""Fixtures of the tests of the interface."""

from collections.abc import Iterator

import pytest

from tests.service import Service

# An answer that the document does not promise, our own mistake, and anything that is an error at all.
MISTAKES = ('"undocumented_problem"', '"unhandled"', '"level": "error"', '"level": "critical"')


@pytest.fixture(autouse=True)
def _no_mistake_is_logged(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test of the shared service leaves a line in its log that tells of a mistake of ours."""
    if "service" not in request.fixturenames:
        yield
        return
    service: Service = request.getfixturevalue("service")
    before = service.log.stat().st_size
    yield
    lines = service.log.read_bytes()[before:].decode().splitlines()
    assert not [line for line in lines if any(mark in line for mark in MISTAKES)]
