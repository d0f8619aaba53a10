"""Who read or changed what of a citizen's, and when, for himself: from the logs that are kept anyway, by his random id."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from alliance.own_data_terms import HIS_IDS
from common.database import fetch_all
from common.ids import AFTER_ALL

# What is his, as the audit names it; of some the files too.
THINGS = (
    *(("complaints", "complaint", "citizen_id"), ("coupons", "coupon", "citizen_id")),
    *(("objections", "objection", "citizen_id"), ("declarations", "declaration", "citizen_id")),
    ("guardianship_requests", "guardianship", "guardian_id"),
)
WITH_FILES = frozenset({"objections", "guardianship_requests"})
# Each log is read along an index of its own, newest first; ids sort by time (UUID v7), so they are one order together.
# `who` is an audience and never a person: the clerk's and the official's names are theirs.
LOGS = (
    "SELECT l.id, l.looked_up_at AS at, 'credit_source' AS who, 'credit.look_up' AS action,"
    " 'credit_lookup' AS object_kind, l.id::text AS object_id, NULL AS store_name, l.outcome::text AS outcome"
    " FROM credit_lookups l WHERE l.citizen_id = $1 AND l.id < $2 ORDER BY l.id DESC LIMIT $3",
    "SELECT r.id, r.redeemed_at AS at, 'staff' AS who, 'coupon.redeem' AS action, 'coupon' AS object_kind,"
    " r.coupon_id::text AS object_id, s.name AS store_name, 'done' AS outcome"
    " FROM coupons c JOIN redemptions r ON r.coupon_id = c.id JOIN stores s ON s.id = r.store_id"
    " WHERE c.citizen_id = $1 AND r.id < $2 ORDER BY r.id DESC LIMIT $3",
    "SELECT v.id, v.reversed_at AS at, 'staff' AS who, 'coupon.reverse' AS action, 'coupon' AS object_kind,"
    " r.coupon_id::text AS object_id, s.name AS store_name, 'done' AS outcome"
    " FROM coupons c JOIN redemptions r ON r.coupon_id = c.id JOIN reversals v ON v.redemption_id = r.id"
    " JOIN stores s ON s.id = r.store_id WHERE c.citizen_id = $1 AND v.id < $2 ORDER BY v.id DESC LIMIT $3",
    "SELECT a.id, a.attempted_at AS at, 'staff' AS who, 'coupon.scan' AS action, 'coupon' AS object_kind,"
    " a.coupon_id::text AS object_id, s.name AS store_name, a.code AS outcome"
    " FROM coupons c JOIN attempts a ON a.coupon_id = c.id"
    " LEFT JOIN stores s ON s.id = a.store_id AND s.member_id = a.member_id"
    " WHERE c.citizen_id = $1 AND a.id < $2 ORDER BY a.id DESC LIMIT $3",
    "SELECT d.id, d.copied_at AS at, 'citizen' AS who, 'data.copy' AS action, 'data' AS object_kind,"
    " d.format::text AS object_id, NULL AS store_name, 'done' AS outcome"
    " FROM data_copies d WHERE d.citizen_id = $1 AND d.id < $2 ORDER BY d.id DESC LIMIT $3",
    "SELECT t.id, t.recorded_at AS at, t.actor_kind::text AS who, t.action, t.object_kind, t.object_id,"
    " NULL AS store_name, t.outcome::text AS outcome FROM audit_records t"
    f" WHERE t.actor_id = {HIS_IDS} AND t.actor_kind = 'citizen' AND t.id < $2 ORDER BY t.id DESC LIMIT $3",
    "SELECT d.id, d.shown_at AS at, 'staff' AS who, 'name.show' AS action, 'offer' AS object_kind,"
    " d.offer_id::text AS object_id, s.name AS store_name, 'done' AS outcome"
    " FROM disclosures d LEFT JOIN stores s ON s.id = d.store_id"
    " WHERE d.citizen_id = $1 AND d.id < $2 ORDER BY d.id DESC LIMIT $3",
    *(
        "SELECT t.id, t.recorded_at AS at, t.actor_kind::text AS who, t.action, t.object_kind, t.object_id,"
        f" NULL AS store_name, t.outcome::text AS outcome FROM {his} JOIN audit_records t"
        f" ON t.object_kind = '{kind}' AND t.object_id = {thing}.id::text"
        f" WHERE his.{column} = $1 AND (t.actor_id = {HIS_IDS}) IS NOT TRUE AND t.id < $2 ORDER BY t.id DESC LIMIT $3"
        for table, kind, column in THINGS
        for his, kind, thing in (
            (f"{table} his", kind, "his"),
            (f"{table} his JOIN stored_files f ON f.owner_id = his.id", "file", "f"),
        )[: 2 if table in WITH_FILES else 1]
    ),
)


@dataclass(frozen=True, slots=True)
class Access:
    """Somebody did something with what is a citizen's; `store_name` where it was in a store of the member's own."""

    id: UUID
    at: datetime
    who: str
    action: str
    object_kind: str
    object_id: str
    store_name: str | None
    outcome: str


async def of_citizen(citizen_id: UUID, before: UUID | None, limit: int) -> Sequence[Access]:
    """Newest first; `before` is the last id of the page before."""
    rows = [row for log in LOGS for row in await fetch_all(log, citizen_id, before or AFTER_ALL, limit)]
    rows.sort(key=lambda row: row["id"], reverse=True)
    return [Access(**row) for row in rows[:limit]]
