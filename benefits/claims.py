"""领取: a citizen takes one piece of an offer, exactly, and can give it back unused.

Why nobody gets one too many: the coupon, its place in the citizen's limit, the day's count, the
stock and the budget are written by one statement, and each is held by a constraint. Whoever comes second finds his place
taken and is judged anew; whoever is one too many violates the constraint, and the whole statement leaves no
trace. All claims of a process that wait at the moment share the statement (`common.shared_statements`), which
asks for no more pieces than it sees; when the constraint refuses it all the same, each of them is judged anew,
so that the end of a rush is one more reading and not a statement for each who comes too late. What is read
before only makes the refusal kind; it never decides.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
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
from citizens.consents import SharingConsentRequired
from common.clock import local_day
from common.database import Row, constraint_of, execute, fetch_all, fetch_one
from common.errors import NotFound
from common.ids import new_coupon_number, new_id
from common.request_keys import RequestKey
from common.shared_statements import NotTogether, SharedStatement
from models.citizen_enums import RealNameLevel
from models.enums import CouponStatus, LimitPeriod, MemberStatus, OfferStatus

# Losing a race to oneself (two phones, one person) is judged anew; more often than this is no race.
MOST_TRIES = 5

# LATERAL with LIMIT keeps the look-ups on their indexes even when they were planned on an empty table.
READ = """
SELECT asked.n, o.status, o.claim_from, o.claim_until, o.min_tier_level, o.per_citizen_limit, o.per_citizen_period,
       o.min_real_name_level, CASE WHEN o.min_real_name_level > 0 THEN coalesce(
           (SELECT 2 FROM natural_persons WHERE citizen_id = asked.citizen_id LIMIT 1),
           (SELECT 1 FROM citizen_phones WHERE citizen_id = asked.citizen_id LIMIT 1), 0) ELSE 0 END AS real_name_level,
       o.terms_id, (SELECT valid_until FROM offer_terms WHERE id = o.terms_id) AS use_until,
       m.status AS member_status,
       least(s.total - s.issued, (s.budget_fen - s.reserved_fen) / nullif(s.piece_fen, 0)) AS stock_left,
       s.daily_limit - coalesce(d.issued, 0) AS left_today,
       consent.id AS consent_id, snapshot.level, snapshot.data_date,
       (SELECT count(*) FROM coupons held
         WHERE held.offer_id = o.id AND held.citizen_id = asked.citizen_id AND held.slot IS NOT NULL
           AND held.limit_period = CASE o.per_citizen_period
               WHEN 'ever' THEN '' WHEN 'year' THEN asked.year WHEN 'month' THEN asked.month
               ELSE asked.day END) AS held_in_period,
       stored.id AS stored_id, stored.request_hash AS stored_hash, stored.terms_id AS stored_terms_id,
       stored.valid_from AS stored_valid_from, stored.valid_until AS stored_valid_until,
       stored.claimed_at AS stored_claimed_at
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::date[])
     WITH ORDINALITY AS asked (offer_id, citizen_id, request_key, at, year, month, day, today, n)
LEFT JOIN LATERAL (
    SELECT * FROM coupons WHERE citizen_id = asked.citizen_id AND request_key = asked.request_key LIMIT 1) stored ON true
LEFT JOIN offers o ON o.id = asked.offer_id AND o.status IN ('published', 'paused', 'ended', 'withdrawn')
LEFT JOIN members m ON m.id = o.member_id
LEFT JOIN offer_stock s ON s.offer_id = o.id
LEFT JOIN LATERAL (SELECT issued FROM offer_days WHERE offer_id = o.id AND day = asked.today LIMIT 1) d ON true
LEFT JOIN LATERAL (
    SELECT id FROM consents
     WHERE citizen_id = asked.citizen_id AND purpose = 'credit_check' AND withdrawn_at IS NULL LIMIT 1) consent ON true
LEFT JOIN LATERAL (
    SELECT level, data_date, refresh_at FROM tier_snapshots
     WHERE citizen_id = asked.citizen_id AND valid_until > asked.at ORDER BY taken_at DESC LIMIT 1) snapshot
  ON coalesce(snapshot.refresh_at > asked.at, true)
"""

# Lock what is scarce last: the consents, the coupons and their slots first, then the days, then the rows that
# everybody wants, each kind in the order of its key, so that two processes never wait for each other crosswise.
# A consent is held until its coupon is written: a withdrawal comes before or after, and once it is answered
# nothing is claimed on it; and so is the person or the number that an offer asks for, until it is erased. Places are
# counted and not only looked for: one who joined two accounts may have some above the limit. Whom another account took
# in meets a foreign key. All claims of one offer in one statement take their pieces at once: the row of a hot offer
# changes once for all that wait, not once for each.
CLAIM = """
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[], $5::uuid[], $6::int[], $7::int[],
                         $8::text[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::text[],
                         $13::bytea[], $14::uuid[], $15::date[], $16::smallint[], $17::uuid[], $18::smallint[])
                  WITH ORDINALITY AS asked (id, number, offer_id, terms_id, citizen_id, uses_total, most,
                                            period, valid_from, valid_until, at, request_key, request_hash,
                                            consent_id, today, min_tier_level, sharing_id, min_real_name_level, n)
), person AS MATERIALIZED (
    SELECT citizen_id FROM natural_persons
     WHERE citizen_id = ANY (ARRAY(SELECT citizen_id FROM asked WHERE min_real_name_level > 0))
     ORDER BY citizen_id FOR SHARE
), phone AS MATERIALIZED (
    SELECT citizen_id FROM citizen_phones
     WHERE citizen_id = ANY (ARRAY(SELECT citizen_id FROM asked WHERE min_real_name_level = 1))
     ORDER BY citizen_id FOR SHARE
), consent AS MATERIALIZED (
    SELECT c.id, c.citizen_id FROM consents c
     WHERE c.id = ANY ($14::uuid[] || $17::uuid[]) AND c.withdrawn_at IS NULL
     ORDER BY c.id FOR SHARE
), placed AS (
    SELECT asked.*, CASE WHEN most > (SELECT count(*) FROM coupons held
                                       WHERE held.offer_id = asked.offer_id AND held.citizen_id = asked.citizen_id
                                         AND held.limit_period = asked.period AND held.slot IS NOT NULL) THEN
        (SELECT min(place) FROM generate_series(1, most) AS place
          WHERE NOT EXISTS (SELECT FROM coupons taken
                             WHERE taken.offer_id = asked.offer_id AND taken.citizen_id = asked.citizen_id
                               AND taken.limit_period = asked.period AND taken.slot = place)) END AS slot
      FROM asked
), allowed AS (
    SELECT p.*, row_number() OVER (PARTITION BY p.offer_id ORDER BY p.n) AS turn
      FROM placed p
      JOIN offers o ON o.id = p.offer_id AND o.status = 'published' AND o.terms_id = p.terms_id
       AND o.min_tier_level IS NOT DISTINCT FROM p.min_tier_level AND o.min_real_name_level = p.min_real_name_level
      JOIN members m ON m.id = o.member_id AND m.status = 'active'
      LEFT JOIN citizens whose ON whose.id = p.citizen_id
     WHERE whose.erased_at IS NULL AND (p.most IS NULL OR p.slot IS NOT NULL)
       AND (p.min_tier_level IS NULL
            OR EXISTS (SELECT FROM consent WHERE consent.id = p.consent_id AND consent.citizen_id = p.citizen_id))
       AND (p.sharing_id IS NULL
            OR EXISTS (SELECT FROM consent WHERE consent.id = p.sharing_id AND consent.citizen_id = p.citizen_id))
       AND (p.min_real_name_level = 0 OR EXISTS (SELECT FROM person WHERE person.citizen_id = p.citizen_id)
            OR p.min_real_name_level = 1 AND EXISTS (SELECT FROM phone WHERE phone.citizen_id = p.citizen_id))
), claimed AS (
    INSERT INTO coupons (id, number, offer_id, terms_id, citizen_id, uses_total, slot, limit_period,
                         valid_from, valid_until, claimed_at, request_key, request_hash, reserved_fen)
    SELECT a.id, a.number, a.offer_id, a.terms_id, a.citizen_id, a.uses_total, a.slot, a.period,
           a.valid_from, a.valid_until, a.at, a.request_key, a.request_hash,
           CASE WHEN s.budget_fen IS NOT NULL THEN s.piece_fen END
      FROM allowed a
      LEFT JOIN offer_stock s ON s.offer_id = a.offer_id
      LEFT JOIN offer_days d ON d.offer_id = a.offer_id AND d.day = a.today
     WHERE coalesce(a.turn <= s.total - s.issued, true)
       AND coalesce(a.turn <= s.daily_limit - coalesce(d.issued, 0), true)
       AND coalesce(a.turn * s.piece_fen <= s.budget_fen - s.reserved_fen, true)
     ORDER BY a.citizen_id, a.request_key
    ON CONFLICT DO NOTHING
    RETURNING id, offer_id, reserved_fen
), taken AS MATERIALIZED (
    SELECT claimed.offer_id, asked.today, count(*)::int AS pieces, coalesce(sum(reserved_fen), 0) AS cost_fen
      FROM claimed JOIN asked ON asked.id = claimed.id GROUP BY claimed.offer_id, asked.today
), today AS (
    INSERT INTO offer_days (offer_id, day, daily_limit, issued)
    SELECT s.offer_id, taken.today, s.daily_limit, taken.pieces
      FROM taken JOIN offer_stock s ON s.offer_id = taken.offer_id
     WHERE s.daily_limit IS NOT NULL ORDER BY s.offer_id, taken.today
    ON CONFLICT (offer_id, day) DO UPDATE
       SET issued = offer_days.issued + excluded.issued, daily_limit = excluded.daily_limit
    RETURNING 1
), stock AS MATERIALIZED (
    SELECT s.offer_id FROM offer_stock s, (SELECT count(*) FROM today) AS after_today
     WHERE s.offer_id IN (SELECT offer_id FROM taken)
     ORDER BY s.offer_id FOR NO KEY UPDATE OF s
), piece AS (
    UPDATE offer_stock s SET issued = s.issued + wanted.pieces, reserved_fen = s.reserved_fen + wanted.cost_fen
      FROM (SELECT stock.offer_id, sum(taken.pieces)::int AS pieces, sum(taken.cost_fen)::bigint AS cost_fen
              FROM stock JOIN taken ON taken.offer_id = stock.offer_id GROUP BY stock.offer_id) AS wanted
     WHERE s.offer_id = wanted.offer_id
    RETURNING 1
)
SELECT asked.n FROM claimed JOIN asked ON asked.id = claimed.id
"""
# Together with others, a consent that is being withdrawn is not waited for: that claim is judged anew.
CLAIM_TOGETHER = CLAIM.replace("FOR SHARE\n", "FOR SHARE SKIP LOCKED\n")

reads = SharedStatement(READ)
writes = SharedStatement(CLAIM_TOGETHER, alone=CLAIM)

GIVE_BACK = """
WITH given AS (
    UPDATE coupons SET status = 'given_back', slot = NULL, ended_at = $3,
                       settled_at = CASE WHEN reserved_fen IS NOT NULL THEN $3 END
     WHERE id = $1 AND citizen_id = $2 AND status = 'claimed' AND uses_done = 0 AND valid_until > $3
    RETURNING id, offer_id, claimed_at, reserved_fen
), that_day AS (
    UPDATE offer_days d SET issued = d.issued - 1
      FROM given
     WHERE d.offer_id = given.offer_id AND d.day = (given.claimed_at AT TIME ZONE 'Asia/Shanghai')::date
       AND d.issued > 0
    RETURNING 1
), piece AS (
    UPDATE offer_stock s SET issued = s.issued - 1, reserved_fen = s.reserved_fen - coalesce(given.reserved_fen, 0)
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
            snapshot is valid, or the one that is should be taken anew.

    Raises:
        NotFound: no such offer.
        IdempotencyKeyReused: the key came before with another offer.
        ConsentRequired, Unrated, TierTooLow, SoldOut, SoldOutToday, LimitReached, OfferNotStarted,
        OfferEnded: as `benefits.eligibility` says.
        SharingConsentRequired: staff would see his masked name, and he has not agreed to that.
    """
    for attempt in range(MOST_TRIES):
        row = await _read(citizen_id, offer_id, request, now)
        if row["stored_id"] is not None:
            return await _stored(row, request)
        if row["terms_id"] is None:
            raise NotFound
        sharing_id = await _judge(citizen_id, offer_id, row, ask_source, now)
        claimed = await _write(citizen_id, offer_id, request, row, now, sharing_id, alone=attempt > 0)
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


async def end_all(citizen_id: UUID, now: datetime) -> None:
    """End what an erased citizen could still use, one by one: unused coupons go back to the stock, begun ones end."""
    while rows := await fetch_all(
        "SELECT id FROM coupons WHERE citizen_id = $1 AND status = 'claimed' AND valid_until > $2 LIMIT 100",
        *(citizen_id, now),
    ):
        for row in rows:
            if await fetch_one(GIVE_BACK, row["id"], citizen_id, now) is None:
                await execute(
                    "UPDATE coupons SET status = 'revoked', ended_at = $2, ended_reason = 'erased'"
                    " WHERE id = $1 AND status = 'claimed' AND uses_done > 0",
                    *(row["id"], now),
                )


async def _read(citizen_id: UUID, offer_id: UUID, request: RequestKey, now: datetime) -> Row:
    periods = (period_key(period, now) for period in (LimitPeriod.YEAR, LimitPeriod.MONTH, LimitPeriod.DAY))
    row = await reads.ask(offer_id, citizen_id, request.key, now, *periods, local_day(now))
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
        min_real_name_level=RealNameLevel(row["min_real_name_level"]),
        per_citizen_limit=row["per_citizen_limit"],
        per_citizen_period=LimitPeriod(row["per_citizen_period"]),
        stock_left=row["stock_left"],
        left_today=row["left_today"],
        use_until=row["use_until"],
    )


async def _judge(
    citizen_id: UUID, offer_id: UUID, row: Row, ask_source: AskSource, now: datetime
) -> UUID | None:
    """Raise the first reason against the claim; ask the credit source only if nothing else speaks against it.

    Returns:
        the consent under which the member sees who holds the coupon, where the offer shows that.
    """
    rules = rules_of(row)
    known = RealNameLevel(row["real_name_level"])
    standing = Standing(row["consent_id"] is not None, row["level"], row["data_date"], real_name_level=known)
    for reason in reasons_against(rules, standing, row["held_in_period"], now):
        raise reason
    shows_holder = (await terms_by_id(row["terms_id"])).shows_holder
    sharing_id = await _sharing_consent(citizen_id, offer_id) if shows_holder else None
    if rules.min_tier_level is not None and not standing.is_known:
        standing = replace(await ask_source(), real_name_level=known)
        for reason in reasons_against(rules, standing, row["held_in_period"], now):
            raise reason
    return sharing_id


async def _sharing_consent(citizen_id: UUID, offer_id: UUID) -> UUID:
    row = await fetch_one(
        "SELECT m.id, m.name, c.id AS consent_id FROM offers o JOIN members m ON m.id = o.member_id"
        " LEFT JOIN consents c ON c.citizen_id = $2 AND c.purpose = 'member_sharing'"
        "  AND c.recipient_member_id = m.id AND c.withdrawn_at IS NULL WHERE o.id = $1",
        *(offer_id, citizen_id),
    )
    assert row is not None
    if row["consent_id"] is None:
        raise SharingConsentRequired(member_id=str(row["id"]), member_name=row["name"], what="masked_name")
    consent_id: UUID = row["consent_id"]
    return consent_id


async def _write(
    citizen_id: UUID,
    offer_id: UUID,
    request: RequestKey,
    row: Row,
    now: datetime,
    sharing_id: UUID | None = None,
    *,
    alone: bool = False,
) -> Claimed | None:
    """Run the guarded statement; nothing when it has to be judged anew."""
    terms = await terms_by_id(row["terms_id"])
    period = period_key(LimitPeriod(row["per_citizen_period"]), now)
    valid_from, valid_until = terms.validity(now)
    coupon_id = new_id()
    values = (
        *(coupon_id, new_coupon_number(), offer_id, terms.id, citizen_id, terms.uses_total),
        *(row["per_citizen_limit"], period, valid_from, valid_until, now),
        *(request.key, request.body_hash, row["consent_id"], local_day(now), row["min_tier_level"]),
        *(sharing_id, row["min_real_name_level"]),
    )
    try:
        # A person's claims never share a statement: he can be in the way of himself by a key or by a place in his
        # limit, and no order of rows is an order of both.
        done = await (writes.ask_alone(*values) if alone else writes.ask_together(*values, apart=citizen_id))
    except NotTogether:
        return None
    except asyncpg.CheckViolationError as error:
        match constraint_of(error):
            case "offer_stock_not_oversold" | "offer_stock_within_budget":
                raise SoldOut from None
            case "offer_days_not_oversold":
                raise SoldOutToday from None
            case _:
                raise
    if done is None:
        return None
    return Claimed(coupon_id, terms, valid_from, valid_until, now)
