"""One person's accounts, and what came of things that happen to them at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from citizens.accounts import citizen_of
from citizens.channels import Login, Person
from common.actors import CitizenActor
from common.database import fetch_all
from common.errors import DomainError
from models.enums import Channel
from tests.factories.citizens import KEYS

WANG = Person("王大友", "330106198003120010")
LI = Person("李小芳", "330106198003120029")


async def through(
    channel: Channel, subject: str, person: Person | None = None, phone: str | None = None
) -> UUID:
    """Whoever logs in through a channel."""
    return await citizen_of(channel, Login(subject, person, phone), KEYS)


async def pair() -> tuple[UUID, UUID]:
    """A citizen of WeChat without a person, and Wang of Zheliban, who is the same and nobody knows."""
    return await through(Channel.WECHAT, "openid"), await through(Channel.ZHELIBAN, "wang", WANG)


def phone_of(citizen_id: UUID) -> CitizenActor:
    """A phone that he is signed in with."""
    return CitizenActor(citizen_id, uuid4())


async def outcome(work: Awaitable[Any]) -> str:
    """`done`, the code of the refusal, or the kind of the database\'s error."""
    try:
        await work
    except DomainError as refusal:
        return refusal.code
    except asyncpg.PostgresError as error:
        return type(error).__name__
    return "done"


async def warm() -> None:
    """Open the pool\'s connections, so that opening them does not put a race into a queue."""
    await asyncio.gather(*(fetch_all("SELECT pg_sleep(0.02)") for _ in range(8)))


@asynccontextmanager
async def another_process(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of its own, which the block ends."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()
