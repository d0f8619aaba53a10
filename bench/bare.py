"""Bare Sanic: one handler that returns a body of so many bytes. Started by `Stack.bare`; asks for nothing else.

It gets the listening socket and the workers from the service's own supervisor and server loop, so that
the two differ in what is done with a request and in nothing else.
"""

import argparse
import os
import socket
import sys
from typing import Any

from sanic import HTTPResponse, Request, Sanic

from server import supervisor


def main() -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m bench.bare", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--bytes", type=int, required=True, help="size of the body")
    parser.add_argument("--status", type=int, default=200)
    parser.add_argument("--content-type", default="application/json")
    parser.add_argument("--listen-fd", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--ready-fd", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.listen_fd is None:
        command = [sys.executable, "-m", "bench.bare", *sys.argv[1:]]
        return supervisor.run(options.workers, "127.0.0.1", options.port, command=command)
    app = create_app(options.bytes, options.status, options.content_type)

    async def say_ready(_: Sanic[Any, Any]) -> None:
        os.write(options.ready_fd, b"r")

    app.register_listener(say_ready, "after_server_start")
    listener = socket.socket(fileno=options.listen_fd)
    app.run(sock=listener, single_process=True, access_log=False, motd=False)
    return 0


def create_app(size: int, status: int, content_type: str) -> Sanic[Any, Any]:
    """An app that answers GET and POST of every path with the same body."""
    app = Sanic("bare", configure_logging=False)
    app.config.ACCESS_LOG = False
    body = b'"' + b"x" * max(0, size - 2) + b'"'

    async def answer(_: Request, path: str = "") -> HTTPResponse:
        return HTTPResponse(body, status, content_type=content_type)

    app.add_route(answer, "/", methods=["GET", "POST"])
    app.add_route(answer, "/<path:path>", methods=["GET", "POST"], name="any")
    return app


if __name__ == "__main__":
    sys.exit(main())
