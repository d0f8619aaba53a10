"""订阅消息: sending what waits, never twice.

A message is written with its notice (`models.notice_log`). Sending takes one by a guarded statement that also asks
whether the citizen still agrees, still has the identity and still accepts one, and spends that one: a withdrawal or an
erasure that was answered before is obeyed. What was taken and has no outcome is never taken again: its sender may have
died after the channel had it. A message may be lost, never doubled; the inbox has it anyway.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from json import loads

import structlog

from citizens.accounts import SUBJECT
from citizens.channels.contract import Messenger, SendOutcome
from citizens.message_wordings import Wording, worded
from citizens.subscriptions import MOST
from common.clock import end_of, local_day
from common.crypto import PersonalDataKeys
from common.database import Row, execute, fetch_all, fetch_one, transaction
from models.citizen_enums import MessageState, MessageTemplate, StopReason
from models.enums import Channel

log = structlog.get_logger()

# After each try but the last.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480, 1440))
MOST_TRIES = len(PAUSES) + 1
# What it tells of is old news by then.
GOOD_FOR = timedelta(days=2)
# A template that the channel does not know is tried again, with one message, after this time.
STOPPED_FOR = timedelta(days=1)
SENDING_LIMIT_S = 10.0
# Whoever has not said by then what became of it is dead.
LOST_AFTER = timedelta(seconds=60)
BATCH = 5_000
PAGE = "pages/notices/one?id={}"

# Identity and consent are held until the message is taken: an erasure or a withdrawal comes before or after. Whoever
# erases begins with the messages, so that nobody waits crosswise.
TAKE = """
WITH next AS MATERIALIZED (
    SELECT m.* FROM messages m
     WHERE m.channel = $1 AND m.template = $2 AND m.state = 'waiting' AND m.next_try_at <= $3
       AND NOT EXISTS (SELECT FROM message_stops s WHERE s.channel = $1 AND s.template = $2
                          AND s.template_id = $4 AND s.until_at > $3)
     ORDER BY m.next_try_at LIMIT 1 FOR UPDATE SKIP LOCKED
), agreed AS MATERIALIZED (
    SELECT next.id, next.citizen_id, i.subject_encrypted
      FROM next
      JOIN channel_identities i ON i.id = next.identity_id AND i.citizen_id = next.citizen_id
       AND i.subject_encrypted IS NOT NULL
      JOIN consents c ON c.citizen_id = next.citizen_id AND c.purpose = 'notices' AND c.withdrawn_at IS NULL
     WHERE next.made_at > $5
       FOR KEY SHARE OF i FOR SHARE OF c
), spent AS (
    UPDATE message_quotas q SET accepted = q.accepted - 1 FROM agreed
     WHERE q.citizen_id = agreed.citizen_id AND q.channel = $1 AND q.template = $2 AND q.accepted > 0
    RETURNING agreed.id
), judged AS (
    SELECT next.id, next.notice_id, next.made_at, agreed.subject_encrypted,
           CASE WHEN spent.id IS NOT NULL THEN 'sending' WHEN next.made_at <= $5 THEN 'given_up' ELSE 'refused' END AS state
      FROM next LEFT JOIN agreed ON agreed.id = next.id LEFT JOIN spent ON spent.id = next.id
)
UPDATE messages m
   SET state = judged.state, tries = m.tries + 1, tried_at = $3,
       ended_at = CASE WHEN judged.state <> 'sending' THEN $3 END
  FROM judged JOIN citizen_notices n ON n.id = judged.notice_id
 WHERE m.id = judged.id
RETURNING m.id, m.state, m.tries, m.notice_id, judged.subject_encrypted, n.kind, n.facts, n.noticed_at
"""
# One that was taken for lost is settled by its sender all the same, who knows better and is the only one who can.
SETTLE = """
WITH done AS (
    UPDATE messages SET state = $3, ended_at = $4, next_try_at = coalesce($5, next_try_at)
     WHERE id = $1 AND tries = $2 AND state IN ('sending', 'unknown')
    RETURNING citizen_id, channel, template
)
UPDATE message_quotas q SET accepted = CASE WHEN $6 THEN least(q.accepted + 1, $7) ELSE 0 END
  FROM done
 WHERE q.citizen_id = done.citizen_id AND q.channel = done.channel AND q.template = done.template AND $8
"""


@dataclass(frozen=True, slots=True)
class Desk:
    """What one kind of message in one channel is sent with; `clock` is asked before and after."""

    messenger: Messenger
    template: MessageTemplate
    wording: Wording
    keys: PersonalDataKeys
    clock: Callable[[], datetime]


async def send_next(desk: Desk) -> SendOutcome | MessageState | None:
    """Send what has waited longest.

    Returns:
        The outcome; for one that may not be sent any more its state; nothing when nothing is due or all are being sent.
    """
    taken = await fetch_one(
        TAKE,
        *(
            desk.messenger.channel,
            desk.template,
            now := desk.clock(),
            desk.wording.template_id,
            now - GOOD_FOR,
        ),
    )
    if taken is None:
        return None
    if taken["state"] != MessageState.SENDING:
        return MessageState(taken["state"])
    try:
        subject = desk.keys.decrypt(taken["subject_encrypted"], SUBJECT)
        data = worded(desk.template, desk.wording, taken["kind"], loads(taken["facts"]), taken["noticed_at"])
    except (ValueError, KeyError) as error:
        log.warning("message_not_made", message_id=taken["id"], error=type(error).__name__)
        await _settle(taken, MessageState.GIVEN_UP, desk.clock())
        return MessageState.GIVEN_UP
    outcome = await _sent(desk, taken, subject, data)
    await _conclude(desk, taken, outcome, desk.clock())
    return outcome


async def _sent(desk: Desk, taken: Row, subject: str, data: dict[str, str]) -> SendOutcome:
    try:
        async with asyncio.timeout(SENDING_LIMIT_S):
            return await desk.messenger.send(
                subject, desk.wording.template_id, PAGE.format(taken["notice_id"]), data
            )
    except Exception as error:  # noqa: BLE001 - nobody can say whether it was taken
        # Not its words: they may hold whom it was for.
        log.warning("message_interrupted", message_id=taken["id"], error=type(error).__name__)
        return SendOutcome.UNKNOWN


async def _conclude(desk: Desk, taken: Row, outcome: SendOutcome, now: datetime) -> None:
    match outcome:
        case SendOutcome.SENT:
            await _settle(taken, MessageState.SENT, now)
        case SendOutcome.REFUSED:
            await _settle(taken, MessageState.REFUSED, now, is_accepted=False)
        case SendOutcome.UNKNOWN:
            await _settle(taken, MessageState.UNKNOWN, now)
        case SendOutcome.NO_TEMPLATE:
            async with transaction():
                await _settle(taken, MessageState.NO_TEMPLATE, now, is_accepted=True)
                await _stop(desk, StopReason.NO_TEMPLATE, now + STOPPED_FOR)
        case SendOutcome.TRY_TOMORROW:
            tomorrow = end_of(local_day(now))
            async with transaction():
                await _try_again(taken, tomorrow, now)
                await _stop(desk, StopReason.DAILY_LIMIT, tomorrow)
        case SendOutcome.TRY_LATER:
            await _try_again(taken, now + PAUSES[min(taken["tries"], len(PAUSES)) - 1], now)


async def _try_again(taken: Row, at: datetime, now: datetime) -> None:
    if taken["tries"] < MOST_TRIES:
        await _settle(taken, MessageState.WAITING, now, next_try_at=at, is_accepted=True)
    else:
        await _settle(taken, MessageState.GIVEN_UP, now, is_accepted=True)


async def _settle(
    taken: Row,
    state: MessageState,
    now: datetime,
    *,
    next_try_at: datetime | None = None,
    is_accepted: bool | None = None,
) -> None:
    """Write what became of it.

    Args:
        is_accepted: True gives back the one that was spent, False says that none is left, None leaves it spent.
    """
    await execute(
        SETTLE,
        *(taken["id"], taken["tries"], state, None if state is MessageState.WAITING else now, next_try_at),
        *(bool(is_accepted), MOST, is_accepted is not None),
    )


async def _stop(desk: Desk, reason: StopReason, until: datetime) -> None:
    log.warning("messages_stopped", channel=desk.messenger.channel, template=desk.template, reason=reason)
    await execute(
        "INSERT INTO message_stops (channel, template, template_id, reason, until_at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (channel, template) DO UPDATE"
        " SET template_id = excluded.template_id, reason = excluded.reason, until_at = excluded.until_at",
        *(desk.messenger.channel, desk.template, desk.wording.template_id, reason, until),
    )


async def close_lost(now: datetime) -> int:
    """Say of messages whose sender died that nobody knows; how many. The background process calls it."""
    return await execute(
        "UPDATE messages SET state = 'unknown', ended_at = $1 WHERE state = 'sending' AND id IN ("
        # One that began in the future has a clock that was ahead for its sender.
        " SELECT id FROM messages WHERE state = 'sending' AND (tried_at < $2 OR tried_at > $3)"
        " LIMIT $4 FOR UPDATE SKIP LOCKED)",
        *(now, now - LOST_AFTER, now + LOST_AFTER, BATCH),
    )


async def give_up_old(now: datetime) -> int:
    """Give up what has waited for too long; how many. The background process calls it."""
    return await execute(
        "UPDATE messages SET state = 'given_up', ended_at = $1 WHERE state = 'waiting' AND id IN ("
        " SELECT id FROM messages WHERE state = 'waiting' AND channel = ANY ($2) AND template = ANY ($3)"
        "  AND next_try_at < $4 LIMIT $5 FOR UPDATE SKIP LOCKED)",
        *(now, list(Channel), list(MessageTemplate), now - GOOD_FOR, BATCH),
    )


async def stopped(now: datetime) -> list[tuple[Channel, MessageTemplate, StopReason]]:
    """Templates that are not sent for now."""
    rows = await fetch_all("SELECT channel, template, reason FROM message_stops WHERE until_at > $1", now)
    return [
        (Channel(row["channel"]), MessageTemplate(row["template"]), StopReason(row["reason"])) for row in rows
    ]


async def late(now: datetime, by: timedelta) -> int:
    """How many messages are due for so long and not sent, counted up to 1,000."""
    row = await fetch_one(
        "SELECT count(*) AS late FROM (SELECT FROM messages WHERE state = 'waiting' AND channel = ANY ($1)"
        " AND template = ANY ($2) AND next_try_at < $3 LIMIT 1000) AS waiting",
        *(list(Channel), list(MessageTemplate), now - by),
    )
    assert row is not None
    count: int = row["late"]
    return count
