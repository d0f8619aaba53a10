"""Audits: filled with records, sealed."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from common.actors import AdminActor
from common.database import fetch_all
from models import audit_log, seals
from models.audit_book import AUDIT
from models.enums import ActorKind, AdminRole, AuditOutcome
from tests.factories.ledgers import SIGNER
from tests.factories.moments import NOON

WHO = UUID("00000000-0000-4000-8000-00000000000a")


def an_auditor(region: str = "330000") -> AdminActor:
    """An auditor of a region; his account is not there."""
    return AdminActor(uuid4(), uuid4(), (AdminRole.AUDITOR,), region)


async def a_record(
    action: str = "offer.set_stock",
    thing: tuple[str, object] = ("offer", 1),
    at: datetime = NOON,
    outcome: AuditOutcome = AuditOutcome.DONE,
    *,
    actor_id: UUID = WHO,
    region: str | None = "330106",
    before: audit_log.Facts | None = None,
    after: audit_log.Facts | None = None,
) -> UUID:
    """Write one record; its id."""
    who = ActorKind.ADMIN, actor_id
    await audit_log.record(who, action, thing, at, outcome, region=region, before=before, after=after)
    (row,) = await fetch_all("SELECT id FROM audit_records ORDER BY entry DESC LIMIT 1")
    record_id: UUID = row["id"]
    return record_id


async def some_records(count: int, at: datetime = NOON) -> list[UUID]:
    """So many records, a minute apart."""
    return [
        await a_record(
            thing=("offer", n), at=at + timedelta(minutes=n), before={"total": n}, after={"total": n + 1}
        )
        for n in range(count)
    ]


async def sealed_audit(count: int = 6) -> list[UUID]:
    """So many records under two seals; their ids."""
    ids = []
    for part in (count // 2, count - count // 2):
        ids += await some_records(part)
        assert await seals.seal_new(AUDIT, SIGNER, NOON) == part
    return ids
