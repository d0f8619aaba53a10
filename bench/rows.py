"""The rows that measurements work on: citizens with sessions and tiers, offers with stock, coupons.

Ids are small numbers in hex, so that every program can name them without asking.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from bench.load import LoadFailed
from bench.stack import Stack
from bench.yardstick import HASH
from common import database
from common.clock import now
from server import tokens

UNLIMITED, HUNDRED = "压测 · 不限量", "限量 100 份"


class Numbers:
    """Hands out whole numbers, each once."""

    def __init__(self, first: int, last: int) -> None:
        self._next, self._last = first, last

    def take(self, count: int) -> range:
        """So many in a row.

        Raises:
            LoadFailed: there are not so many left.
        """
        taken = range(self._next, self._next + count)
        if taken.stop > self._last + 1:
            raise LoadFailed("all prepared rows are used up: measure for fewer seconds or fewer connections")
        self._next = taken.stop
        return taken

    def give_back(self, count: int) -> None:
        """The last so many of those taken last were not used."""
        self._next -= count


def citizen_tokens(stack: Stack, count: int, at: datetime) -> list[str]:
    """Access tokens of the citizens 1 …, each of his session."""
    return [
        tokens.make_access(stack.settings, "citizen", UUID(int=number), UUID(int=number), None, at)
        for number in range(1, count + 1)
    ]


async def make_citizens(count: int) -> None:
    """Citizens 1 … with a session, a consent and a valid tier each, all with the citizen's id."""
    ids = "SELECT lpad(to_hex(n), 32, '0')::uuid AS id FROM generate_series(1, $1::bigint) n"
    at = now()
    for statement in (
        f"INSERT INTO citizens (id, created_at) SELECT id, $2::timestamptz FROM ({ids}) c",
        "INSERT INTO sessions (id, actor_kind, actor_id, created_at, rotated_at, expires_at)"
        f" SELECT id, 'citizen', id, $2::timestamptz, $2, $2 + interval '1 day' FROM ({ids}) c",
        "INSERT INTO consents (id, citizen_id, purpose, version, text_sha256, granted_at)"
        " SELECT id, id, 'credit_check', '2026-01-01', repeat('0', 64), $2::timestamptz - interval '1 hour'"
        f" FROM ({ids}) c",
        "INSERT INTO credit_lookups (id, citizen_id, consent_id, source, looked_up_by, reason, looked_up_at, outcome)"
        f" SELECT id, id, id, 'sandbox', 'citizen', 'claim', $2::timestamptz, 'rated' FROM ({ids}) c",
        "INSERT INTO tier_snapshots (id, citizen_id, lookup_id, scheme_id, level, tier_code, data_date, taken_at,"
        " valid_until) SELECT c.id, c.id, c.id, (SELECT min(id) FROM tier_schemes WHERE code = 'zj-demo'), 5,"
        f" 'excellent', $2::date, $2::timestamptz, $2 + interval '30 days' FROM ({ids}) c",
    ):
        await database.execute(statement, count, at)
    await database.execute("ANALYZE")


async def find_offer(title: str) -> Any:
    """An offer's id, terms and tier."""
    return await database.fetch_one(
        "SELECT o.id, o.terms_id, o.min_tier_level FROM offers o JOIN offer_terms t ON t.id = o.terms_id"
        " WHERE t.title = $1 ORDER BY o.created_at LIMIT 1",
        title,
    )


async def make_offers(first: int, count: int, pieces: int) -> None:
    """Offers like the demo's limited one, without a limit per citizen; ids and terms are the numbers from `first`."""
    terms = await _columns("offer_terms", "id", "offer_id")
    offers = await _columns("offers", "id", "terms_id", "per_citizen_limit", "status")
    template = await find_offer(HUNDRED)
    numbers = f"generate_series({first}, {first + count - 1}) n"
    id_ = "lpad(to_hex(n), 32, '0')::uuid"
    for statement in (
        f"INSERT INTO offers (id, terms_id, per_citizen_limit, status, {offers})"
        f" SELECT {id_}, NULL, NULL, 'draft', {offers} FROM offers, {numbers} WHERE id = '{template['id']}'",
        f"INSERT INTO offer_terms (id, offer_id, {terms}) OVERRIDING SYSTEM VALUE"
        f" SELECT 1000000000 + n, {id_}, {terms} FROM offer_terms, {numbers} WHERE id = {template['terms_id']}",
        f"UPDATE offers SET terms_id = 1000000000 + n, status = 'published' FROM {numbers} WHERE id = {id_}",
        f"INSERT INTO offer_stock (offer_id, total, issued) SELECT {id_}, {pieces}, 0 FROM {numbers}",
    ):
        await database.execute(statement)


async def _columns(table: str, *but: str) -> str:
    rows = await database.fetch_all(
        "SELECT column_name FROM information_schema.columns WHERE table_name = $1 AND table_schema = 'public'",
        table,
    )
    return ", ".join(row["column_name"] for row in rows if row["column_name"] not in but)


async def check_stock(first: int, count: int) -> dict[str, int]:
    """Whatever was measured, the counters of the offers from `first` are the numbers of their coupons.

    Raises:
        LoadFailed: one is not, or more was given than there was.
    """
    row = await database.fetch_one(
        "SELECT sum(s.issued) AS issued, sum(c.coupons) AS coupons,"
        " count(*) FILTER (WHERE s.issued <> c.coupons OR s.issued > s.total) AS wrong"
        " FROM offer_stock s, LATERAL (SELECT count(*) AS coupons FROM coupons WHERE offer_id = s.offer_id) c"
        " WHERE s.offer_id BETWEEN $1 AND $2",
        *(UUID(int=first), UUID(int=first + count - 1)),
    )
    assert row is not None
    if row["wrong"]:
        raise LoadFailed(f"the stock of {row['wrong']} offer(s) is not what was claimed")
    return {"issued": int(row["issued"]), "coupons": int(row["coupons"])}


async def make_coupons(first: int, count: int, citizens: int) -> None:
    """Claimed coupons of the unlimited demo offer with the numbers from `first`, held by the citizens 1 … in turn."""
    offer, at = await find_offer(UNLIMITED), now()
    await database.execute(
        "INSERT INTO coupons (id, number, offer_id, terms_id, citizen_id, uses_total, valid_from, valid_until,"
        " claimed_at, request_key, request_hash)"
        " SELECT lpad(to_hex(n), 32, '0')::uuid, n, $3, $4, lpad(to_hex(n % $5::bigint + 1), 32, '0')::uuid, 1,"
        " $6::timestamptz - interval '1 day', $6 + interval '30 days', $6 - interval '1 day', 'bench-' || n,"
        f" {HASH} FROM generate_series($1::bigint, $2::bigint) n",
        *(first, first + count - 1, offer["id"], offer["terms_id"], citizens, at),
    )
    await settle()


async def settle() -> None:
    """Leave nothing for later that would come in the middle of a measurement."""
    await database.execute("VACUUM ANALYZE coupons")
    await database.execute("VACUUM ANALYZE redemptions")
    await database.execute("CHECKPOINT")
