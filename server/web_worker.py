"""One web process on a listening socket that it was given."""

import asyncio
import os
import signal
import socket
from functools import partial
from typing import Any

import structlog
from sanic import Sanic
from sanic.log import logger

from common.processes import keep_what_is_loaded
from server.app import create_app
from server.config import Settings
from server.migrate import pending
from server.protocol import DeadlineProtocol
from server.request_log import configure_logging

GRACE_S = 15.0
_LOOK_EVERY_S = 0.01

log = structlog.get_logger()


def serve(settings: Settings, listen_fd: int, ready_fd: int, *, replaces: bool = False) -> None:
    """Serve until SIGTERM, then finish what is in flight.

    Args:
        replaces: it takes the place of a process that serves: rather end (exit code 75) than take a request
            when the database is older than the code, or does not answer.
    """
    configure_logging()
    logger.setLevel("WARNING")
    app = create_app(settings)
    keep_what_is_loaded()
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = GRACE_S

    async def say_ready(_: Sanic[Any, Any]) -> None:
        os.write(ready_fd, b"r")
        os.close(ready_fd)

    if replaces:
        # Registered after create_app's own, so the database is connected.
        app.register_listener(_must_be_migrated, "before_server_start")
    # Before this line SIGTERM ends us at once, so this is who has started us.
    app.register_listener(partial(_stop_once, parent=os.getppid()), "after_server_start")
    app.register_listener(say_ready, "after_server_start")
    listener = socket.socket(fileno=listen_fd)
    app.run(sock=listener, single_process=True, protocol=DeadlineProtocol, access_log=False, motd=False)


async def _stop_once(app: Sanic[Any, Any], *, parent: int) -> None:
    """Whoever stops the whole control group tells us, and so does our supervisor.

    Sanic gives the handler that it registered back to the system when it begins to stop, and a second SIGTERM would
    end us in the midst of an answer. So this one is not the loop's to give back: it stays as long as the process.

    A SIGTERM that came while Sanic ignored it, before it registered its handler, is lost. When it told us that our
    supervisor was killed, nobody would ever tell us again: so we look ourselves, now that nothing is lost any more.
    """
    loop = asyncio.get_running_loop()
    is_told = False

    def end() -> None:
        # A loop that is stopped while the last of the start is done goes on all the same.
        if app.state.is_running:
            app.stop(terminate=False)
        else:
            loop.call_later(_LOOK_EVERY_S, end)

    def stop(*_: object) -> None:
        nonlocal is_told
        if not is_told:
            is_told = True
            loop.call_soon_threadsafe(end)

    loop.remove_signal_handler(signal.SIGTERM)
    signal.signal(signal.SIGTERM, stop)
    if os.getppid() != parent:
        stop()


async def _must_be_migrated(_: Sanic[Any, Any]) -> None:
    try:
        missing = await pending()
    except Exception:
        log.critical("replacement_refused", message="the database does not answer", exc_info=True)
        os._exit(os.EX_TEMPFAIL)
    if missing:
        log.critical("replacement_refused", message="run `python -m server migrate` first", missing=missing)
        os._exit(os.EX_TEMPFAIL)
