"""日结: a clerk tells what he counted for a day, and the service what it has; both are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from benefits.redemption_log import VISIBLE
from benefits.refusals import DayNotBegun, IdempotencyKeyReused, NotYourStore
from common.actors import MemberActor, StaffActor
from common.clock import end_of, local_day, start_of
from common.database import Row, fetch_all, fetch_one, transaction
from common.ids import AFTER_ALL, new_id
from common.money import yuan
from common.request_keys import RequestKey
from models import audit_log

# No day is counted outside this century (`DayCloseIn`).
EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)

# Counted and written by one statement. A reversal is counted with the day of the redemption that it undoes.
WRITE = """
INSERT INTO day_closes (id, member_id, store_id, staff_id, day, redemptions, reversals, discount_fen, closed_at,
                        request_key, request_hash, server_redemptions, server_reversals, server_discount_fen)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, count(r.id), count(v.id),
       coalesce(sum(r.discount_fen) FILTER (WHERE v.id IS NULL), 0)
  FROM redemptions r
  LEFT JOIN LATERAL (SELECT id FROM reversals WHERE redemption_id = r.id LIMIT 1) v ON true
 WHERE r.store_id = $3 AND r.redeemed_at >= $12 AND r.redeemed_at < $13
ON CONFLICT (staff_id, request_key) DO NOTHING
RETURNING *
"""


@dataclass(frozen=True, slots=True)
class Count:
    """What a clerk counted at a store for a day: redemptions, how many of them are undone, and fen that are left."""

    store_id: UUID
    day: date
    redemptions: int
    reversals: int
    discount_fen: int


@dataclass(frozen=True, slots=True)
class DayCloseFilters:
    """Which of a member's counts: of one store, of days from `first` to `last`; None narrows nothing down."""

    store_id: UUID | None = None
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class DayClosed:
    """The record of a count; the differences are the clerk's minus the service's."""

    row: Row
    is_replayed: bool = False

    @property
    def differences(self) -> tuple[int, int, int]:
        """Of redemptions, reversals and fen."""
        return differences_of(self.row)

    def sentence(self, language: str) -> str:
        """What the clerk is to do next; of the differences only those that there are."""
        is_english = language == "en"
        if not any(self.differences):
            return (
                "The day is closed: your count is the service's."
                if is_english
                else "日结完成：您的清点与系统一致。"
            )
        if is_english:
            named = ", ".join(self._named("{} redemptions", "{} reversals", "{} yuan"))
            return f"Your count differs: {named} against the service. Compare with the list of the day, then close it again."
        named = "，".join(self._named("核销相差 {} 笔", "撤销相差 {} 笔", "优惠相差 {} 元"))
        return f"清点与系统不一致：{named}。请对照当天的核销记录核对后重新日结。"

    def _named(self, *words: str) -> list[str]:
        theirs, undone, fen = self.differences
        figures = f"{theirs:+d}", f"{undone:+d}", f"{'+' * (fen > 0)}{yuan(fen)}"
        told = zip(words, figures, self.differences, strict=True)
        return [word.format(figure) for word, figure, difference in told if difference]


def differences_of(row: Row) -> tuple[int, int, int]:
    """The clerk's count minus the service's: redemptions, reversals, fen."""
    names = ("redemptions", "reversals", "discount_fen")
    theirs, undone, fen = (row[name] - row[f"server_{name}"] for name in names)
    return theirs, undone, fen


async def close_day(actor: StaffActor, count: Count, request: RequestKey, now: datetime) -> DayClosed:
    """Keep a count beside the service's own of this moment; the newest of a day counts.

    Raises:
        NotYourStore: not one of his stores (for managers and owners: their member's).
        DayNotBegun: the day is ahead.
        IdempotencyKeyReused: the key came before with another count.
    """
    if not await fetch_one(VISIBLE, actor.id, count.store_id):
        raise NotYourStore
    if count.day > local_day(now):
        raise DayNotBegun
    async with transaction():
        row = await fetch_one(
            WRITE,
            *(new_id(), actor.member_id, count.store_id, actor.id, count.day),
            *(count.redemptions, count.reversals, count.discount_fen, now, request.key, request.body_hash),
            *(start_of(count.day), end_of(count.day)),
        )
        if row is not None:
            await _record(actor, row, now)
            return DayClosed(row)
    stored = await fetch_one(
        "SELECT * FROM day_closes WHERE staff_id = $1 AND request_key = $2", actor.id, request.key
    )
    if stored is None or stored["request_hash"] != request.body_hash:
        raise IdempotencyKeyReused
    return DayClosed(stored, is_replayed=True)


async def of_staff(actor: StaffActor, before: UUID | None, limit: int) -> Sequence[Row]:
    """Counts of the stores that the actor may see, newest first; `before` is the last id of the page before."""
    visible = [row["id"] for row in await fetch_all(VISIBLE, actor.id, None)]
    return await fetch_all(
        "SELECT * FROM day_closes WHERE member_id = $1 AND store_id = ANY ($2) AND id < $3 ORDER BY id DESC LIMIT $4",
        *(actor.member_id, visible, before or AFTER_ALL, limit),
    )


async def of_member(
    actor: MemberActor, before: UUID | None, limit: int, which: DayCloseFilters = DayCloseFilters()
) -> Sequence[Row]:
    """The member's counts, newest first; `before` is the last id of the page before."""
    of_store, store = ("AND store_id = $6", [which.store_id]) if which.store_id else ("", [])
    return await fetch_all(
        "SELECT * FROM day_closes WHERE member_id = $1 AND id < $2 AND day BETWEEN $3 AND $4"
        f" {of_store} ORDER BY id DESC LIMIT $5",
        *(actor.member_id, before or AFTER_ALL, which.first or EARLIEST, which.last or LATEST, limit, *store),
    )


async def _record(actor: StaffActor, row: Row, now: datetime) -> None:
    theirs, undone, fen = differences_of(row)
    await audit_log.record(
        audit_log.who(actor),
        "day.close",
        ("store", row["store_id"]),
        now,
        after={"day": row["day"], "redemptions": theirs, "reversals": undone, "discount_fen": fen},
    )
