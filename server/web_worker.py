"""One web process on a listening socket that it was given."""

import os
import socket
from typing import Any

from sanic import Sanic
from sanic.log import logger

from server.app import create_app
from server.config import Settings
from server.protocol import DeadlineProtocol
from server.request_log import configure_logging

GRACE_S = 15.0


def serve(settings: Settings, listen_fd: int, ready_fd: int) -> None:
    """Serve until SIGTERM, then finish what is in flight."""
    configure_logging()
    logger.setLevel("WARNING")
    app = create_app(settings)
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = GRACE_S

    async def say_ready(_: Sanic[Any, Any]) -> None:
        os.write(ready_fd, b"r")
        os.close(ready_fd)

    app.register_listener(say_ready, "after_server_start")
    listener = socket.socket(fileno=listen_fd)
    app.run(sock=listener, single_process=True, protocol=DeadlineProtocol, access_log=False, motd=False)
