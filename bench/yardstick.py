"""The yardsticks: the guarded statements for a single row, as pgbench runs them.

They are kept here, apart from the service's own statements, so that the measure does not move when the
service finds a better way to do the same: one redemption (or claim), checked and written by one statement
that nobody can get through twice. Every column is named: tables may get more of them.
"""

import re
from datetime import datetime
from typing import Any
from uuid import UUID

from benefits import codes
from common.clock import local_day
from sandbox.demo_data.rows import demo_id

REDEEM = """
WITH used AS (
    UPDATE coupons
       SET uses_done = uses_done + $2::int,
           status = CASE WHEN uses_done + $2::int = uses_total THEN 'redeemed' ELSE status END,
           uses_today = CASE WHEN uses_day >= $3::date THEN uses_today ELSE 0 END + $2::int,
           uses_day = greatest(uses_day, $3::date)
     WHERE id = $1 AND status = 'claimed' AND key_generation = $4::smallint
       AND (uses_total IS NULL OR uses_done + $2::int <= uses_total)
       AND ($5::int IS NULL OR CASE WHEN uses_day >= $3::date THEN uses_today ELSE 0 END + $2::int <= $5::int)
       AND EXISTS (SELECT FROM staff_stores l JOIN staff s ON s.id = l.staff_id
                     JOIN stores st ON st.id = l.store_id
                    WHERE l.staff_id = $6 AND l.store_id = $7 AND s.status = 'active' AND st.is_active)
    RETURNING id, offer_id, citizen_id, terms_id, uses_total - uses_done AS uses_left
)
INSERT INTO redemptions (id, coupon_id, offer_id, citizen_id, terms_id, uses_left, uses, staff_id, store_id,
                         member_id, step, order_amount_fen, discount_fen, payable_fen, redeemed_at,
                         request_key, request_hash)
SELECT $8, used.id, used.offer_id, used.citizen_id, used.terms_id, used.uses_left, $2::int, $6, $7,
       $9, $10, $11, $12, $13, $14, $15, $16
  FROM used
RETURNING uses_left
"""

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

HASH = "decode(repeat('00', 32), 'hex')"
# Far above the service's own random numbers, so that the two never meet.
FIRST_NUMBER = 1 << 60
CLERK = "demo-cashier"


def redeem_script(store_id: UUID, member_id: UUID, at: datetime, number: str) -> str:
    """The redemption of the coupon with a number, for pgbench.

    Args:
        number: an expression over pgbench's variables; coupons have their number in hex as their id.
    """
    values = [
        f"lpad(to_hex({number}), 32, '0')::uuid",
        *("1", f"'{local_day(at)}'", "0", "NULL"),
        f"'{demo_id('staff', CLERK)}'::uuid",
        f"'{store_id}'::uuid",
        f"lpad(to_hex({number} + {FIRST_NUMBER}), 32, '0')::uuid",
        f"'{member_id}'::uuid",
        *(str(codes.step_at(at.timestamp())), "10000", "2000", "8000", f"'{at.isoformat()}'::timestamptz"),
        *(f"'pgbench-' || {number}", HASH),
    ]
    return _filled(REDEEM, values)


def claim_script(offer: Any, citizens: int, at: datetime, number: str) -> str:
    """A claim by one of the citizens 1 …, whose consent has his own id; for an offer without a limit per citizen.

    Args:
        offer: has `id`, `terms_id` and `min_tier_level`.
    """
    moment = f"'{at.isoformat()}'::timestamptz"
    citizen = f"lpad(to_hex({number} % {citizens} + 1), 32, '0')::uuid"
    values = [
        f"lpad(to_hex({number} + {FIRST_NUMBER}), 32, '0')::uuid",
        *(f"{number} + {FIRST_NUMBER}", f"'{offer['id']}'::uuid", str(offer["terms_id"]), citizen),
        *(
            "1",
            "NULL",
            "''",
            moment,
            f"{moment} + interval '30 days'",
            moment,
            f"'pgbench-' || {number}",
            HASH,
        ),
        *(citizen, f"'{local_day(at)}'::date", str(offer["min_tier_level"])),
    ]
    return _filled(CLAIM, values)


def _filled(sql: str, values: list[str]) -> str:
    return re.sub(r"\$(\d+)", lambda match: f"({values[int(match[1]) - 1]})", sql)
