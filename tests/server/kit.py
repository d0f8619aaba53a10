"""A small app of its own, served over real sockets: the kit is tested as callers meet it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

import httpx
from sanic import Blueprint, Request, Sanic

from server.errors import NotAllowed, NotSignedIn
from server.http import setup_http

_names = count(1)


@dataclass(frozen=True)
class CitizenActor:
    """Stands in for a signed-in citizen."""

    id: UUID


@dataclass(frozen=True)
class StaffActor:
    """Stands in for a signed-in person of a member's staff."""

    id: UUID


_WHO: dict[str, type] = {"citizen": CitizenActor, "staff": StaffActor}


async def authenticate(request: Request, *kinds: type, optional: bool) -> object:
    """Takes `Bearer citizen` and `Bearer staff` for tokens."""
    token = request.token
    if token is None and optional:
        return None
    if token not in _WHO:
        raise NotSignedIn()
    if _WHO[token] not in kinds:
        raise NotAllowed()
    return _WHO[token](UUID(int=7))


def make_app(*blueprints: Blueprint, **settings: Any) -> Sanic[Any, Any]:
    """An app with the kit and nothing else; `settings` overrides the limits."""
    # The counter: Sanic keeps a register of names for the whole process.
    app: Sanic[Any, Any] = Sanic(f"kit-{next(_names)}", configure_logging=False)
    Sanic.test_mode = True  # several apps in one process
    setup_http(app, authenticate)
    app.config.update(settings)
    for blueprint in blueprints:
        app.blueprint(blueprint)
    return app


@asynccontextmanager
async def serve(app: Sanic[Any, Any]) -> AsyncIterator[int]:
    """Serve the app on a free port of the loopback; gives the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server: Any = await app.create_server(sock=listening, return_asyncio_server=True)
        await server.startup()
        await server.before_start()
        await server.start_serving()
        try:
            yield listening.getsockname()[1]
        finally:
            await server.close()
            Sanic.unregister_app(app)


@asynccontextmanager
async def client_of(app: Sanic[Any, Any], token: str = "") -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app over a real socket, with a token if one is named."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with serve(app) as port:
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as client:
            yield client


async def exchange(port: int, raw: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes as they are and read the answer: what no client library would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(raw)
        await writer.drain()
        head, _, body = (await asyncio.wait_for(reader.read(), 5)).partition(b"\r\n\r\n")
    finally:
        writer.close()
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(first.split(" ")[1]), headers, body
