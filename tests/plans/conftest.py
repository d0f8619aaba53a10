"""Each module here has a PostgreSQL of its own that writes down what it is sent."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.embedded import Postgres
from tests.plans import recorder
from tests.seeds import copy_seed


@pytest.fixture(scope="module")
def recorded() -> Iterator[Postgres]:
    """It has the demo data."""
    with tempfile.TemporaryDirectory(prefix="xy-plans-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        copy_seed(16, folder / "pg")
        postgres = recorder.start(folder / "pg")
        try:
            yield postgres
        finally:
            postgres.kill()
