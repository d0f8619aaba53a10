"""Is it alive, can it serve, and what has it done."""

import asyncio
import hmac
from ipaddress import ip_address
from typing import Literal

from sanic import Blueprint, HTTPResponse, Request

from common import events
from common.clock import now
from common.database import fetch_one
from common.errors import NotFound, Unavailable
from server import database_metrics, metrics
from server.endpoints import endpoint
from server.migrate import WrongInstallation, must_be_installation, pending
from server.schemas import Out

routes = Blueprint("health")

PATIENCE_S = 1.0


class HealthOut(Out):
    """It lives."""

    status: Literal["ok"] = "ok"


class ReadyOut(Out):
    """It can serve; `degraded` names what is missing that it can do without."""

    status: Literal["ready", "degraded"]
    missing: list[str]


class NotReady(Unavailable):
    """Something that every request needs is missing."""

    code = "not_ready"
    zh = "服务还不能使用，缺少：{missing}。"
    en = "The service can't serve yet; missing: {missing}."
    shown = ("missing",)


@endpoint(routes, "GET", "/healthz", summary="存活 / Alive", answers={200: HealthOut})
async def healthz() -> HealthOut:
    """As long as the process lives; asks nobody."""
    return HealthOut()


@endpoint(routes, "GET", "/readyz", summary="就绪 / Ready", answers={200: ReadyOut}, refusals=(NotReady,))
async def readyz(request: Request) -> ReadyOut:
    """Database reachable and migrations current; without Redis it is degraded, and still serves."""
    await _must_have_database(request)
    has_redis = await _has_redis()
    return ReadyOut(status="ready" if has_redis else "degraded", missing=[] if has_redis else ["redis"])


@endpoint(
    routes,
    "GET",
    "/metrics",
    summary="指标 / Prometheus metrics",
    answers={200: {"text/plain": None}},
    refusals=(NotFound,),
)
async def show_metrics(request: Request) -> HTTPResponse:
    """For loopback, or with the metrics token; for everybody else it is not there."""
    if not _may_see_metrics(request):
        raise NotFound
    body = await asyncio.to_thread(metrics.exposition) + await database_metrics.exposition(now())
    return HTTPResponse(body, 200, content_type="text/plain; version=0.0.4; charset=utf-8")


async def _must_have_database(request: Request) -> None:
    asking = asyncio.create_task(_ask_database(request))
    # Not awaited once it is given up: even the cancelling of a statement waits for a server that hangs.
    done, _ = await asyncio.wait({asking}, timeout=PATIENCE_S)
    if not done:
        asking.cancel()
        raise NotReady(missing="database")
    await asking


async def _ask_database(request: Request) -> None:
    try:
        row = await fetch_one("SELECT pg_is_in_recovery()")
        if row and row[0]:
            raise NotReady(missing="a database that takes writes: this one is a standby, or still recovering")
        # Migrations only ever go forward, so current once is current for this process's life.
        if getattr(request.app.ctx, "is_migrated", False):
            return
        await must_be_installation(request.app.ctx.settings.sandbox)
        missing = await pending()
    except NotReady:
        raise
    except WrongInstallation as error:
        raise NotReady(missing="a database of its own") from error
    except Exception as error:
        # Whatever the driver calls it: the database does not answer.
        raise NotReady(missing="database") from error
    if missing:
        raise NotReady(missing="migrations: " + ", ".join(missing))
    request.app.ctx.is_migrated = True


async def _has_redis() -> bool:
    client = events.client()
    if client is None:
        return False
    try:
        async with asyncio.timeout(PATIENCE_S):
            return bool(await client.ping())
    except Exception:  # noqa: BLE001
        # The same: which of redis-py's errors it is makes no difference here.
        return False


def _may_see_metrics(request: Request) -> bool:
    token = request.app.ctx.settings.metrics_token
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token and hmac.compare_digest(given.encode(), token.encode()):
        return True
    # A proxy on this machine comes from loopback too, but says for whom.
    is_forwarded = "forwarded" in request.headers or "x-forwarded-for" in request.headers
    return not is_forwarded and _is_loopback(request.ip)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
