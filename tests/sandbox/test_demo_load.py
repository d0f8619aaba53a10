"""Loading the demo data: complete the first time, nothing the second, and nobody's work is undone."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher

from common.clock import now
from common.database import execute, fetch_all, fetch_one
from sandbox import demo, demo_data
from sandbox.demo_data.rows import demo_id
from tests.seeds import QUICK_HASHER

pytestmark = pytest.mark.usefixtures("database")

TABLES = (
    "members",
    "stores",
    "offers",
    "offer_terms",
    "offer_stock",
    "offer_days",
    "staff",
    "staff_stores",
    "admins",
    "tier_schemes",
    "tier_bands",
    "citizens",
    "coupons",
    "catalogue_version",
)
# A second load at another time shows what would depend on the time of loading.
LATER = timedelta(days=400)


@pytest.fixture(autouse=True)
def _quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifteen hashes at their real cost are most of a load."""
    monkeypatch.setattr(demo, "PasswordHasher", lambda: QUICK_HASHER)


async def everything() -> dict[str, list[dict[str, Any]]]:
    """All rows of the tables that the demo data could touch."""
    return {
        table: sorted((dict(row) for row in await fetch_all(f"SELECT * FROM {table}")), key=repr)
        for table in TABLES
    }


async def test_the_first_load_adds_every_entry() -> None:
    data = demo_data.read()
    report = await demo.load(now())
    assert asdict(report) == {
        "tier_schemes": len(data.tier_schemes),
        "members": len(data.members),
        "stores": sum(len(member.stores) for member in data.members),
        "offers": len(data.offers),
        "staff": len(data.staff),
        "admins": len(data.admins),
    }
    rows = await everything()
    for table in ("members", "stores", "offers", "staff", "admins", "tier_schemes"):
        assert len(rows[table]) == asdict(report)[table]
    assert len(rows["offer_terms"]) == report.offers
    assert len(rows["offer_stock"]) == sum(offer.stock is not None for offer in data.offers)
    assert {offer["status"] for offer in rows["offers"]} == {"published"}
    assert rows["citizens"] == rows["coupons"] == []


async def test_a_second_load_changes_nothing() -> None:
    await demo.load(now())
    before = await everything()
    report = await demo.load(now() + LATER)
    assert report.added == 0
    assert await everything() == before


async def test_a_second_load_resets_neither_counters_nor_decisions() -> None:
    await demo.load(now())
    await execute("UPDATE offer_stock SET issued = 7")
    await execute("UPDATE offers SET status = 'paused'")
    await execute("UPDATE staff SET status = 'revoked', revoked_at = $1", datetime.now(UTC))
    before = await everything()
    assert (await demo.load(now())).added == 0
    assert await everything() == before


async def test_what_is_missing_is_added_alone() -> None:
    await demo.load(now())
    complete = await everything()
    await execute("DELETE FROM staff_stores WHERE staff_id = $1", demo_id("staff", "demo-other"))
    await execute("DELETE FROM staff WHERE id = $1", demo_id("staff", "demo-other"))
    report = await demo.load(now())
    assert (report.staff, report.added) == (1, 1)
    assert len((await everything())["staff_stores"]) == len(complete["staff_stores"])


async def test_loads_at_the_same_time_add_everything_once() -> None:
    reports = await asyncio.gather(*(demo.load(now()) for _ in range(3)))
    added = sorted(report.added for report in reports)
    assert added[:2] == [0, 0]
    assert added[2] > 0


async def test_the_trial_offers_are_claimable_at_both_stores() -> None:
    await demo.load(now())
    rows = await fetch_all(
        "SELECT offers.*, offer_terms.*, offer_stock.total, offer_stock.issued FROM offers"
        " JOIN offer_terms ON offer_terms.id = offers.terms_id"
        " LEFT JOIN offer_stock ON offer_stock.offer_id = offers.id"
        " WHERE title = ANY($1::text[]) ORDER BY per_citizen_limit NULLS FIRST",
        ["压测 · 不限量", "限量 100 份"],
    )
    stores = {demo_id("store", "hz-hupan-wulin"), demo_id("store", "hz-hupan-xixi")}
    for row in rows:
        assert set(row["store_ids"]) == stores
        assert (row["min_tier_level"], row["percent_off"], row["uses_total"]) == (4, 20, 1)
        assert (row["weekday_mask"], row["open_minute"], row["close_minute"]) == (127, 0, 1440)
        assert (row["cap_fen"], row["threshold_fen"]) == (None, None)
        assert row["claim_from"] < now() < now() + timedelta(days=20_000) < row["claim_until"]
    assert [(row["per_citizen_limit"], row["total"], row["issued"]) for row in rows] == [
        (None, None, None),
        (1, 100, 0),
    ]


async def test_each_cashier_has_one_store_and_not_the_same() -> None:
    await demo.load(now())
    rows = await fetch_all(
        "SELECT login, role, self_hash, store_id, position FROM staff"
        " JOIN staff_stores ON staff_stores.staff_id = staff.id ORDER BY login, position"
    )
    stores: dict[str, list[Any]] = {}
    for row in rows:
        assert row["self_hash"] is None
        assert row["position"] == len(stores.setdefault(row["login"], []))
        stores[row["login"]].append(row["store_id"])
    wulin, xixi = demo_id("store", "hz-hupan-wulin"), demo_id("store", "hz-hupan-xixi")
    assert stores == {
        "demo-cashier": [wulin],
        "demo-cashier-2": [xixi],
        "demo-manager": [wulin, xixi],
        "demo-other": [demo_id("store", "hz-tea-longjing")],
        "demo-owner": [wulin, xixi],
    }


@pytest.mark.parametrize(("table", "login"), [("staff", "demo-cashier"), ("admins", "demo-admin")])
async def test_the_password_is_the_login(table: str, login: str) -> None:
    await demo.load(now())
    row = await fetch_one(f"SELECT password_hash FROM {table} WHERE login = $1", login)
    assert row is not None
    assert PasswordHasher().verify(row["password_hash"], login)


async def test_rules_of_an_entry_become_columns() -> None:
    await demo.load(now())
    row = await fetch_one(
        "SELECT * FROM offers JOIN offer_terms ON offer_terms.id = offers.terms_id WHERE offers.id = $1",
        demo_id("offer", "nb-museum-fast-entry"),
    )
    assert row is not None
    assert row["weekday_mask"] == 0b0011110
    assert (row["open_minute"], row["close_minute"]) == (9 * 60, 16 * 60)
    assert {(day.month, day.day) for day in row["blackout_dates"]} == {(10, day) for day in range(1, 8)}
    assert (row["per_citizen_limit"], row["per_citizen_period"]) == (1, "month")
    assert row["region_id"] == "330200"
    bill = await fetch_one(
        "SELECT * FROM offer_terms WHERE offer_id = $1", demo_id("offer", "hz-metro-monthly-bill")
    )
    assert bill is not None
    assert (bill["valid_from"], bill["valid_until"]) == (
        datetime(2025, 12, 31, 16, tzinfo=UTC),
        datetime(2035, 12, 31, 16, tzinfo=UTC),
    )


async def test_the_region_of_an_offer_is_the_smallest_around_its_stores() -> None:
    await demo.load(now())
    rows = await fetch_all(
        "SELECT offers.region_id, array_agg(stores.region_id) AS of_stores FROM offers"
        " JOIN offer_terms ON offer_terms.id = offers.terms_id"
        " JOIN stores ON stores.id = ANY(offer_terms.store_ids) GROUP BY offers.id"
    )
    for row in rows:
        counties = set(row["of_stores"])
        assert row["region_id"] == (counties.pop() if len(counties) == 1 else f"{row['of_stores'][0][:4]}00")


async def test_without_regions_it_says_what_to_do_first() -> None:
    await execute("DELETE FROM programmes")
    with pytest.raises(demo.ReferenceDataMissing, match="migrations"):
        await demo.load(now())


async def test_without_a_url_it_says_which_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(SystemExit, match="DATABASE_URL"):
        await demo.main()
