"""A time limit and a breaker around any source, so that a sick one costs a citizen two seconds at most."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState

from citizens.credit_sources.contract import (
    CreditSource,
    CreditSourceUnavailable,
    NoRecord,
    Rating,
    SourceOfOthers,
    Subject,
)
from models.enums import ConsentPurpose

TIME_LIMIT_S = 2.0
FAILURES_TO_OPEN = 5
OPEN_FOR_S = 10.0


class GuardedSource:
    """Turns whatever goes wrong into `CreditSourceUnavailable`; after five failures in a row it asks no more for 10 s."""

    def __init__(
        self, source: CreditSource, time_limit_s: float = TIME_LIMIT_S, open_for_s: float = OPEN_FOR_S
    ) -> None:
        self.name = source.name
        self._source = source
        self._time_limit_s = time_limit_s
        self._breakers = AsyncCircuitBreakerFactory(
            default_threshold=FAILURES_TO_OPEN,
            default_ttl=open_for_s,
        )

    async def look_up(
        self, subject: Subject, purpose: ConsentPurpose, consent_proof: UUID
    ) -> Rating | NoRecord:
        """See `CreditSource.look_up`; raises nothing but `CreditSourceUnavailable`."""
        return await self._guarded(partial(self._source.look_up, subject, purpose, consent_proof))

    @property
    def reaches_others(self) -> bool:
        """Whether it can ask what other places' schemes say."""
        return isinstance(self._source, SourceOfOthers)

    async def look_up_under(
        self, scheme_code: str, subject: Subject, purpose: ConsentPurpose, consent_proof: UUID
    ) -> Rating | NoRecord:
        """See `SourceOfOthers.look_up_under`; raises nothing but `CreditSourceUnavailable`."""
        if not isinstance(self._source, SourceOfOthers):
            raise CreditSourceUnavailable
        return await self._guarded(
            partial(self._source.look_up_under, scheme_code, subject, purpose, consent_proof)
        )

    async def _guarded(self, ask: Callable[[], Awaitable[Rating | NoRecord]]) -> Rating | NoRecord:
        breaker = await self._breakers.get_breaker(self.name)
        try:
            await breaker.__aenter__()
        except OpenedState:
            raise CreditSourceUnavailable(retry_after_s=10) from None
        try:
            async with asyncio.timeout(self._time_limit_s):
                answer = await ask()
        except asyncio.CancelledError:
            raise  # a citizen who hangs up says nothing about the source, neither good nor bad
        except Exception as error:
            await breaker.__aexit__(type(error), error, error.__traceback__)
            if isinstance(error, CreditSourceUnavailable):
                raise
            # Whatever a broken or lying source makes its adapter stumble over: there is no tier to rely on.
            raise CreditSourceUnavailable(retry_after_s=2) from error
        await breaker.__aexit__(None, None, None)
        return answer
