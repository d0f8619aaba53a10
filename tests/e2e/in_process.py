"""This process as a service: the business functions themselves, for races without HTTP and for moved clocks."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from benefits import claims, codes, redemptions, reversals
from benefits.eligibility import NOBODY, Standing
from benefits.redemption_rules import Order
from benefits.redemptions import ScanKeys
from common import database as db
from common.actors import StaffActor
from common.clock import now
from common.database import fetch_all
from common.errors import DomainError
from common.request_keys import request_key
from common.shared_statements import SharedStatement
from sandbox.demo_data.rows import demo_id
from server.config import load
from tests.e2e.workbench import crowd, row_held
from tests.seeds import environment
from tests.service import new_key

CLERK = StaffActor(demo_id("staff", "demo-cashier"), uuid4(), demo_id("member", "hz-hupan"))
STORE = demo_id("store", "hz-hupan-wulin")


@dataclass(frozen=True)
class Bench:
    """This process as a service: its database and its keys."""

    url: str
    keys: ScanKeys

    @classmethod
    def of(cls, database_url: str) -> "Bench":
        """For a database that this process is connected to, with the sandbox's keys."""
        settings = load(environment(database_url, "redis://127.0.0.1:1"))
        return cls(database_url, ScanKeys(settings.code_master_keys, settings.data_keys))

    async def citizen(self) -> UUID:
        """Somebody."""
        citizen_id = uuid4()
        await db.execute("INSERT INTO citizens (id, created_at) VALUES ($1, $2)", citizen_id, now())
        return citizen_id

    async def claim(self, citizen_id: UUID, offer_id: str, key: str | None = None) -> UUID:
        """Claim an offer that is open to all."""
        request = request_key(key or new_key(), b"", offer_id)
        return (await claims.claim(citizen_id, UUID(offer_id), request, nobody_asks, now())).id

    async def code(self, coupon_id: UUID, later: int = 0, at: datetime | None = None) -> str:
        """A code of the step of a moment (the present one), or of one so many steps later."""
        row = await db.fetch_one("SELECT number FROM coupons WHERE id = $1", coupon_id)
        assert row is not None
        step = codes.step_at((at or now()).timestamp()) + later
        return codes.make(self.keys.codes, row["number"], 0, step)

    async def redeem(self, code: str, key: str | None = None, at: datetime | None = None) -> UUID:
        """Redeem, at another moment if one is given."""
        order = Order(STORE, 10_000, 1)
        request = request_key(key or new_key(), code.encode())
        return (await redemptions.redeem(CLERK, code, order, request, self.keys, at or now())).id

    async def reverse(self, redemption_id: UUID, at: datetime | None = None) -> UUID:
        """Undo."""
        request = request_key(new_key(), b"", redemption_id)
        return (await reversals.reverse(CLERK, redemption_id, "x", request, at or now())).id

    async def at_once(
        self, row: tuple[str, Any], works: Sequence[Callable[[], Awaitable[Any]]]
    ) -> Counter[str]:
        """Let everybody read, then let everybody write; what came of it: "done", or the refusal's code.

        Each as in a process of his own: nobody shares a statement with anybody.
        """
        # Warm, so that opening connections does not put them into a queue.
        await asyncio.gather(*(fetch_all("SELECT pg_sleep(0.02)") for _ in works))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(SharedStatement, "ask_together", ask_alone)
            async with row_held(self.url, *row):
                running = [asyncio.create_task(outcome(work())) for work in works]
                await crowd(fetch_all, len(works))
            return Counter(await asyncio.gather(*running))


async def ask_alone(shared: SharedStatement, *values: object, apart: object = None) -> db.Row | None:
    return await shared.ask_alone(*values)


async def nobody_asks() -> Standing:
    return NOBODY


async def outcome(work: Awaitable[Any]) -> str:
    try:
        await work
    except DomainError as refusal:
        return refusal.code
    except asyncpg.PostgresError as error:
        return type(error).__name__
    return "done"
