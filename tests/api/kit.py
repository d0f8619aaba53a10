"""What the tests of the interface share: problems, people, workers one by one, the state of the database."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit
from uuid import uuid4

import httpx

from server.config import load
from tests.service import API, Service, new_key

PROBLEM = "application/problem+json"
NOBODY = "00000000-0000-4000-8000-000000000000"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_LOOKS_LIKE_A_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]")
# Written by the processes in the background, not by the request that is looked at.
BACKGROUND = frozenset({"refused_scan_counts", "flow_days"})


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The members of a problem (RFC 9457) after everything that every problem promises was checked."""
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text[:400]
    assert answer.headers["content-type"] == PROBLEM
    members: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "code", "request_id"} <= set(members)
    assert members["status"] == status and members["title"] and members["detail"].endswith(("。", "."))
    assert re.fullmatch("[a-z][a-z0-9_]*", members["code"])
    assert members["request_id"] == answer.headers["x-request-id"]
    if status == 422:
        assert all({"pointer", "code", "detail"} <= set(each) for each in members["errors"])
    if status in (429, 503):
        assert int(answer.headers["retry-after"]) >= 1
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
    if status == 405:
        assert answer.headers["allow"]
    return members


def answered(answer: httpx.Response, status: int, *names: str, least_fen: int = 0) -> dict[str, Any]:
    """A JSON answer that holds these fields; all its times have an offset, all its money is whole fen."""
    assert answer.status_code == status, answer.text[:400]
    assert answer.headers["content-type"] == "application/json" and answer.headers["x-request-id"]
    body: dict[str, Any] = answer.json()
    assert set(names) <= set(body), f"missing: {set(names) - set(body)}"
    check_values(body, least_fen=least_fen)
    return body


def check_values(value: object, name: str = "", least_fen: int = 0) -> None:
    """Times are RFC 3339 with offset, money is integer fen from 0 to a billion, ids are texts."""
    if isinstance(value, dict):
        for key, member in value.items():
            check_values(member, key, least_fen)
    elif isinstance(value, list):
        for member in value:
            check_values(member, name, least_fen)
    elif isinstance(value, str) and _LOOKS_LIKE_A_MOMENT.match(value):
        assert MOMENT.fullmatch(value), f"{name}: {value}"
    elif value is not None and name.endswith("_fen"):
        assert type(value) is int and least_fen <= value <= 1_000_000_000, f"{name}: {value}"
    elif value is not None and (name == "id" or name.endswith("_id")):
        assert isinstance(value, str), f"{name}: {value}"


def with_key(key: str | None = None) -> dict[str, str]:
    """The header of a call that must not happen twice."""
    return {"Idempotency-Key": key or new_key()}


def bearer(client: httpx.AsyncClient) -> str:
    """The access token that a client sends."""
    return client.headers["Authorization"].removeprefix("Bearer ")


async def claim(client: httpx.AsyncClient, offer_id: str, key: str | None = None) -> httpx.Response:
    """Claim an offer by its id."""
    return await client.post(f"/offers/{offer_id}/coupons", json={}, headers=with_key(key))


async def coupon_of(client: httpx.AsyncClient, offer_id: str) -> str:
    """The id of a coupon that was just claimed."""
    answer = await claim(client, offer_id)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def code_of(client: httpx.AsyncClient, coupon_id: str) -> str:
    """The code that the phone shows now."""
    answer = await client.get(f"/coupons/{coupon_id}/code")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["code"])


async def walk(
    client: httpx.AsyncClient, path: str, limit: int, *, least_fen: int = 0, **query: Any
) -> list[dict[str, Any]]:
    """All items of a list, page by page; no page is longer than asked for.

    Args:
        least_fen: below zero where money is what an adjustment or a reversal adds.
    """
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(1000):
        more = {"cursor": cursor} if cursor else {}
        answer = await client.get(path, params={**query, "limit": limit, **more})
        page = answered(answer, 200, "items", "next_cursor", least_fen=least_fen)
        assert len(page["items"]) <= limit
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found
        assert re.fullmatch("[A-Za-z0-9_-]+", cursor) and len(page["items"]) == limit
    raise AssertionError("the list does not end")


@asynccontextmanager
async def one_client_per_worker(service: Service) -> AsyncIterator[dict[int, httpx.AsyncClient]]:
    """For each web process a client whose only connection is served by it.

    All processes accept on one socket; the others stand still while one of them takes its connection.
    """
    pids = service.web_pids()
    clients: dict[int, httpx.AsyncClient] = {}
    try:
        for pid in pids:
            others = [other for other in pids if other != pid]
            _send(signal.SIGSTOP, others)
            try:
                client = httpx.AsyncClient(
                    base_url=service.url + API,
                    timeout=10,
                    limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=600),
                )
                clients[pid] = client
                assert (await client.get(service.url + "/healthz")).status_code == 200
            finally:
                _send(signal.SIGCONT, others)
        yield clients
    finally:
        for client in clients.values():
            await client.aclose()


def _send(number: signal.Signals, pids: Collection[int]) -> None:
    for pid in pids:
        os.kill(pid, number)


async def fingerprint(
    service: Service, leave_out: Collection[str] = BACKGROUND
) -> dict[str, tuple[int, str]]:
    """Number and hash of the rows of every table: equal before and after means that nothing was changed."""
    tables = await service.fetch(
        "SELECT relname AS tablename FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname"
    )
    names = [row["tablename"] for row in tables if row["tablename"] not in leave_out]
    rows = await service.fetch(
        " UNION ALL ".join(
            f"SELECT '{name}' AS name, count(*) AS rows, md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), ''))"
            f" AS hash FROM {name} t"
            for name in names
        )
    )
    return {row["name"]: (row["rows"], row["hash"]) for row in rows}


async def revocations_are_known() -> None:
    """Wait as long as a process may take to learn of a session that ended elsewhere."""
    await asyncio.sleep(1.0)


def own_redis(url: str, database: int) -> str:
    """Another numbered database of the same Redis: counters of other services don't count there."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()} | {"db": str(database)}
        return urlunsplit(parts._replace(query=urlencode(query)))
    return urlunsplit(parts._replace(path=f"/{database}"))


async def account_without_a_person(service: Service, code: str) -> None:
    """The sandbox's identity of a code gets an account of its own, which nobody is known to be behind.

    So it is with a channel that verified nobody at first; signing in with the code finds it from now on.
    """
    keys, citizen_id = load(service.environment).data_keys, uuid4()
    await service.fetch(
        "WITH made AS (INSERT INTO citizens (id, created_at) VALUES ($1, $2) RETURNING id)"
        " INSERT INTO channel_identities (citizen_id, channel, subject_hash, created_at)"
        " SELECT id, 'sandbox', $3, $2 FROM made",
        *(citizen_id, datetime.now(UTC), keys.keyed_hash(f"sandbox:{code}", "channel_identities.subject")),
    )
