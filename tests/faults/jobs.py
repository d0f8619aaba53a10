"""What a rush is made of: people with a consent and a tier, coupons to redeem, and the bytes of every request."""

import itertools
import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

from benefits import codes
from common.clock import now
from server import tokens
from server.config import Settings
from tests.e2e.invariants import Fetch
from tests.e2e.workbench import add_offer
from tests.faults.rush import Job
from tests.service import Service

PEOPLE = 1000
# One claim in so many is of an offer with a stock and a limit per day: one row that all of them want.
STOCKED_ONE_IN = 8
CLERKS = ("demo-cashier", "demo-cashier-2")
# The service's own numbers of coupons are random: those from 1 on are ours.
PREPARE = """
INSERT INTO coupons (id, number, offer_id, terms_id, citizen_id, uses_total, valid_from, valid_until, claimed_at,
                     request_key, request_hash)
SELECT lpad(to_hex(n), 32, '0')::uuid, n, o.id, o.terms_id, lpad(to_hex(n % 1000 + 1), 32, '0')::uuid, 1, $3, $4, $3,
       'prepared-' || n, decode(repeat('00', 32), 'hex')
  FROM generate_series(1, $2::int) n, offers o WHERE o.id = $1::uuid
"""


class Jobs:
    """Claims and redemptions in turn, for as long as there are prepared coupons."""

    def __init__(self, settings: Settings, service: Service) -> None:
        self._settings, self._service = settings, service
        self._turns = itertools.count()
        self._numbers = itertools.count(1)
        self._keys = itertools.count(1)
        self._run = uuid4().hex[:8]
        self._clerks: list[tuple[str, str]] = []
        self._offers = ("", "")
        self._tokens = [
            tokens.make_access(settings, "citizen", UUID(int=n), UUID(int=n), None, now())
            for n in range(1, PEOPLE + 1)
        ]

    async def prepare(self, fetch: Fetch, coupons: int) -> None:
        """Write people and coupons into the database, and sign the clerks in."""
        begin = now()
        ends = begin + timedelta(days=30)
        await fetch(
            "INSERT INTO citizens (id, created_at) SELECT lpad(to_hex(n), 32, '0')::uuid, $1"
            " FROM generate_series(1, $2::int) n",
            *(begin, PEOPLE),
        )
        await fetch(
            "INSERT INTO sessions (id, actor_kind, actor_id, created_at, rotated_at, expires_at)"
            " SELECT id, 'citizen', id, $1, $1, $2 FROM citizens WHERE created_at = $1",
            *(begin, ends),
        )
        plain, stocked = await add_offer(fetch), await add_offer(fetch, stock=10_000_000)
        await fetch("UPDATE offer_stock SET daily_limit = 5000000 WHERE offer_id = $1::uuid", stocked)
        self._offers = plain, stocked
        await fetch(PREPARE, plain, coupons, begin, ends)
        await fetch("ANALYZE")
        for login in CLERKS:
            clerk = await self._service.clerk(login)
            self._clerks.append((clerk.http.headers["Authorization"][7:], clerk.store_id))

    def next(self) -> Job:
        """A claim and a redemption in turn."""
        turn = next(self._turns)
        return self._redeem(next(self._numbers)) if turn % 2 else self._claim(turn // 2)

    def _key(self) -> str:
        return f"rush-{self._run}-{next(self._keys)}"

    def _claim(self, turn: int) -> Job:
        offer_id = self._offers[turn % STOCKED_ONE_IN == 0]
        key = self._key()
        path = f"/api/v1/offers/{offer_id}/coupons"
        data = post(path, self._tokens[turn % PEOPLE], key, b"{}")
        again: Callable[[], Job] = lambda: self._claim(turn)  # noqa: E731
        return Job("claim", key, data, again)

    def _redeem(self, number: int) -> Job:
        token, store_id = self._clerks[number % len(self._clerks)]
        code = codes.make(self._settings.code_master_keys, number, 0, codes.step_at(time.time()))
        body = b'{"code":"%b","store_id":"%b","order_amount_fen":10000}' % (code.encode(), store_id.encode())
        key = self._key()
        return Job("redeem", key, post("/api/v1/redemptions", token, key, body), lambda: self._redeem(number))


def post(path: str, token: str, key: str, body: bytes) -> bytes:
    """The bytes of a POST with an access token and a key."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
