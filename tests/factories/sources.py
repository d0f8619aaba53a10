"""Credit sources that say what a test tells them to."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from uuid import UUID

from citizens.credit import CreditDesk
from citizens.credit_sources import NoRecord, Rating, Subject
from common.database import execute, fetch_one
from models.enums import ConsentPurpose
from tests.factories.citizens import KEYS
from tests.factories.moments import NOON, shanghai

AS_OF = date(2026, 3, 3)


def rating(score: int, scheme_code: str = "zj-demo") -> Rating:
    """A score as of yesterday."""
    return Rating(scheme_code, score, AS_OF, "record-1")


NO_RECORD = NoRecord("zj-demo", AS_OF)


class Source:
    """Says one thing, or raises it, and remembers whom it was asked about and under which consent."""

    name = "test"

    def __init__(
        self,
        says: Rating | NoRecord | BaseException,
        meanwhile: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self.says, self.meanwhile = says, meanwhile
        self.asked: list[tuple[str, ConsentPurpose, UUID]] = []

    async def look_up(
        self, subject: Subject, purpose: ConsentPurpose, consent_proof: UUID
    ) -> Rating | NoRecord:
        """See `CreditSource.look_up`."""
        self.asked.append((subject.id_number, purpose, consent_proof))
        if self.meanwhile is not None:
            await self.meanwhile()
        if isinstance(self.says, BaseException):
            raise self.says
        return self.says


class TcpSource:
    """Asks over a real socket and believes whatever number comes back."""

    name = "tcp"

    def __init__(self, port: int) -> None:
        self.port = port

    async def look_up(
        self, subject: Subject, purpose: ConsentPurpose, consent_proof: UUID
    ) -> Rating | NoRecord:
        """See `CreditSource.look_up`."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(b"?\n")
            return rating(int(await reader.readline()))
        finally:
            writer.close()


def desk(source: object) -> CreditDesk:
    """A desk that asks this source."""
    return CreditDesk(source, KEYS)  # type: ignore[arg-type]


async def a_scheme(
    code: str,
    version: int,
    *bands: tuple[str, int, int, int],
    effective_from: object = NOON,
    grace: int = 0,
    days: int = 30,
    refresh: int | None = None,
) -> int:
    """A version of a tier scheme; a band is code, level, low, high."""
    row = await fetch_one(
        "INSERT INTO tier_schemes (code, name, version, explanation, grace_points, validity_days, notice_days,"
        " published_at, effective_from, refresh_days) VALUES ($1, '方案', $2, '说明', $3, $4, 0, $5, $5, $6) RETURNING id",
        *(code, version, grace, days, effective_from, refresh),
    )
    assert row is not None
    for name, level, low, high in bands:
        await execute(
            "INSERT INTO tier_bands (scheme_id, code, name, level, low, high) VALUES ($1, $2, $2, $3, $4, $5)",
            *(row["id"], name, level, low, high),
        )
    scheme_id: int = row["id"]
    return scheme_id


async def demo_scheme(refresh: int | None = None) -> int:
    """Zhejiang's demo scheme: five bands of 1000 points, five points of grace."""
    bands = [("bad", 1, 0, 550), ("poor", 2, 550, 650), ("fair", 3, 650, 750)]
    bands += [("good", 4, 750, 850), ("excellent", 5, 850, 1001)]
    return await a_scheme(
        "zj-demo", 1, *bands, effective_from=shanghai("2026-01-01 00:00"), grace=5, refresh=refresh
    )


async def a_mapping(
    code: str,
    *tiers: tuple[str, int, int | None, int | None],
    version: int = 1,
    since: date = date(2026, 1, 1),
    until: date = date(2027, 1, 1),
) -> int:
    """A mapping of another place's scheme; a tier is code, level, low, high."""
    row = await fetch_one(
        "INSERT INTO tier_mappings (scheme_code, version, scheme_name, place, agreement, validity_days, effective_from,"
        " effective_until, approval_id, published_at)"
        " VALUES ($1, $2, '随申分', '上海', '长三角互认目录', 30, $3, $4, gen_random_uuid(), $5) RETURNING id",
        *(code, version, since, until, NOON),
    )
    assert row is not None
    for name, level, low, high in tiers:
        await execute(
            "INSERT INTO tier_mapping_bands (mapping_id, code, name, level, low, high) VALUES ($1, $2, $2, $3, $4, $5)",
            *(row["id"], name, level, low, high),
        )
    mapping_id: int = row["id"]
    return mapping_id
