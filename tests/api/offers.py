"""Rows that no route makes yet, written straight into the database: offers with their terms, staff, admins."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

from common.ids import new_id
from sandbox.demo_data.rows import demo_id
from tests.seeds import QUICK_HASHER
from tests.service import Service

OFFER_COLUMNS: dict[str, object] = {
    "programme_id": "xinyi_gou",
    "region_id": "330100",
    "status": "published",
    "min_tier_level": None,
    "min_real_name_level": 0,
    "ordinary_path": None,
    "claim_from": datetime(2026, 1, 1, tzinfo=UTC),
    "claim_until": datetime(2099, 12, 31, tzinfo=UTC),
    "per_citizen_limit": None,
    "per_citizen_period": "ever",
}
TERMS_COLUMNS: dict[str, object] = {
    "title": "测试优惠",
    "description": "测试用的优惠，凭券码使用。",
    "discount_kind": "percent_off",
    "percent_off": None,
    "cap_fen": None,
    "amount_off_fen": None,
    "threshold_fen": None,
    "fixed_price_fen": None,
    "deposit_fen": None,
    "pay_later_days": None,
    "higher_limit": None,
    "gift": None,
    "uses_total": 1,
    "daily_use_cap": None,
    "alliance_share": 0,
    "valid_from": None,
    "valid_until": None,
    "wait_days": 0,
    "valid_days": 30,
    "weekday_mask": 127,
    "open_minute": 0,
    "close_minute": 1440,
    "blackout_dates": [],
    "is_client_renewal_allowed": True,
    "shows_holder": False,
}
HUPAN = "hz-hupan"
HUPAN_STORES = ("hz-hupan-wulin", "hz-hupan-xixi")
GOOD, FAIR = 4, 3


async def make_offer(
    service: Service,
    *,
    member: str = HUPAN,
    stores: tuple[str, ...] = HUPAN_STORES,
    total: int | None = None,
    daily_limit: int | None = None,
    **changes: object,
) -> str:
    """An offer of a demo member, by default 20 % off for everybody without any limit; its id.

    Args:
        total, daily_limit: the stock; without both there is none.
        changes: columns of `offers` and `offer_terms`; a public unit's offer has an `ordinary_path`.
    """
    unknown = set(changes) - set(OFFER_COLUMNS) - set(TERMS_COLUMNS)
    assert not unknown, unknown
    offer = {name: changes.get(name, value) for name, value in OFFER_COLUMNS.items()}
    terms = {name: changes.get(name, value) for name, value in TERMS_COLUMNS.items()}
    if terms["discount_kind"] == "percent_off" and terms["percent_off"] is None:
        terms["percent_off"] = 20
    if terms["valid_until"] is not None:
        terms["valid_days"] = None
    offer_id, status, at = new_id(), offer.pop("status"), datetime.now(UTC)
    member_id = demo_id("member", member)
    rows: dict[str, dict[str, object]] = {
        "offers": {
            **offer,
            "id": offer_id,
            "member_id": member_id,
            "member_kind": "public_unit" if offer["ordinary_path"] else "merchant",
            "status": "draft",
            "created_at": at,
        },
        "offer_terms": {
            **terms,
            "offer_id": offer_id,
            "version": 1,
            "store_ids": [demo_id("store", store) for store in stores],
            "created_at": at,
        },
    }
    if total is not None or daily_limit is not None:
        rows["offer_stock"] = {"offer_id": offer_id, "total": total, "daily_limit": daily_limit}
    await _insert(service, rows)
    await service.fetch(
        "UPDATE offers SET status = $2, terms_id = t.id FROM offer_terms t WHERE t.offer_id = offers.id"
        " AND offers.id = $1",
        *(offer_id, status),
    )
    return str(offer_id)


async def make_staff(
    service: Service, role: str = "cashier", member: str = HUPAN, stores: tuple[str, ...] = HUPAN_STORES[:1]
) -> str:
    """A person of a demo member; his login, which is his password too."""
    staff_id, login = uuid4(), f"staff-{uuid4().hex[:12]}"
    person = {
        "id": staff_id,
        "member_id": demo_id("member", member),
        "login": login,
        "password_hash": QUICK_HASHER.hash(login),
        "role": role,
        "created_at": datetime.now(UTC),
    }
    await _insert(service, {"staff": person})
    for position, store in enumerate(stores):
        link = {
            "staff_id": staff_id,
            "store_id": demo_id("store", store),
            "member_id": demo_id("member", member),
            "position": position,
        }
        await _insert(service, {"staff_stores": link})
    return login


async def make_admin(service: Service, region: str, *roles: str) -> str:
    """An alliance admin without a one-time code; his login, which is his password too."""
    login = f"admin-{uuid4().hex[:12]}"
    person = {
        "id": uuid4(),
        "login": login,
        "password_hash": QUICK_HASHER.hash(login),
        "roles": list(roles),
        "region_id": region,
        "created_at": datetime.now(UTC),
    }
    await _insert(service, {"admins": person})
    return login


async def backdate_redemption(service: Service, redemption_id: str, age: timedelta) -> str:
    """A copy of a redemption that happened earlier: the ledger itself can't be changed."""
    copy = uuid4()
    await service.fetch(
        "INSERT INTO redemptions (id, coupon_id, store_id, staff_id, offer_id, member_id, citizen_id, terms_id, step,"
        " order_amount_fen, discount_fen, payable_fen, uses, uses_left, redeemed_at, request_key, request_hash)"
        " SELECT $2, coupon_id, store_id, staff_id, offer_id, member_id, citizen_id, terms_id, step - 100000,"
        " order_amount_fen, discount_fen, payable_fen, uses, uses_left, redeemed_at - $3::interval, $4, request_hash"
        " FROM redemptions WHERE id = $1",
        *(UUID(redemption_id), copy, age, uuid4().hex),
    )
    return str(copy)


async def end_coupon(service: Service, coupon_id: str) -> None:
    """Let a coupon's validity be over."""
    await service.fetch(
        "UPDATE coupons SET valid_from = $2, valid_until = $3 WHERE id = $1",
        *(UUID(coupon_id), datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)),
    )


def shanghai_today() -> date:
    """The calendar day that the rules count in."""
    return (datetime.now(UTC) + timedelta(hours=8)).date()


async def _insert(service: Service, rows: Mapping[str, Mapping[str, object]]) -> None:
    """One row of each table, in one statement."""
    parts: list[str] = []
    values: list[object] = []
    for table, row in rows.items():
        places = ", ".join(f"${len(values) + n}" for n in range(1, len(row) + 1))
        parts.append(f"into_{table} AS (INSERT INTO {table} ({', '.join(row)}) VALUES ({places}))")
        values += row.values()
    await service.fetch(f"WITH {', '.join(parts)} SELECT 1", *values)
