"""The database of the tests of members' staff."""

from tests.factories.databases import database, kept_database  # noqa: F401 - fixtures of this folder
