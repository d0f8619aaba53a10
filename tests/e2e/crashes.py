"""A connection that dies at a statement: before PostgreSQL hears it, or after it was done and before we are told."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg

METHODS = ("fetch", "fetchrow", "fetchval", "execute", "executemany", "fetchmany")
# What the death of a connection looks like to whoever waits for an answer.
LOST = (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError)


class Crash:
    """Kills the connection of the statement number `at` from now on; 0 for none."""

    def __init__(self) -> None:
        self._remaining = 0
        self._is_done_first = False
        self.happened = 0

    def prepare(self, at: int, *, is_done_first: bool) -> None:
        """At which statement, and whether it is done before the connection dies."""
        self._remaining, self._is_done_first = at, is_done_first

    def forget(self) -> None:
        """No statement of what comes now dies."""
        self._remaining = 0

    async def run(self, original: Any, connection: asyncpg.Connection, *values: Any, **named: Any) -> Any:
        """One statement, which may be the one."""
        self._remaining -= 1
        if self._remaining != 0:
            return await original(connection, *values, **named)
        self.happened += 1
        if not self._is_done_first:
            connection.terminate()
            return await original(connection, *values, **named)
        await original(connection, *values, **named)
        connection.terminate()
        raise asyncpg.ConnectionDoesNotExistError("the connection died before the answer was there")


@contextmanager
def crashing() -> Iterator[Crash]:
    """Every statement of every connection goes by the crash that the block gets."""
    crash = Crash()
    originals = {name: getattr(asyncpg.Connection, name) for name in METHODS}

    def method(original: Any) -> Any:
        async def run(self: asyncpg.Connection, *values: Any, **named: Any) -> Any:
            return await crash.run(original, self, *values, **named)

        return run

    for name, original in originals.items():
        setattr(asyncpg.Connection, name, method(original))
    try:
        yield crash
    finally:
        for name, original in originals.items():
            setattr(asyncpg.Connection, name, original)
