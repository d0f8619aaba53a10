"""A real service for a test: `python -m server web` on a free port, and clients that speak to it."""

import asyncio
import atexit
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from common.database_url import tortoise_config
from tests.warm import Started, hearth

READY_WITHIN_S = 30.0
API = "/api/v1"
UNLIMITED, HUNDRED = "压测 · 不限量", "限量 100 份"
_numbers = count(1)
# Everything here is plain HTTP; loading the certificate authorities for each client takes 17 ms.
_NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_clients: list[httpx.AsyncClient] = []


# Idle connections to the databases of lasting services, and the event loop that may use them.
_looking: dict[str, asyncpg.Connection] = {}
_loop: asyncio.AbstractEventLoop | None = None


@asynccontextmanager
async def connections_kept() -> AsyncIterator[None]:
    """Let `Service.fetch` keep a connection to each lasting service until this ends.

    What a new one has to learn of a hundred tables costs ten times the looking itself.
    """
    global _loop
    _loop = asyncio.get_running_loop()
    try:
        yield
    finally:
        _loop = None
        while _looking:
            # Not in order: its database may have been dropped with its service.
            _looking.popitem()[1].terminate()
        await asyncio.sleep(0)


async def close_clients() -> None:
    """Close every client that was made since the last time."""
    while _clients:
        await _clients.pop().aclose()


def new_key() -> str:
    """An idempotency key that nobody used."""
    return f"test-{uuid4().hex}"


@dataclass
class Service:
    """One service: a supervisor and its web processes."""

    process: subprocess.Popen[bytes] | Started
    url: str
    environment: dict[str, str]
    log: Path
    offers: dict[str, str] = field(default_factory=dict)
    module: str = "server"
    # Its database is there as long as it is.
    is_lasting: bool = False

    @classmethod
    def start(cls, environment: Mapping[str, str], module: str = "server") -> "Service":
        """Start it and wait until it is ready; the port is chosen here, and kept by `launch`.

        Args:
            module: whose `web` is run.
        """
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        folder = Path(tempfile.mkdtemp(prefix="xy-service-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        full = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            "FILES_DIR": str(folder / "files"),
            **environment,
            "PORT": str(port),
            "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
        }
        service = cls(None, f"http://127.0.0.1:{port}", full, folder / "log", module=module)  # type: ignore[arg-type]
        service.launch()
        return service

    def launch(self) -> None:
        """Start the process (again) and wait until it is ready."""
        if self.module == "server":
            self.process = hearth().serve(self.environment, self.log)
        else:
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    [sys.executable, "-m", self.module, "web"], env=self.environment, stdout=log, stderr=log
                )
        self.wait_ready()

    def wait_ready(self, within_s: float = READY_WITHIN_S) -> None:
        """Wait until /readyz says 200."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            with suppress(httpx.HTTPError):
                if httpx.get(self.url + "/readyz", timeout=2).status_code == 200:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"the service is not ready:\n{self.log.read_text()[-3000:]}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it as an operator would; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(30)

    def web_pids(self) -> list[int]:
        """The process ids of its web processes."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                if int(stat.read_text().rsplit(")", 1)[1].split()[1]) == self.process.pid:
                    found.append(int(stat.parent.name))
        return found

    def client(self, **headers: str) -> httpx.AsyncClient:
        """A client at the API's base path; every request may open a connection of its own."""
        limits = httpx.Limits(max_connections=400, max_keepalive_connections=400)
        client = httpx.AsyncClient(
            base_url=self.url + API, headers=headers, timeout=30, limits=limits, verify=_NO_CERTIFICATES
        )
        _clients.append(client)
        return client

    async def fetch(self, sql: str, *values: object) -> list[Any]:
        """Look into the service's database."""
        url, keeps = self.environment["DATABASE_URL"], self.is_lasting and asyncio.get_running_loop() is _loop
        connection = _looking.pop(url, None) if keeps else None
        if connection is None or connection.is_closed():
            connection = await self._connected()
        try:
            rows = list(await connection.fetch(sql, *values))
            if keeps:
                # Whoever looked at the same time leaves his.
                _looking.setdefault(url, connection)
            return rows
        finally:
            if _looking.get(url) is not connection:
                await connection.close()

    async def _connected(self) -> asyncpg.Connection:
        parts = tortoise_config(self.environment["DATABASE_URL"])["connections"]["default"]["credentials"]
        wanted = ("host", "port", "user", "password", "database", "ssl")
        return await asyncpg.connect(**{name: parts[name] for name in wanted if name in parts})

    async def citizen(self, code: str | None = None, *, consent: bool = True) -> "CitizenClient":
        """A signed-in citizen, by default one of his own whom no other test knows."""
        code = code or f"load-{os.getpid() % 1000 * 100_000 + next(_numbers)}"
        client = self.client()
        answer = await client.post("/auth/citizen", json={"channel": "sandbox", "code": code})
        assert answer.status_code == 200, answer.text
        client.headers["Authorization"] = "Bearer " + answer.json()["access_token"]
        citizen = CitizenClient(self, client, answer.json())
        if consent:
            await citizen.consent()
        return citizen

    async def clerk(self, login: str = "demo-cashier") -> "StaffClient":
        """A signed-in clerk of the demo member."""
        client = self.client()
        answer = await client.post("/auth/staff", json={"login": login, "password": login})
        assert answer.status_code == 200, answer.text
        client.headers["Authorization"] = "Bearer " + answer.json()["access_token"]
        return StaffClient(client, answer.json())

    async def admin(self, login: str = "demo-admin") -> httpx.AsyncClient:
        """A signed-in alliance admin."""
        client = self.client()
        answer = await client.post("/auth/admin", json={"login": login, "password": login})
        assert answer.status_code == 200, answer.text
        client.headers["Authorization"] = "Bearer " + answer.json()["access_token"]
        return client

    async def revoke_coupon(self, coupon_id: str, reason: str = "测试") -> None:
        """Have a coupon revoked: one admin asks, another agrees."""
        admin, head = await self.admin(), await self.admin("demo-head")
        asked = await admin.post(f"/admin/coupons/{coupon_id}/revocation", json={"reason": reason})
        assert asked.status_code == 202, asked.text
        path = f"/admin/approvals/{asked.json()['approval_id']}/approval"
        answer = await head.post(path, json={"reason": "同意"})
        assert answer.status_code == 204, answer.text

    async def offer_id(self, title: str = UNLIMITED) -> str:
        """The id of a demo offer."""
        if title not in self.offers:
            rows = await self.fetch(
                "SELECT o.id FROM offers o JOIN offer_terms t ON t.id = o.terms_id WHERE t.title = $1", title
            )
            self.offers[title] = str(rows[0]["id"])
        return self.offers[title]


@dataclass
class CitizenClient:
    """A citizen's phone."""

    service: Service
    http: httpx.AsyncClient
    signed_in: dict[str, Any]

    @property
    def id(self) -> str:
        """His random subject id."""
        return str(self.signed_in["citizen"]["id"])

    async def consent(self) -> httpx.Response:
        """Agree to the credit check as it is worded now."""
        text = (await self.http.get("/consents/credit_check")).json()
        return await self.http.put(
            "/me/consents/credit_check", json={"version": text["version"], "granted": True}
        )

    async def claim(self, title: str = UNLIMITED, key: str | None = None) -> httpx.Response:
        """Claim a demo offer."""
        offer_id = await self.service.offer_id(title)
        return await self.http.post(
            f"/offers/{offer_id}/coupons", json={}, headers={"Idempotency-Key": key or new_key()}
        )

    async def coupon(self, title: str = UNLIMITED) -> dict[str, Any]:
        """A claimed coupon."""
        answer = await self.claim(title)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def code(self, coupon_id: str) -> str:
        """A fresh code."""
        answer = await self.http.get(f"/coupons/{coupon_id}/code")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["code"])


@dataclass
class StaffClient:
    """A clerk's phone."""

    http: httpx.AsyncClient
    signed_in: dict[str, Any]

    @property
    def store_id(self) -> str:
        """The store that his screen opens with."""
        return str(self.signed_in["staff"]["stores"][0]["id"])

    async def redeem(self, code: str, key: str | None = None, **more: Any) -> httpx.Response:
        """Redeem a code for an order of 100 yuan at his store."""
        body = {"code": code, "store_id": self.store_id, "order_amount_fen": 10_000, **more}
        return await self.http.post("/redemptions", json=body, headers={"Idempotency-Key": key or new_key()})

    async def preview(self, code: str, **more: Any) -> httpx.Response:
        """Ask what a redemption would give."""
        body = {"code": code, "store_id": self.store_id, "order_amount_fen": 10_000, **more}
        return await self.http.post("/redemptions/preview", json=body)

    async def reverse(self, redemption_id: str, key: str | None = None) -> httpx.Response:
        """Undo a redemption."""
        return await self.http.post(
            f"/redemptions/{redemption_id}/reversals",
            json={"reason": "扫错了"},
            headers={"Idempotency-Key": key or new_key()},
        )
