"""核销: a clerk redeems a coupon, and nobody can do it twice.

Why a coupon can't be used twice:

1. `REDEEM` locks the coupon, writes the record and takes the uses in one statement: a killed process leaves
   all or nothing.
2. Two scans at once: the second waits for the coupon's row (or is judged anew, see `REDEEM_TOGETHER`); then
   PostgreSQL tests the WHERE again on the row as the first left it, finds no use left, and nothing is written.
3. One code of a pass twice, where uses are left: `redemptions_step_once`, UNIQUE (coupon_id, step).
4. One request twice: `redemptions_request_key_once`, UNIQUE (staff_id, request_key); the retry reads the
   stored answer.

Whoever loses by 2, 3 or 4 (`_write` gives None) is judged anew from `READ`, and gets the true reason. What is
read before is for the rules and for kind refusals; it never decides. Both statements take all scans of a
process that wait at the moment (`common.shared_statements`); each row stands for itself.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from benefits import attempts, coupon_events
from benefits.codes import Code, KeyRing, verify
from benefits.discounts import Discount
from benefits.redemption_rules import Clerk, CouponState, Order, judge
from benefits.refusals import (
    AmountUnfinished,
    Busy,
    CodeForged,
    IdempotencyKeyReused,
    OnlyStoreNotAllowed,
    StoreNotAllowed,
)
from benefits.terms import Terms, terms_by_id
from citizens.disclosures import show_holder
from common.actors import StaffActor
from common.clock import local_day
from common.crypto import PersonalDataKeys
from common.database import Row
from common.errors import DomainError
from common.ids import new_id
from common.request_keys import RequestKey
from common.shared_statements import SharedStatement
from merchants.self_bindings import is_self
from merchants.staff import StaffRevoked, stores_of
from models.enums import CouponStatus, StaffStatus

# A scan that lost to a newer state is judged anew; more often than this is no race.
MOST_TRIES = 4

# LATERAL with LIMIT keeps the look-ups on their indexes even when they were planned on an empty ledger.
READ = """
SELECT asked.n, s.status AS staff_status, st.is_active AS store_is_active,
       CASE WHEN s.role <> 'device' THEN ARRAY[s.self_hash] ELSE ARRAY(
           SELECT p.self_hash FROM staff p WHERE p.member_id = s.member_id AND p.status = 'active') END AS self_hashes,
       c.id, c.offer_id, c.terms_id, c.citizen_id, c.status, c.key_generation, c.uses_total, c.uses_done,
       c.uses_day, c.uses_today, c.valid_from, c.valid_until, burnt.is_burnt IS NOT NULL AS is_step_burnt,
       CASE WHEN c.status = 'redeemed' THEN
           (SELECT max(r.redeemed_at) FROM redemptions r WHERE r.coupon_id = c.id) END AS last_redeemed_at,
       stored.id AS stored_id, stored.request_hash AS stored_hash, stored.store_id AS stored_store_id,
       stored.terms_id AS stored_terms_id, stored.order_amount_fen, stored.discount_fen, stored.payable_fen,
       stored.uses, stored.uses_left, stored.redeemed_at
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::text[])
     WITH ORDINALITY AS asked (staff_id, store_id, number, step, request_key, n)
JOIN staff s ON s.id = asked.staff_id
LEFT JOIN staff_stores l ON l.staff_id = s.id AND l.store_id = asked.store_id
LEFT JOIN stores st ON st.id = l.store_id
LEFT JOIN LATERAL (SELECT * FROM coupons WHERE number = asked.number LIMIT 1) c ON true
LEFT JOIN LATERAL (
    SELECT true AS is_burnt FROM redemptions r WHERE r.coupon_id = c.id AND r.step = asked.step LIMIT 1) burnt ON true
LEFT JOIN LATERAL (
    SELECT * FROM redemptions r WHERE r.staff_id = s.id AND r.request_key = asked.request_key LIMIT 1) stored ON true
"""

# Lock the coupon, write the record, take the uses: in this order, because a record that a key refuses
# (ON CONFLICT) must leave its coupon alone. Records are written in the order of their keys, so that two
# processes never wait for each other crosswise. A clock that was set back counts on with the later day: the
# day's cap is never reset by a wrong clock.
REDEEM = """
WITH usable AS MATERIALIZED (
    SELECT asked.*, c.offer_id, c.citizen_id, c.terms_id, c.uses_total - c.uses_done - asked.uses AS uses_left
      FROM unnest($1::uuid[], $2::int[], $3::date[], $4::smallint[], $5::int[], $6::uuid[], $7::uuid[], $8::uuid[],
                  $9::uuid[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::timestamptz[],
                  $15::text[], $16::bytea[])
           WITH ORDINALITY AS asked (coupon_id, uses, day, generation, daily_cap, staff_id, store_id, id,
                                     member_id, step, order_amount_fen, discount_fen, payable_fen, at,
                                     request_key, request_hash, n)
      JOIN coupons c ON c.id = asked.coupon_id
     WHERE c.status = 'claimed' AND c.key_generation = asked.generation
       AND (c.uses_total IS NULL OR c.uses_done + asked.uses <= c.uses_total)
       AND (asked.daily_cap IS NULL
            OR CASE WHEN c.uses_day >= asked.day THEN c.uses_today ELSE 0 END + asked.uses <= asked.daily_cap)
       AND EXISTS (SELECT FROM staff_stores l JOIN staff s ON s.id = l.staff_id
                     JOIN stores st ON st.id = l.store_id
                    WHERE l.staff_id = asked.staff_id AND l.store_id = asked.store_id
                      AND s.status = 'active' AND st.is_active)
       FOR NO KEY UPDATE OF c
), written AS (
    INSERT INTO redemptions (id, coupon_id, offer_id, citizen_id, terms_id, uses_left, uses, staff_id, store_id,
                             member_id, step, order_amount_fen, discount_fen, payable_fen, redeemed_at,
                             request_key, request_hash)
    SELECT id, coupon_id, offer_id, citizen_id, terms_id, uses_left, uses, staff_id, store_id,
           member_id, step, order_amount_fen, discount_fen, payable_fen, at, request_key, request_hash
      FROM usable ORDER BY staff_id, request_key
    ON CONFLICT DO NOTHING
    RETURNING id
), used AS (
    UPDATE coupons c
       SET uses_done = c.uses_done + usable.uses,
           status = CASE WHEN c.uses_done + usable.uses = c.uses_total THEN 'redeemed' ELSE c.status END,
           uses_today = CASE WHEN c.uses_day >= usable.day THEN c.uses_today ELSE 0 END + usable.uses,
           uses_day = greatest(c.uses_day, usable.day)
      FROM written JOIN usable ON usable.id = written.id
     WHERE c.id = usable.coupon_id
    RETURNING usable.n, usable.uses_left
)
SELECT n, uses_left FROM used
"""
# Together with others, a coupon that another transaction holds is left to be judged anew: nobody's scan
# waits because of somebody else's coupon.
REDEEM_TOGETHER = REDEEM.replace("UPDATE OF c\n", "UPDATE OF c SKIP LOCKED\n")

reads = SharedStatement(READ)
writes = SharedStatement(REDEEM_TOGETHER, alone=REDEEM)


@dataclass(frozen=True, slots=True)
class ScanKeys:
    """What a scan is checked with: the codes' master keys, and the key that a clerk's own coupons are known by."""

    codes: KeyRing
    personal: PersonalDataKeys


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What was given, as the first answer said it; `is_replayed` when that answer comes again.

    `holder_masked_name` is there when the offer shows it and the holder agrees at this moment, the first time or not.
    """

    id: UUID
    terms: Terms
    store_id: UUID
    order_amount_fen: int | None
    discount: Discount
    redeemed_at: datetime
    uses: int
    uses_left: int | None
    is_replayed: bool = False
    holder_masked_name: str | None = None


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan by one clerk at one moment."""

    actor: StaffActor
    code: Code
    order: Order
    at: datetime


@dataclass(frozen=True, slots=True)
class Preview:
    """What a redemption would give now."""

    terms: Terms
    discount: Discount
    uses_left: int | None
    holder_masked_name: str | None


async def redeem(
    actor: StaffActor, text: str, order: Order, request: RequestKey, keys: ScanKeys, now: datetime
) -> Redeemed:
    """Redeem a scanned code.

    Judged in this order: form and MAC of the code (no database), the request's key (its stored answer
    comes back however late), window and burnt step, rights, what the coupon and the offer allow.

    Raises:
        CodeMalformed, CodeForged: only counted.
        IdempotencyKeyReused: the key came before with another body; not kept, nor is Busy.
        Every other refusal of `benefits.redemption_rules.judge`: kept as an attempt.
    """
    code = _verified(actor, text, keys.codes)
    for attempt in range(MOST_TRIES):
        row = await _read(actor, code, order, request.key)
        scan = Scan(actor, code, order, now)
        if row["stored_id"] is not None:
            stored = await _stored(row, request)
            return replace(stored, holder_masked_name=await _holder(scan, row, stored.terms, keys))
        terms, given = await _judged(scan, row, keys, is_preview=False)
        done = await _write(scan, row, terms, given, request, alone=attempt > 0)
        if done is not None:
            coupon_events.redeemed(row["id"], done.id, now)
            return replace(done, holder_masked_name=await _holder(scan, row, terms, keys))
    raise Busy


async def preview(actor: StaffActor, text: str, order: Order, keys: ScanKeys, now: datetime) -> Preview:
    """Say what `redeem` would give or refuse; changes no coupon.

    A refusal is kept as an attempt, unless all it asks for is the rest of the amount.
    """
    code = _verified(actor, text, keys.codes)
    row = await _read(actor, code, order, "")
    scan = Scan(actor, code, order, now)
    terms, given = await _judged(scan, row, keys, is_preview=True)
    total = row["uses_total"]
    left = None if total is None else total - row["uses_done"] - order.uses
    return Preview(terms, given, left, await _holder(scan, row, terms, keys))


async def _holder(scan: Scan, row: Row, terms: Terms, keys: ScanKeys) -> str | None:
    """Who holds the coupon, for offers that show it: after everything else, so that a refused scan shows nobody."""
    if not terms.shows_holder or row["citizen_id"] is None:
        return None
    place = scan.order.store_id, terms.offer_id
    return await show_holder(row["citizen_id"], scan.actor.member_id, place, keys.personal, scan.at)


def _verified(actor: StaffActor, text: str, keys: KeyRing) -> Code:
    try:
        return verify(keys, text)
    except DomainError as refusal:
        attempts.count(actor.member_id, refusal.code)
        raise


async def _read(actor: StaffActor, code: Code, order: Order, key: str) -> Row:
    row = await reads.ask(actor.id, order.store_id, code.number, code.step, key)
    if row is None:
        raise StaffRevoked
    return row


async def _stored(row: Row, request: RequestKey) -> Redeemed:
    if row["stored_hash"] != request.body_hash:
        raise IdempotencyKeyReused
    return Redeemed(
        id=row["stored_id"],
        terms=await terms_by_id(row["stored_terms_id"]),
        store_id=row["stored_store_id"],
        order_amount_fen=row["order_amount_fen"],
        discount=Discount(row["discount_fen"], row["payable_fen"]),
        redeemed_at=row["redeemed_at"],
        uses=row["uses"],
        uses_left=row["uses_left"],
        is_replayed=True,
    )


async def _judged(scan: Scan, row: Row, keys: ScanKeys, *, is_preview: bool) -> tuple[Terms, Discount]:
    """Apply the rules; a refusal is kept with its reason. No transaction is open here."""
    try:
        if row["id"] is None:
            raise CodeForged
        terms = await terms_by_id(row["terms_id"])
        clerk = Clerk(
            is_active=row["staff_status"] == StaffStatus.ACTIVE,
            may_redeem_at_store=bool(row["store_is_active"]),
            # Behind a device may be anybody who works there.
            is_holder=any(is_self(bound, row["citizen_id"], keys.personal) for bound in row["self_hashes"]),
        )
        return terms, judge(_coupon_state(row), clerk, terms, scan.code, scan.order, scan.at)
    except CodeForged as refusal:
        attempts.count(scan.actor.member_id, refusal.code)
        raise
    except DomainError as refusal:
        if not (is_preview and isinstance(refusal, AmountUnfinished)):
            await attempts.record(
                scan.actor, scan.order.store_id, row["id"], refusal.code, scan.at, is_preview=is_preview
            )
        if isinstance(refusal, StoreNotAllowed) and len(await stores_of(scan.actor.id)) < 2:
            raise OnlyStoreNotAllowed from None
        raise


def _coupon_state(row: Row) -> CouponState:
    return CouponState(
        status=CouponStatus(row["status"]),
        key_generation=row["key_generation"],
        uses_total=row["uses_total"],
        uses_done=row["uses_done"],
        uses_day=row["uses_day"],
        uses_today=row["uses_today"],
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
        is_step_burnt=row["is_step_burnt"],
        last_redeemed_at=row["last_redeemed_at"],
    )


async def _write(
    scan: Scan, row: Row, terms: Terms, given: Discount, request: RequestKey, *, alone: bool = False
) -> Redeemed | None:
    """Run the guarded statement; nothing when the scan has to be judged anew."""
    order, redemption_id = scan.order, new_id()
    values = (
        *(row["id"], order.uses, local_day(scan.at), scan.code.generation, terms.daily_use_cap),
        *(scan.actor.id, order.store_id, redemption_id, scan.actor.member_id, scan.code.step),
        *(order.order_amount_fen, given.discount_fen, given.payable_fen, scan.at),
        *(request.key, request.body_hash),
    )
    # One coupon is once in a statement: the second scan of it goes with the next and sees what the first did.
    written = await (writes.ask_alone(*values) if alone else writes.ask(*values, apart=row["id"]))
    if written is None:
        return None
    return Redeemed(
        id=redemption_id,
        terms=terms,
        store_id=order.store_id,
        order_amount_fen=order.order_amount_fen,
        discount=given,
        redeemed_at=scan.at,
        uses=order.uses,
        uses_left=written["uses_left"],
    )
