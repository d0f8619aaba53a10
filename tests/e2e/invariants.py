"""What is true of a database after any load, fault or attack; used at the end of every race and fault."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from benefits.ledger import LEDGER
from common import database as db
from common.clock import now
from common.signing import Signer
from models import seals
from models.audit_book import AUDIT
from server.config import SANDBOX_SECRETS
from tests.factories.ledgers import verified

Fetch = Callable[..., Awaitable[Sequence[Any]]]

SETTLED_WITHIN_S = 5.0

# Each names a rule and finds the rows that break it.
RULES = {
    "stock: the counter is the number of coupons claimed and not given back": """
        SELECT s.offer_id, s.issued, count(c.id) AS claimed FROM offer_stock s
          LEFT JOIN coupons c ON c.offer_id = s.offer_id AND c.status <> 'given_back'
         GROUP BY s.offer_id, s.issued HAVING s.issued <> count(c.id)""",
    "stock: nothing is oversold": """
        SELECT offer_id, issued, total FROM offer_stock WHERE issued > total""",
    "day: the counter is the number of that day's coupons, and within the limit": """
        SELECT s.offer_id, d.day, coalesce(d.issued, 0) AS issued, coalesce(c.claimed, 0) AS claimed
          FROM offer_stock s LEFT JOIN offer_days d ON d.offer_id = s.offer_id
          LEFT JOIN LATERAL (
               SELECT count(*) AS claimed FROM coupons c WHERE c.offer_id = s.offer_id AND c.status <> 'given_back'
                  AND (d.day IS NULL OR d.day = (c.claimed_at AT TIME ZONE 'Asia/Shanghai')::date)) c ON true
         WHERE s.daily_limit IS NOT NULL
           AND (coalesce(d.issued, 0) <> c.claimed OR d.issued > d.daily_limit)""",
    "budget: what is reserved is what its coupons hold, and no more than there is": """
        SELECT s.offer_id, s.reserved_fen, s.budget_fen, coalesce(sum(c.reserved_fen), 0) AS held FROM offer_stock s
          LEFT JOIN coupons c ON c.offer_id = s.offer_id AND c.status <> 'given_back'
         GROUP BY s.offer_id, s.reserved_fen, s.budget_fen
        HAVING s.reserved_fen <> coalesce(sum(c.reserved_fen), 0) OR s.reserved_fen > s.budget_fen""",
    "budget: a settled coupon holds what it cost": """
        SELECT c.id, c.reserved_fen, coalesce(sum(r.discount_fen), 0) AS cost FROM coupons c
          LEFT JOIN redemptions r ON r.coupon_id = c.id
           AND NOT EXISTS (SELECT FROM reversals v WHERE v.redemption_id = r.id)
         WHERE c.settled_at IS NOT NULL AND c.status <> 'given_back'
         GROUP BY c.id, c.reserved_fen HAVING c.reserved_fen > coalesce(sum(r.discount_fen), 0)""",
    "person: nobody has more than the offer allows": """
        SELECT c.offer_id, c.citizen_id, c.limit_period, count(*) FROM coupons c JOIN offers o ON o.id = c.offer_id
         WHERE c.status <> 'given_back' AND o.per_citizen_limit IS NOT NULL
         GROUP BY c.offer_id, c.citizen_id, c.limit_period, o.per_citizen_limit
        HAVING count(*) > o.per_citizen_limit""",
    "person: one natural person is one citizen": """
        SELECT person_hash, count(*) FROM natural_persons GROUP BY person_hash HAVING count(*) > 1""",
    "claim: a request key made one coupon": """
        SELECT citizen_id, request_key, count(*) FROM coupons GROUP BY citizen_id, request_key HAVING count(*) > 1""",
    "uses: what the coupon counts is what the ledger says": """
        SELECT c.id, c.uses_done, coalesce(sum(r.uses) FILTER (WHERE v.id IS NULL), 0) AS in_ledger
          FROM coupons c LEFT JOIN redemptions r ON r.coupon_id = c.id
          LEFT JOIN reversals v ON v.redemption_id = r.id
         GROUP BY c.id, c.uses_done
        HAVING c.uses_done <> coalesce(sum(r.uses) FILTER (WHERE v.id IS NULL), 0)""",
    "uses: never more than the terms allow": """
        SELECT c.id, t.uses_total, sum(r.uses) FROM coupons c JOIN offer_terms t ON t.id = c.terms_id
          JOIN redemptions r ON r.coupon_id = c.id
         WHERE NOT EXISTS (SELECT FROM reversals v WHERE v.redemption_id = r.id)
         GROUP BY c.id, t.uses_total HAVING sum(r.uses) > t.uses_total""",
    "uses: never more in a day than the terms allow": """
        SELECT c.id, sum(r.uses) FROM coupons c JOIN offer_terms t ON t.id = c.terms_id
          JOIN redemptions r ON r.coupon_id = c.id
         WHERE NOT EXISTS (SELECT FROM reversals v WHERE v.redemption_id = r.id)
         GROUP BY c.id, t.daily_use_cap, (r.redeemed_at AT TIME ZONE 'Asia/Shanghai')::date
        HAVING sum(r.uses) > t.daily_use_cap""",
    "status: it says what the uses say": """
        SELECT id, status, uses_done, uses_total FROM coupons
         WHERE (status = 'redeemed' AND uses_done IS DISTINCT FROM uses_total)
            OR (status = 'claimed' AND uses_done = uses_total)
            OR (status = 'given_back' AND (uses_done <> 0 OR slot IS NOT NULL))""",
    "status: what has ended is not used up afterwards": """
        SELECT id, status, ended_at FROM coupons
         WHERE (ended_at IS NOT NULL) <> (status IN ('given_back', 'revoked'))""",
    "ledger: a step is burnt once": """
        SELECT coupon_id, step, count(*) FROM redemptions GROUP BY coupon_id, step HAVING count(*) > 1""",
    "ledger: a request key made one redemption": """
        SELECT staff_id, request_key, count(*) FROM redemptions GROUP BY staff_id, request_key HAVING count(*) > 1""",
    "ledger: a redemption is undone at most once": """
        SELECT redemption_id, count(*) FROM reversals GROUP BY redemption_id HAVING count(*) > 1""",
    "ledger: it copies its coupon truly": """
        SELECT r.id FROM redemptions r JOIN coupons c ON c.id = r.coupon_id
         WHERE (r.offer_id, r.terms_id) IS DISTINCT FROM (c.offer_id, c.terms_id)
            OR (r.citizen_id <> c.citizen_id AND NOT EXISTS (
                SELECT FROM citizen_joins j WHERE (j.absorbed_id, j.citizen_id) = (r.citizen_id, c.citizen_id)))""",
    "credit: nothing was looked up without a consent in force": """
        SELECT l.id FROM credit_lookups l LEFT JOIN consents c ON c.id = l.consent_id
         WHERE c.id IS NULL OR c.citizen_id <> l.citizen_id OR l.looked_up_at < c.granted_at""",
}

STUCK = """
SELECT pid, state, wait_event_type, left(query, 80) AS query FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid()
   AND (state LIKE 'idle in transaction%' OR wait_event_type = 'Lock')"""


async def check(fetch: Fetch) -> None:
    """Assert every rule on a database that is at rest (I1 to I3), and that nothing is stuck in it (I5).

    Args:
        fetch: runs one statement and gives its rows, such as `Service.fetch`.
    """
    broken = {rule: [dict(row) for row in rows] for rule in RULES if (rows := await fetch(RULES[rule]))}
    assert not broken, broken
    await _nothing_is_stuck(fetch)


async def _nothing_is_stuck(fetch: Fetch) -> None:
    until = asyncio.get_running_loop().time() + SETTLED_WITHIN_S
    while rows := await fetch(STUCK):
        assert asyncio.get_running_loop().time() < until, f"stuck: {[dict(row) for row in rows]}"
        await asyncio.sleep(0.05)


async def check_ledger(
    fetch: Fetch, sent: Collection[str], answered: Mapping[str, bytes | UUID | str]
) -> None:
    """Assert that the ledger holds what was acknowledged, once, and nothing that nobody asked for (I1, I2).

    Args:
        sent: every request key that was sent for a redemption.
        answered: by request key the id of the redemption that the answer named.
    """
    rows = await fetch("SELECT request_key, id FROM redemptions")
    kept = {row["request_key"]: str(row["id"]) for row in rows}
    assert len(kept) == len(rows), "a key is in the ledger twice"
    lost = {key for key, id_ in answered.items() if kept.get(key) != str(id_)}
    assert not lost, f"{len(lost)} acknowledged redemptions are not in the ledger: {sorted(lost)[:5]}"
    unasked = kept.keys() - set(sent)
    assert not unasked, f"{len(unasked)} rows belong to no request: {sorted(unasked)[:5]}"


async def seal_by_hand(database_url: str) -> None:
    """Seal what is left with the sandbox's key, as the worker would."""
    async with db.own_connection(database_url):
        signer = Signer.of(base64.b64decode(SANDBOX_SECRETS["LEDGER_SIGNING_KEY"]))
        for book in (LEDGER, AUDIT):
            await seals.seal_new(book, signer, now())


async def check_sealed(database_url: str, *witnesses: Path) -> None:
    """Seal what is left, as the worker would, and verify every record from the first one on (I4).

    Args:
        database_url: of a sandbox's database; this process need not be connected to any.
        witnesses: files of `python -m server witness-root`, whose seals must still be there.
    """
    await seal_by_hand(database_url)
    async with db.own_connection(database_url):
        assert await seals.unsealed_since(LEDGER) is None
        for book in (LEDGER, AUDIT):
            verdict = await verified(*witnesses, book=book)
            assert verdict.code == 0, verdict.text
