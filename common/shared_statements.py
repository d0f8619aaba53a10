"""One statement for all that wait: what many requests ask at once goes to PostgreSQL in one go.

A statement of one row costs its round trip, its planning and, when it writes, its commit; sixteen rows in one
statement cost little more than one. Nobody waits for a timer: whatever has come while one statement was on its
way goes with the next one, so that a lone request is as fast as it would be by itself, and the busier it gets
the more share one.
"""

import asyncio
from collections.abc import Hashable
from contextvars import Context
from dataclasses import dataclass

import asyncpg

from common.database import Row, fetch_all, fetch_one, one_connection

# More rows than this in one statement make those that wait for it wait longer than they gain.
MOST_ROWS = 128
# One row is refused, or stands across another transaction's: the others have nothing to do with it.
OF_ONE_ROW = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
)


class NotTogether(Exception):
    """The statement for all was refused because of one of its rows: each is to find out by itself."""


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    values: tuple[object, ...]
    apart: Hashable
    answer: "asyncio.Future[Row | None]"


class SharedStatement:
    """A statement over `unnest($1::…[], $2::…[], …) WITH ORDINALITY`, one array for each value.

    It gives at most one row for each that was asked, with its place (from 1) in a column `n`.

    Args:
        together: for many rows. A row that another transaction holds is left out (SKIP LOCKED), so that one that
            waits never makes the others wait.
        alone: for one row, which waits; the same statement where nothing is locked.
    """

    def __init__(self, together: str, alone: str | None = None) -> None:
        self.together = together
        self.alone = alone or together
        self._waiting: list[_Asked] = []
        self._sender: asyncio.Task[None] | None = None

    async def ask(self, *values: object, apart: Hashable = None) -> Row | None:
        """As `ask_together`, and by itself when that was not possible.

        Raises:
            asyncpg.PostgresError, OSError, TimeoutError: as a statement of its own would.
        """
        try:
            return await self.ask_together(*values, apart=apart)
        except NotTogether:
            return await self.ask_alone(*values)

    async def ask_together(self, *values: object, apart: Hashable = None) -> Row | None:
        """The row for these values, together with whatever else waits.

        Args:
            apart: two with the same are never in one statement: the second goes with the next one and sees
                what the first did.

        Raises:
            NotTogether: one of those that waited is in the way of all.
            asyncpg.PostgresError, OSError, TimeoutError: as a statement of its own would.
        """
        loop = asyncio.get_running_loop()
        asked = _Asked(values, apart, loop.create_future())
        if self._sender is None or self._sender.done() or self._sender.get_loop() is not loop:
            self._waiting = []
            # In a context of its own: the sender is nobody's request and holds nobody's connection.
            self._sender = loop.create_task(self._send_all(), context=Context())
        self._waiting.append(asked)
        return await asked.answer

    async def ask_alone(self, *values: object) -> Row | None:
        """The row for these values by a statement of its own, which waits for locks."""
        return await fetch_one(self.alone, *([value] for value in values))

    async def _send_all(self) -> None:
        """Send until nothing waits, one statement at a time: two on their way at once were slower."""
        batch: list[_Asked] = []
        # Asked again after the connection was given back: somebody may have come just then.
        while self._waiting:
            try:
                async with one_connection():
                    while self._waiting:
                        batch = self._next_batch()
                        if batch:
                            await self._send(batch)
            except Exception as error:  # noqa: BLE001 - told to everybody who asked
                # Without its database everybody waits in vain: better to say so at once.
                _fail([*batch, *self._waiting], error)
                self._waiting = []

    def _next_batch(self) -> list[_Asked]:
        batch: list[_Asked] = []
        later: list[_Asked] = []
        taken: set[Hashable] = set()
        for asked in self._waiting:
            if asked.answer.done():
                continue  # who asked has gone away
            if len(batch) == MOST_ROWS or (asked.apart is not None and asked.apart in taken):
                later.append(asked)
            else:
                batch.append(asked)
                taken.add(asked.apart)
        self._waiting = later
        return batch

    async def _send(self, batch: list[_Asked]) -> None:
        columns = zip(*(asked.values for asked in batch), strict=True)
        try:
            rows = await fetch_all(self.together, *map(list, columns))
        except OF_ONE_ROW:
            _fail(batch, NotTogether())
            return
        found = {row["n"]: row for row in rows}
        for place, asked in enumerate(batch, 1):
            if not asked.answer.done():
                asked.answer.set_result(found.get(place))


def _fail(those: list[_Asked], error: Exception) -> None:
    for asked in those:
        if not asked.answer.done():
            asked.answer.set_exception(error)
