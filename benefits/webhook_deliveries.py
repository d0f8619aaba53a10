"""Telling webhooks: deliveries are derived from the ledger, sent, tried again for a day, and given up.

Redemption knows nothing of it. Each webhook remembers up to which entry of the ledger deliveries are made for it; only
settled entries are looked at (`models.seals.settled_entry`), so none turns up behind the mark. Deliveries and the mark
are written together, each event once for each webhook: a process that is killed, or a second one, changes nothing.

Sending takes a delivery for a minute; whoever is killed meanwhile leaves it to be sent again. So an event arrives at
least once, always with the same id.
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from json import dumps
from uuid import UUID

from benefits.ledger import LEDGER
from benefits.webhooks import CONTEXT
from common.clock import local_day, rfc3339
from common.crypto import PersonalDataKeys
from common.database import Row, execute, fetch_all, fetch_one, transaction
from common.ids import new_id
from common.outbound import NotSent
from models import notice_log, seals

# The receiver refuses a signature that is older: replays of a recorded request.
TOLERANCE_S = 300
TAKEN_FOR = timedelta(seconds=60)
ENTRIES_AT_ONCE = 2_000
# After each try but the last: a day in all.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (0.2, 0.5, 2, 10, 30, 60, 120, 240, 480, 480))
MOST_TRIES = len(PAUSES) + 1

Send = Callable[[str, bytes, Mapping[str, str]], Awaitable[int]]

RECORDED = """
(SELECT w.id AS webhook_id, 'redemption.created' AS event, r.entry, r.id AS event_id, r.id AS redemption_id,
        r.redeemed_at AS at, r.store_id, r.offer_id, r.order_amount_fen, r.discount_fen, r.payable_fen, r.uses
   FROM redemptions r JOIN webhooks w ON w.member_id = r.member_id AND w.is_enabled AND w.after_entry < r.entry
  WHERE r.entry > $1 AND r.entry <= $2)
UNION ALL
(SELECT w.id, 'redemption.reversed', v.entry, v.id, r.id, v.reversed_at, r.store_id, r.offer_id,
        r.order_amount_fen, r.discount_fen, r.payable_fen, r.uses
   FROM reversals v JOIN redemptions r ON r.id = v.redemption_id
   JOIN webhooks w ON w.member_id = r.member_id AND w.is_enabled AND w.after_entry < v.entry
  WHERE v.entry > $1 AND v.entry <= $2)
ORDER BY entry
"""


async def derive_new(now: datetime) -> int:
    """Make the deliveries of what the ledger has recorded since the last time; how many they are.

    Raises:
        SealingWaits: an open transaction may still write to the ledger; nothing is lost.
    """
    row = await fetch_one("SELECT min(after_entry) AS entry FROM webhooks WHERE is_enabled")
    if row is None or row["entry"] is None or await seals.drawn_entry(LEDGER) <= row["entry"]:
        return 0
    after, settled, made = row["entry"], await seals.settled_entry(LEDGER), 0
    while after < settled:
        until = min(after + ENTRIES_AT_ONCE, settled)
        made += await _derive(after, until, now)
        after = until
    return made


async def _derive(after: int, until: int, now: datetime) -> int:
    async with transaction():
        rows = await fetch_all(RECORDED, after, until)
        made = await execute(
            "INSERT INTO webhook_deliveries (id, webhook_id, event_id, event, payload, made_at, due_at)"
            " SELECT id, webhook_id, event_id, event, payload, $6, $6"
            "  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[])"
            "   AS new (id, webhook_id, event_id, event, payload)"
            " ON CONFLICT (webhook_id, event_id) DO NOTHING",
            *_columns(rows),
            now,
        )
        await execute(
            "UPDATE webhooks SET after_entry = $1 WHERE is_enabled AND after_entry >= $2 AND after_entry < $1",
            *(until, after),
        )
    return made


def _columns(rows: Sequence[Row]) -> tuple[list[object], ...]:
    return (
        [new_id() for _ in rows],
        [row["webhook_id"] for row in rows],
        [row["event_id"] for row in rows],
        [row["event"] for row in rows],
        [_payload(row) for row in rows],
    )


def _payload(row: Row) -> str:
    """What is sent: ids, amounts and times. Nothing of the citizen, his coupon or the clerk."""
    data = {
        "redemption_id": str(row["redemption_id"]),
        "store_id": str(row["store_id"]),
        "offer_id": str(row["offer_id"]),
        "order_amount_fen": row["order_amount_fen"],
        "discount_fen": row["discount_fen"],
        "payable_fen": row["payable_fen"],
        "uses": row["uses"],
    }
    return dumps({"id": str(row["event_id"]), "type": row["event"], "at": rfc3339(row["at"]), "data": data})


async def due(now: datetime) -> Sequence[UUID]:
    """The webhooks that have something to be told now."""
    rows = await fetch_all(
        "SELECT w.id FROM webhooks w WHERE w.is_enabled AND EXISTS (SELECT FROM webhook_deliveries d"
        " WHERE d.webhook_id = w.id AND d.status = 'pending' AND d.due_at <= $1)",
        now,
    )
    return [row["id"] for row in rows]


async def deliver_next(
    webhook_id: UUID, keys: PersonalDataKeys, send: Send, clock: Callable[[], datetime]
) -> bool:
    """Send what has waited longest, if anything has; True when it was taken and the next can follow.

    Args:
        send: posts a body, and raises NotSent for anything but a 2xx.
        clock: the present, before and after sending.
    """
    taken = await _take(webhook_id, clock())
    if taken is None:
        return False
    body, at = taken["payload"].encode(), clock()
    secret = keys.decrypt(taken["secret_encrypted"], CONTEXT)
    headers = {
        "X-Xinyi-Signature": signature(secret, body, at),
        "X-Xinyi-Event-Id": str(taken["event_id"]),
        "User-Agent": "xinyi-alliance",
    }
    try:
        status = await send(taken["url"], body, headers)
    except NotSent as failure:
        await _put_off(taken, failure.result, clock())
        return False
    await execute(
        "UPDATE webhook_deliveries SET status = 'delivered', ended_at = $2, last_result = $3"
        " WHERE id = $1 AND status = 'pending'",
        *(taken["id"], clock(), str(status)),
    )
    return True


def signature(secret: str, body: bytes, at: datetime) -> str:
    """`t=<unix seconds>,v1=<HMAC-SHA256 in hexadecimal over "<t>." and the body>`."""
    moment = str(int(at.timestamp()))
    mac = hmac.digest(secret.encode(), moment.encode() + b"." + body, "sha256")
    return f"t={moment},v1={mac.hex()}"


async def _take(webhook_id: UUID, now: datetime) -> Row | None:
    """The delivery that is due first; nobody else takes it for a minute. A try that is killed was one."""
    return await fetch_one(
        "UPDATE webhook_deliveries d SET tries = d.tries + 1, due_at = $3 FROM webhooks w"
        " WHERE w.id = d.webhook_id AND w.is_enabled AND d.status = 'pending' AND d.due_at <= $2 AND d.id = (SELECT n.id FROM webhook_deliveries n"
        "  WHERE n.webhook_id = $1 AND n.status = 'pending' AND n.due_at <= $2 ORDER BY n.due_at LIMIT 1"
        "  FOR UPDATE SKIP LOCKED)"
        " RETURNING d.id, d.webhook_id, d.event_id, d.payload, d.tries, w.url, w.secret_encrypted, w.member_id",
        *(webhook_id, now, now + TAKEN_FOR),
    )


async def _put_off(taken: Row, result: str, now: datetime) -> None:
    """Try it again later, or give it up after a day and tell the member, once a day for each webhook."""
    if taken["tries"] < MOST_TRIES:
        await execute(
            "UPDATE webhook_deliveries SET due_at = $2, last_result = $3 WHERE id = $1 AND status = 'pending'",
            *(taken["id"], now + PAUSES[taken["tries"] - 1], result),
        )
        return
    async with transaction():
        await execute(
            "UPDATE webhook_deliveries SET status = 'failed', ended_at = $2, last_result = $3"
            " WHERE id = $1 AND status = 'pending'",
            *(taken["id"], now, result),
        )
        facts = {"webhook_id": taken["webhook_id"], "result": result}
        once = f"webhook_failed:{taken['webhook_id']}:{local_day(now)}"
        await notice_log.tell("member", taken["member_id"], "webhook_failed", once, facts, now)
