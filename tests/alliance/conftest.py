"""The database of the tests of the alliance."""

from tests.factories.databases import database, kept_database  # noqa: F401 - fixtures of this folder
