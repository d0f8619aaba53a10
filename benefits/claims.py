"""领取: a citizen takes one piece of an offer, exactly, and can give it back unused.

Why nobody gets one too many: the coupon, its place in the citizen's limit, the day's count and the
stock are written by one statement, and each is held by a constraint. Whoever comes second or one too
many violates it, and his whole statement leaves no trace. What is read before only makes the refusal
kind; it never decides.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from benefits.eligibility import ClaimRules, Standing, period_key, reasons_against
from benefits.refusals import (
    Busy,
    CouponExpired,
    CouponRevoked,
    IdempotencyKeyReused,
    SoldOut,
    SoldOutToday,
    UsedNotReturnable,
)
from benefits.terms import Terms, terms_by_id
from common.clock import local_day
from common.database import Row, constraint_of, fetch_one
from common.errors import NotFound
from common.ids import new_coupon_number, new_id
from common.request_keys import RequestKey
from models.enums import CouponStatus, LimitPeriod, MemberStatus, OfferStatus

# Losing a race to oneself (two phones, one person) is judged anew; more often than this is no race.
MOST_TRIES = 5

READ = """
SELECT o.status, o.claim_from, o.claim_until, o.min_tier_level, o.per_citizen_limit, o.per_citizen_period,
       o.terms_id, (SELECT valid_until FROM offer_terms WHERE id = o.terms_id) AS use_until,
       m.status AS member_status,
       s.total - s.issued AS stock_left, s.daily_limit - coalesce(d.issued, 0) AS left_today,
       consent.id AS consent_id, snapshot.level, snapshot.data_date,
       (SELECT count(*) FROM coupons held
         WHERE held.offer_id = o.id AND held.citizen_id = $2 AND held.slot IS NOT NULL
           AND held.limit_period = CASE o.per_citizen_period
               WHEN 'ever' THEN '' WHEN 'year' THEN $5 WHEN 'month' THEN $6 ELSE $7 END) AS held_in_period,
       stored.id AS stored_id, stored.request_hash AS stored_hash, stored.terms_id AS stored_terms_id,
       stored.valid_from AS stored_valid_from, stored.valid_until AS stored_valid_until,
       stored.claimed_at AS stored_claimed_at
FROM (VALUES (1)) AS always
LEFT JOIN coupons stored ON stored.citizen_id = $2 AND stored.request_key = $3
LEFT JOIN offers o ON o.id = $1 AND o.status <> 'draft'
LEFT JOIN members m ON m.id = o.member_id
LEFT JOIN offer_stock s ON s.offer_id = o.id
LEFT JOIN LATERAL (
    SELECT issued FROM offer_days WHERE offer_id = o.id AND day = $8 LIMIT 1) d ON true
LEFT JOIN consents consent
       ON consent.citizen_id = $2 AND consent.purpose = 'credit_check' AND consent.withdrawn_at IS NULL
LEFT JOIN LATERAL (
    SELECT level, data_date FROM tier_snapshots
     WHERE citizen_id = $2 AND valid_until > $4 ORDER BY taken_at DESC LIMIT 1) snapshot ON true
"""

# Lock what is scarce last: the consent, the coupon and its slot first, then the day, then the one row that
# everybody wants. The consent is held until the coupon is written: a withdrawal comes before or after, and
# once it is answered nothing is claimed on it.
CLAIM = """
WITH consent AS MATERIALIZED (
    SELECT c.id FROM consents c WHERE c.id = $14 AND c.citizen_id = $5 AND c.withdrawn_at IS NULL FOR SHARE
), place AS (
    SELECT CASE WHEN $7::int IS NULL THEN NULL ELSE
        (SELECT min(n) FROM generate_series(1, $7::int) AS n
          WHERE NOT EXISTS (SELECT FROM coupons taken
                             WHERE taken.offer_id = $3 AND taken.citizen_id = $5
                               AND taken.limit_period = $8 AND taken.slot = n)) END AS slot
), claimed AS (
    INSERT INTO coupons (id, number, offer_id, terms_id, citizen_id, uses_total, slot, limit_period,
                         valid_from, valid_until, claimed_at, request_key, request_hash)
    SELECT $1, $2, o.id, o.terms_id, $5, $6, place.slot, $8, $9, $10, $11, $12, $13
      FROM offers o JOIN members m ON m.id = o.member_id AND m.status = 'active', place
     WHERE o.id = $3 AND o.status = 'published' AND o.terms_id = $4
       AND o.min_tier_level IS NOT DISTINCT FROM $16::smallint
       AND ($7::int IS NULL OR place.slot IS NOT NULL)
       AND ($16::smallint IS NULL OR EXISTS (SELECT FROM consent))
    RETURNING id, offer_id
), today AS (
    INSERT INTO offer_days (offer_id, day, daily_limit, issued)
    SELECT s.offer_id, $15, s.daily_limit, 1
      FROM claimed JOIN offer_stock s ON s.offer_id = claimed.offer_id
     WHERE s.daily_limit IS NOT NULL
    ON CONFLICT (offer_id, day) DO UPDATE
       SET issued = offer_days.issued + 1, daily_limit = excluded.daily_limit
    RETURNING 1
), piece AS (
    UPDATE offer_stock s SET issued = s.issued + 1
      FROM claimed, (SELECT count(*) FROM today) AS after_today
     WHERE s.offer_id = claimed.offer_id
    RETURNING 1
)
SELECT id FROM claimed
"""

GIVE_BACK = """
WITH given AS (
    UPDATE coupons SET status = 'given_back', slot = NULL, ended_at = $3
     WHERE id = $1 AND citizen_id = $2 AND status = 'claimed' AND uses_done = 0 AND valid_until > $3
    RETURNING id, offer_id, claimed_at
), that_day AS (
    UPDATE offer_days d SET issued = d.issued - 1
      FROM given
     WHERE d.offer_id = given.offer_id AND d.day = (given.claimed_at AT TIME ZONE 'Asia/Shanghai')::date
       AND d.issued > 0
    RETURNING 1
), piece AS (
    UPDATE offer_stock s SET issued = s.issued - 1
      FROM given, (SELECT count(*) FROM that_day) AS after_that_day
     WHERE s.offer_id = given.offer_id AND s.issued > 0
    RETURNING 1
)
SELECT id FROM given
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A coupon as it was at the moment of its claim; `is_replayed` when an earlier answer comes again."""

    id: UUID
    terms: Terms
    valid_from: datetime
    valid_until: datetime
    claimed_at: datetime
    is_replayed: bool = False


# Asks a credit source under the citizen's consent; `citizens.credit` provides it.
AskSource = Callable[[], Awaitable[Standing]]


async def claim(
    citizen_id: UUID, offer_id: UUID, request: RequestKey, ask_source: AskSource, now: datetime
) -> Claimed:
    """Claim one coupon of an offer.

    Args:
        ask_source: called at most once, when the offer asks for a tier, consent is in force and no
            snapshot is valid.

    Raises:
        NotFound: no such offer.
        IdempotencyKeyReused: the key came before with another offer.
        ConsentRequired, Unrated, TierTooLow, SoldOut, SoldOutToday, LimitReached, OfferNotStarted,
        OfferEnded: as `benefits.eligibility` says.
    """
    for _ in range(MOST_TRIES):
        row = await _read(citizen_id, offer_id, request, now)
        if row["stored_id"] is not None:
            return await _stored(row, request)
        if row["terms_id"] is None:
            raise NotFound
        await _judge(row, ask_source, now)
        claimed = await _write(citizen_id, offer_id, request, row, now)
        if claimed is not None:
            return claimed
    raise Busy


async def give_back(citizen_id: UUID, coupon_id: UUID, now: datetime) -> None:
    """Return an unused coupon: its piece goes back to the stock, its place to the citizen's limit.

    Giving back twice is giving back once.

    Raises:
        NotFound: no such coupon of this citizen.
        UsedNotReturnable, CouponExpired, CouponRevoked: it can't be returned any more.
        Busy: it is being redeemed or undone at this moment.
    """
    if await fetch_one(GIVE_BACK, coupon_id, citizen_id, now) is not None:
        return
    row = await fetch_one(
        "SELECT status, uses_done, valid_until, (SELECT max(r.redeemed_at) FROM redemptions r WHERE r.coupon_id = c.id"
        "  AND NOT EXISTS (SELECT FROM reversals v WHERE v.redemption_id = r.id)) AS redeemed_at"
        " FROM coupons c WHERE id = $1 AND citizen_id = $2",
        *(coupon_id, citizen_id),
    )
    if row is None:
        raise NotFound
    if row["status"] == CouponStatus.GIVEN_BACK:
        return
    if row["status"] == CouponStatus.REVOKED:
        raise CouponRevoked
    if row["uses_done"]:
        raise UsedNotReturnable(redeemed_at=row["redeemed_at"])
    if now >= row["valid_until"]:
        raise CouponExpired(valid_until=row["valid_until"])
    raise Busy  # a redemption was undone between the two statements: next time it goes through


async def _read(citizen_id: UUID, offer_id: UUID, request: RequestKey, now: datetime) -> Row:
    periods = (period_key(period, now) for period in (LimitPeriod.YEAR, LimitPeriod.MONTH, LimitPeriod.DAY))
    row = await fetch_one(READ, offer_id, citizen_id, request.key, now, *periods, local_day(now))
    assert row is not None
    return row


async def _stored(row: Row, request: RequestKey) -> Claimed:
    if row["stored_hash"] != request.body_hash:
        raise IdempotencyKeyReused
    return Claimed(
        id=row["stored_id"],
        terms=await terms_by_id(row["stored_terms_id"]),
        valid_from=row["stored_valid_from"],
        valid_until=row["stored_valid_until"],
        claimed_at=row["stored_claimed_at"],
        is_replayed=True,
    )


def rules_of(row: Row | Mapping[str, Any]) -> ClaimRules:
    """The rules and counters in a row that has the columns of `offers`, `stock_left`, `left_today`, `use_until`."""
    is_stopped = row["member_status"] != MemberStatus.ACTIVE
    return ClaimRules(
        status=OfferStatus.ENDED if is_stopped else OfferStatus(row["status"]),
        claim_from=row["claim_from"],
        claim_until=row["claim_until"],
        min_tier_level=row["min_tier_level"],
        per_citizen_limit=row["per_citizen_limit"],
        per_citizen_period=LimitPeriod(row["per_citizen_period"]),
        stock_left=row["stock_left"],
        left_today=row["left_today"],
        use_until=row["use_until"],
    )


async def _judge(row: Row, ask_source: AskSource, now: datetime) -> None:
    """Raise the first reason against the claim; ask the credit source only if nothing else speaks against it."""
    rules = rules_of(row)
    standing = Standing(row["consent_id"] is not None, row["level"], row["data_date"])
    for reason in reasons_against(rules, standing, row["held_in_period"], now):
        raise reason
    if rules.min_tier_level is not None and not standing.is_known:
        for reason in reasons_against(rules, await ask_source(), row["held_in_period"], now):
            raise reason


async def _write(
    citizen_id: UUID, offer_id: UUID, request: RequestKey, row: Row, now: datetime
) -> Claimed | None:
    """Run the guarded statement; nothing when it has to be judged anew."""
    terms = await terms_by_id(row["terms_id"])
    period = period_key(LimitPeriod(row["per_citizen_period"]), now)
    valid_from, valid_until = terms.validity(now)
    coupon_id = new_id()
    try:
        done = await fetch_one(
            CLAIM,
            *(coupon_id, new_coupon_number(), offer_id, terms.id, citizen_id, terms.uses_total),
            *(row["per_citizen_limit"], period, valid_from, valid_until, now),
            *(request.key, request.body_hash, row["consent_id"], local_day(now), row["min_tier_level"]),
        )
    except asyncpg.IntegrityConstraintViolationError as error:
        match constraint_of(error):
            case "offer_stock_not_oversold":
                raise SoldOut from None
            case "offer_days_not_oversold":
                raise SoldOutToday from None
            case "coupons_slot_once" | "coupons_request_key_once" | "coupons_number_once":
                return None
            case _:
                raise
    if done is None:
        return None
    return Claimed(coupon_id, terms, valid_from, valid_until, now)
