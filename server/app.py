"""create_app: wiring, nothing else."""

import asyncio
import os
from collections.abc import Coroutine
from typing import Any

import structlog
from sanic import Blueprint, Request, Sanic

from benefits import attempts, views
from benefits.offers import Catalogue
from benefits.redemptions import ScanKeys
from citizens.credit import CreditDesk
from citizens.credit_sources import CreditSource
from citizens.credit_sources.guarded import GuardedSource
from common import database, events, replica
from common.clock import now
from common.files import FileStore
from common.tasks import end_tasks
from server import clients, metrics
from server.api import (
    admin,
    applicant,
    citizen,
    documents,
    health,
    ledger,
    member,
    reference,
    register,
    sessions,
    staff,
    tier_schemes,
)
from server.auth import Authenticator, watch_revocations
from server.channels import channels_of
from server.config import Settings
from server.http import setup_http
from server.migrate import WrongInstallation, must_be_installation
from server.rate_limit import RateLimiter, network_of

log = structlog.get_logger()

App = Sanic[Any, Any]

FLUSH_EVERY_S = 2.0
RETRY_S = 1.0
FIRST_LOOK_S = 3.0
# What is tried with a password, a code or a link's secret, and what costs more than others: fewer of them from one
# address.
SIGN_IN = frozenset(
    (
        *(f"/api/v1/auth/{way}" for way in ("citizen", "staff", "admin", "device")),
        *(f"/api/v1/auth/staff/{way}" for way in ("invitation", "password-reset", "legal-person")),
        *(f"/api/v1/auth/admin/{way}" for way in ("invitation", "reset")),
        *(f"/api/v1/me/{what}" for what in ("phone", "channels", "channels/join", "helped")),
        "/api/v1/member-applications",
    )
)


def create_app(settings: Settings, name: str = "xinyi", source: CreditSource | None = None) -> App:
    """One process's application.

    Args:
        source: the credit source to ask; by default the one of `CREDIT_SOURCE`, else the sandbox's in a sandbox
            and none in production.
    """
    app = Sanic(name, configure_logging=False)
    limiter = RateLimiter(settings.workers, settings.refresh_key)
    app.ctx.settings = settings
    app.ctx.limiter = limiter
    app.ctx.catalogue = Catalogue()
    app.ctx.scan_keys = ScanKeys(settings.code_master_keys, settings.data_keys)
    app.ctx.files = FileStore(settings.files_folder)
    app.ctx.clients = clients.Clients(settings.clients_dir)
    app.ctx.channels = channels_of(settings)
    guarded = GuardedSource(source or _source(settings))
    app.ctx.credit_desk = CreditDesk(
        guarded, settings.data_keys, others=guarded if guarded.reaches_others else None
    )
    app.config.FORWARDED_SECRET = settings.forwarded_secret or None
    setup_http(app, Authenticator(settings, limiter), is_access_log_on=settings.is_access_log_on)
    metrics.setup_metrics(app)
    _limit_addresses(app, settings, limiter)
    _add_routes(app)
    _add_life(app, settings, limiter)
    return app


def _source(settings: Settings) -> CreditSource:
    credit = settings.credit
    if credit.source == "gateway":
        from citizens.credit_sources.gateway import GatewaySource

        return GatewaySource(credit.gateway(credit.person_url))
    if credit.source == "batch":
        from citizens.credit_sources.batch import BatchSource

        return BatchSource(credit.batch_source, settings.data_keys)
    if settings.sandbox:
        from citizens.credit_sources.sandbox import SandboxSource

        return SandboxSource()
    from citizens.credit_sources.none import NoSource

    return NoSource()


def _limit_addresses(app: App, settings: Settings, limiter: RateLimiter) -> None:
    def limit(request: Request) -> None:
        if not request.path.startswith("/api/"):
            return  # a probe that asks too often must not be told that the process is ill
        # `remote_addr` is filled only when a proxy has proved itself with the forwarded secret.
        address = network_of((settings.forwarded_secret and request.remote_addr) or request.ip)
        limiter.hit("address", address, settings.address_limit)
        # The route, however its path was written; what is only read there tries nothing.
        if request.method == "POST" and request.uri_template in SIGN_IN:
            # One address that tries many logins: the lock-out per login does not see it.
            limiter.hit("sign_in", address, settings.sign_in_limit)

    app.register_middleware(limit, "request")


def _add_routes(app: App) -> None:
    app.blueprint(health.routes)
    app.blueprint(documents.blueprint)
    app.blueprint(clients.routes)
    api = Blueprint.group(
        *(sessions.routes, citizen.routes, staff.routes, member.routes, admin.routes, ledger.routes),
        *(applicant.routes, register.routes, reference.routes, tier_schemes.routes),
        url_prefix="/api/v1",
    )
    app.blueprint(api)


def _add_life(app: App, settings: Settings, limiter: RateLimiter) -> None:
    tasks: list[asyncio.Task[None]] = []

    async def begin(_: App) -> None:
        await database.connect(settings.database_url, settings.pool_size)
        await replica.connect(settings.database_url, settings.database_replica_url, settings.pool_size)
        await events.connect(settings.redis_url)
        ours = asyncio.create_task(_refuse_foreign_database(settings))
        tasks.append(ours)
        # Nothing is served before it is known; with the database away nothing can be served.
        await asyncio.wait({ours}, timeout=FIRST_LOOK_S)
        for work in (
            _kept_going(
                "revocations", lambda: watch_revocations(app.ctx.authenticate, settings.database_url)
            ),
            _kept_going("limits", limiter.share_for_ever),
            *([_kept_going("replica", replica.watch)] if settings.database_replica_url else []),
            _kept_going("counts", _flush_for_ever),
        ):
            tasks.append(asyncio.create_task(work))

    async def let_go(_: App) -> None:
        app.ctx.is_stopping = True
        events.end_subscriptions()

    async def end(_: App) -> None:
        await end_tasks(tasks, again_after_s=1)
        try:
            await attempts.flush(now())
            await views.flush()
        except Exception:
            log.exception("counts_not_written")
        await events.disconnect()
        await replica.disconnect()
        await database.disconnect()

    app.register_listener(begin, "before_server_start")
    app.register_listener(let_go, "before_server_stop")
    # After the last request: whatever is in flight still needs the database.
    app.register_listener(end, "after_server_stop")


async def _refuse_foreign_database(settings: Settings) -> None:
    """End the process at once when its database turns out to be the other kind of installation's."""
    while True:
        try:
            return await must_be_installation(settings.sandbox)
        except WrongInstallation as error:
            log.critical("wrong_installation", message=str(error))
            os._exit(os.EX_CONFIG)
        except Exception:  # noqa: BLE001 - whatever keeps the database from answering is told by others
            await asyncio.sleep(RETRY_S)


async def _flush_for_ever() -> None:
    while True:
        await asyncio.sleep(FLUSH_EVERY_S)
        await attempts.flush(now())
        await views.flush()


async def _kept_going(name: str, work: Any) -> None:
    """Run a task of the process's whole life; a fault (a database that restarts) only interrupts it."""
    while True:
        try:
            running: Coroutine[Any, Any, None] = work()
            await running
        except Exception:
            log.warning("background_task_interrupted", task=name, exc_info=True)
            await asyncio.sleep(RETRY_S)
