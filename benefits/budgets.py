"""An offer's budget in money: changed by compare-and-set, and given back what its coupons did not cost.

Each claim reserves the most that its coupon can cost, in the statement that takes its piece (`benefits.claims`), and the
row's CHECK keeps the sum within the budget. Always, for each offer with a row of `offer_stock`:

    offer_stock.reserved_fen = sum of coupons.reserved_fen, of its coupons that were not given back
    offer_stock.reserved_fen ≤ offer_stock.budget_fen

where a coupon's `reserved_fen` is the most that it can cost until it is settled, and what it did cost afterwards: so what
was spent and what may still be spent are one sum. A coupon is settled when nothing about it can change any more: it is
used up, revoked or expired, and no redemption of it can be undone. Redeeming knows nothing of all this.
"""

from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from benefits import offer_lives, share_consents
from benefits.proposals import BudgetNeedsMostCost
from benefits.reversals import CASHIER_WINDOW
from common.actors import AdminActor
from common.clock import local_day, start_of
from common.database import Row, constraint_of, fetch_one, transaction
from common.errors import Invalid, NotFound, Refused
from models import audit_log
from models.region import subtree_prefix

# Clocks of two machines differ by less than this.
CLOCKS_DIFFER = timedelta(minutes=15)
SETTLED_AT_ONCE = 500

READY = """
SELECT c.id, c.offer_id, c.reserved_fen,
       least(c.reserved_fen, coalesce((SELECT sum(r.discount_fen) FROM redemptions r WHERE r.coupon_id = c.id
             AND NOT EXISTS (SELECT FROM reversals v WHERE v.redemption_id = r.id)), 0))::bigint AS cost_fen
  FROM coupons c
 WHERE c.reserved_fen IS NOT NULL AND c.settled_at IS NULL
   AND (c.status IN ('redeemed', 'revoked') OR (c.status = 'claimed' AND c.valid_until <= $2))
   AND NOT EXISTS (SELECT FROM redemptions r WHERE r.coupon_id = c.id AND r.redeemed_at >= $3
             AND NOT EXISTS (SELECT FROM reversals v WHERE v.redemption_id = r.id))
 ORDER BY c.id LIMIT $4 FOR NO KEY UPDATE OF c SKIP LOCKED
"""
# As in a claim, the rows that everybody wants come last, in the order of their keys.
SETTLE = f"""
WITH ready AS MATERIALIZED ({READY}), settled AS MATERIALIZED (
    UPDATE coupons c SET reserved_fen = ready.cost_fen, settled_at = $1 FROM ready
     WHERE c.id = ready.id AND c.settled_at IS NULL
    RETURNING c.offer_id, ready.reserved_fen - ready.cost_fen AS freed_fen
), stock AS MATERIALIZED (
    SELECT s.offer_id FROM offer_stock s WHERE s.offer_id IN (SELECT offer_id FROM settled WHERE freed_fen > 0)
     ORDER BY s.offer_id FOR NO KEY UPDATE OF s
), freed AS (
    UPDATE offer_stock s SET reserved_fen = s.reserved_fen - f.fen
      FROM (SELECT stock.offer_id, sum(settled.freed_fen)::bigint AS fen
              FROM stock JOIN settled ON settled.offer_id = stock.offer_id GROUP BY stock.offer_id) f
     WHERE s.offer_id = f.offer_id
    RETURNING 1
)
SELECT count(*) AS done FROM settled
"""


class BudgetChanged(Refused):
    """It is not what the caller saw when he decided."""

    code = "budget_changed"
    zh = "预算已被别人改过。请刷新页面，看清现在的预算后再调整。"
    en = "Somebody else changed the budget. Reload it, look at it, then change it."
    shown = ("budget_fen",)


class BudgetBelowReserved(Invalid):
    """More is promised to citizens already."""

    code = "budget_below_reserved"
    zh = "预算不能少于已领优惠券占用的金额。想停止发放，请把优惠改为“暂停”。"
    en = "The budget can't be less than what the claimed coupons hold. To stop claiming, pause the offer."
    pointer = "/to_fen"


def is_raise(from_fen: int | None, to_fen: int | None) -> bool:
    """Whether more could be spent than before: that takes a second admin. Without a budget there is no end to it."""
    return from_fen is not None and (to_fen is None or to_fen > from_fen)


async def of_offer(actor: AdminActor, offer_id: UUID) -> Row:
    """Region, budget, what of it is reserved or spent, and what a coupon takes.

    Raises:
        NotFound: no such offer with a stock or a budget in the admin's region.
    """
    row = await fetch_one(
        "SELECT o.region_id, s.budget_fen, s.reserved_fen, s.piece_fen FROM offers o"
        " JOIN offer_stock s ON s.offer_id = o.id WHERE o.id = $1 AND o.region_id LIKE $2 || '%'",
        *(offer_id, subtree_prefix(actor.region)),
    )
    if row is None:
        raise NotFound
    return row


async def set_budget(
    actor: AdminActor, offer_id: UUID, from_fen: int | None, to_fen: int | None, now: datetime
) -> None:
    """Change a budget if it still is what the caller saw. A raise comes here only when a second admin agreed.

    Raises:
        NotFound: no such offer with a stock or a budget in the admin's region.
        BudgetChanged: it is not `from_fen` any more.
        BudgetBelowReserved: coupons hold more than `to_fen`.
        BudgetNeedsMostCost: nothing says how much a coupon costs at most.
        RaiseNotAgreed: a public unit agreed to pay its share of less.
    """
    try:
        async with transaction():
            await offer_lives.hold(actor, offer_id)
            await share_consents.must_be_agreed(offer_id, "budget_fen", to_fen)
            row = await fetch_one(
                "UPDATE offer_stock s SET budget_fen = $4 FROM offers o WHERE s.offer_id = $1 AND o.id = s.offer_id"
                " AND o.region_id LIKE $2 || '%' AND s.budget_fen IS NOT DISTINCT FROM $3 RETURNING o.region_id",
                *(offer_id, subtree_prefix(actor.region), from_fen, to_fen),
            )
            if row is None:
                raise BudgetChanged(budget_fen=(await of_offer(actor, offer_id))["budget_fen"])
            await audit_log.record(
                audit_log.who(actor),
                "offer.set_budget",
                ("offer", offer_id),
                now,
                region=row["region_id"],
                before={"budget_fen": from_fen},
                after={"budget_fen": to_fen},
            )
    except asyncpg.CheckViolationError as error:
        match constraint_of(error):
            case "offer_stock_within_budget":
                raise BudgetBelowReserved from None
            case "offer_stock_budget_knows_its_piece":
                raise BudgetNeedsMostCost from None
            case _:
                raise


async def settle(now: datetime) -> int:
    """Give back to budgets what coupons did not cost, a batch at a time; how many. The background process calls it.

    Two at once, or one that was killed, settle each coupon once: the guard is the coupon's own row.
    """
    month = start_of(local_day(now).replace(day=1))
    still_undone_from = min(month, now - CASHIER_WINDOW) - CLOCKS_DIFFER
    row = await fetch_one(SETTLE, now, now - CLOCKS_DIFFER, still_undone_from, SETTLED_AT_ONCE)
    assert row is not None
    return int(row["done"])
