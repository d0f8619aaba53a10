"""A few routes of their own, to test the kit with, and short ways to call them."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import httpx
from pydantic import Field
from sanic import Blueprint, Request

from server.endpoints import Answer, IdempotencyKey, endpoint
from server.schemas import Fen, In, Moment, Out, Page, PageQuery
from tests.server.kit import CitizenActor, StaffActor, client_of, make_app

KEY = {"Idempotency-Key": "key-0001"}
JSON = {"Content-Type": "application/json"}
SOME_ID = "0190e5a6-0000-7000-8000-00000000000a"


class Colour(StrEnum):
    """A choice."""

    RED = "red"
    BLUE = "blue"


class Line(In):
    """A part of a body."""

    amount_fen: Fen
    note: Annotated[str, Field(min_length=1, max_length=5, pattern="^[^ ]+$")] = "x"


class ThingIn(In):
    """A body."""

    name: str
    lines: tuple[Line, ...] = ()
    colour: Colour | None = None
    owner: UUID | None = None
    at: Moment | None = None
    is_good: bool = False
    weight: float | None = None


class ThingOut(Out):
    """An answer."""

    name: str
    at: Moment
    by: str
    key: str | None = None


class ThingQuery(PageQuery):
    """A query."""

    q: str | None = None
    size: int | None = None
    is_good: bool | None = None
    since: Moment | None = Field(default=None, alias="from")


def routes() -> Blueprint:
    """The routes of the app under test."""
    blueprint = Blueprint("things", url_prefix="/api/v1")
    at = datetime(2026, 1, 2, 3, 4, 5, 678_901, UTC)

    @endpoint(blueprint, "POST", "/things", summary="Make one", answers={201: ThingOut})
    async def create(actor: StaffActor, body: ThingIn, key: IdempotencyKey) -> Answer:
        out = ThingOut(name=body.name, at=body.at or at, by=type(actor).__name__, key=key)
        return Answer(201, out, {"X-Made": "yes"}, replayed=body.name == "again")

    @endpoint(blueprint, "GET", "/things/<thing_id>", summary="Show one", answers={200: ThingOut})
    async def show(actor: CitizenActor | StaffActor | None, thing_id: UUID) -> ThingOut:
        return ThingOut(name=str(thing_id), at=at, by=type(actor).__name__)

    @endpoint(blueprint, "DELETE", "/things/<thing_id>", summary="Drop one", answers={204: None})
    async def drop(actor: CitizenActor, thing_id: UUID) -> None:
        return None

    @endpoint(blueprint, "GET", "/things", summary="List them", answers={200: Page[ThingOut]})
    async def list_things(query: ThingQuery) -> Page[ThingOut]:
        name = repr(query.model_dump(exclude_none=True))
        return Page[ThingOut](items=[ThingOut(name=name, at=query.since or at, by="")], next_cursor=None)

    @endpoint(blueprint, "GET", "/words/<word>", summary="A word", answers={200: ThingOut})
    async def word(word: str) -> ThingOut:
        return ThingOut(name=word, at=at, by="")

    @endpoint(blueprint, "GET", "/stream", summary="Talk", answers={200: {"text/event-stream": None}})
    async def stream(request: Request) -> None:
        response = await request.respond(content_type="text/event-stream")
        await response.send("data: 1\n\n")
        await response.eof()

    return blueprint


async def post(content: bytes | dict[str, Any], **headers: str) -> httpx.Response:
    """POST a thing as staff, raw or as JSON."""
    async with client_of(make_app(routes()), "staff") as client:
        if isinstance(content, dict):
            return await client.post("/api/v1/things", json=content, headers=KEY | headers)
        return await client.post("/api/v1/things", content=content, headers=KEY | JSON | headers)


async def get(path: str, token: str = "", method: str = "GET") -> httpx.Response:
    """GET a path below the prefix."""
    async with client_of(make_app(routes()), token) as client:
        return await client.request(method, f"/api/v1{path}")


def found(answer: httpx.Response) -> list[tuple[str, str]]:
    """The pointers and codes of a problem's errors."""
    return [(each["pointer"], each["code"]) for each in answer.json()["errors"]]
