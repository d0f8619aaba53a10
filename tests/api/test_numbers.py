"""Numbers over HTTP: counted by the background process, bounded by member and region, and never about a citizen."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.api.kit import answered, coupon_of, problem
from tests.api.offers import make_offer
from tests.server.commands import run
from tests.server.commands import started_warm as started
from tests.service import Service

BROWSER = {"User-Agent": "Mozilla/5.0 (Linux; Android 14) MicroMessenger/8.0"}
SUMS = {
    *("views", "claims", "given_back", "redemptions", "reversals", "discount_fen", "reversed_fen"),
    *("new_customers", "returning_customers"),
}


async def by_key(client: httpx.AsyncClient, path: str, **query: Any) -> dict[str, dict[str, Any]]:
    body = answered(await client.get(path, params={"limit": 100, **query}), 200, "items", "totals")
    assert set(body["totals"]) == SUMS
    return {item["key"]: item for item in body["items"]}


async def test_what_happens_shows_within_ten_seconds_and_after_a_restart(service: Service) -> None:
    clerk, owner, admin = await service.clerk(), await service.clerk("demo-owner"), await service.admin()
    citizen, offer_id = await service.citizen(), await make_offer(service)
    # What was written past the service shows within a second; being not found is no view.
    async with asyncio.timeout(5):
        while (await citizen.http.get(f"/offers/{offer_id}", headers=BROWSER)).status_code == 404:
            await asyncio.sleep(0.1)
    for agent in ("Googlebot/2.1", BROWSER["User-Agent"]):
        assert (
            await citizen.http.get(f"/offers/{offer_id}", headers={"User-Agent": agent})
        ).status_code == 200
    coupon_id = await coupon_of(citizen.http, offer_id)
    done = await clerk.redeem(await citizen.code(coupon_id))
    assert done.status_code == 201, done.text

    async def shown(count: int) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while True:
                line = (await by_key(owner.http, "/member/numbers", by="offer")).get(offer_id, {})
                if line.get("redemptions") == count and line["claims"] == 1 and line["views"] == 2:
                    return line
                await asyncio.sleep(0.3)

    async with started(service.environment, "worker"):
        line = await shown(1)
    assert (line["new_customers"], line["returning_customers"], line["reversals"]) == (1, 0, 0)
    assert line["discount_fen"] == done.json()["discount_fen"] and line["name"]
    assert (await clerk.reverse(done.json()["id"])).status_code == 201
    # A fresh process goes on where the killed one ended.
    async with started(service.environment, "worker"):
        async with asyncio.timeout(10):
            while (line := await shown(1))["reversals"] != 1:
                await asyncio.sleep(0.3)
    assert line["reversed_fen"] == line["discount_fen"]
    recounted = await run(service.environment, "recount-numbers")
    assert (recounted.code, recounted.out.strip()) == (0, "the sums are what a recount gives"), recounted
    stores = await by_key(owner.http, "/member/numbers", by="store")
    assert stores[clerk.store_id]["redemptions"] >= 1 and stores[clerk.store_id]["views"] == 0
    for by in ("day", "offer", "member", "region", "programme"):
        lines = await by_key(admin, "/admin/numbers", by=by)
        assert sum(each["redemptions"] for each in lines.values()) >= 1, by
    assert set(await by_key(admin, "/admin/numbers", by="region")) <= {
        f"33{city:02d}00" for city in range(0, 12)
    }


async def test_an_admin_sees_his_region_and_a_member_himself(service: Service) -> None:
    """Rows of two regions and members, written as the background process does."""
    rows = await service.fetch(
        "INSERT INTO flow_days (day, offer_id, member_id, region_id, claims)"
        " SELECT '2020-02-02', o.id, o.member_id, o.region_id, 7 FROM ("
        "(SELECT id, member_id, region_id FROM offers WHERE region_id LIKE '3301%' ORDER BY id LIMIT 30) UNION ALL"
        " (SELECT id, member_id, region_id FROM offers WHERE region_id NOT LIKE '3301%' ORDER BY id LIMIT 10)) o"
        " RETURNING offer_id::text, member_id::text, region_id"
    )
    days = {"from": "2020-02-02", "to": "2020-02-02"}
    hz = await service.admin("demo-admin-hz")
    found = await by_key(hz, "/admin/numbers", by="offer", **days)
    ours = {row["offer_id"] for row in rows if row["region_id"].startswith("3301")}
    assert set(found) == ours and ours < {row["offer_id"] for row in rows}
    problem(await hz.get("/admin/numbers", params={"region": "330200"}), 404, "not_found")
    other = await service.clerk("demo-other")
    problem(await other.http.get("/member/numbers"), 403, "forbidden")
    owner = await service.clerk("demo-owner")
    mine = await by_key(owner.http, "/member/numbers", by="offer", **days)
    (member_id,) = {
        row["member_id"]
        for row in await service.fetch("SELECT member_id::text FROM staff WHERE login = 'demo-owner'")
    }
    assert set(mine) == {row["offer_id"] for row in rows if row["member_id"] == member_id}
    pages, cursor = [], None
    while True:
        query = {**days, "by": "offer", "limit": 7, **({"cursor": cursor} if cursor else {})}
        page = answered(await hz.get("/admin/numbers", params=query), 200, "items", "next_cursor")
        pages += [item["key"] for item in page["items"]]
        assert page["totals"]["claims"] == 7 * len(ours)
        if (cursor := page["next_cursor"]) is None:
            break
    assert sorted(pages) == sorted(ours)


async def test_refusals_by_reason_and_members_by_state(service: Service) -> None:
    clerk, admin, hz = (
        await service.clerk(),
        await service.admin(),
        await service.admin("demo-reviewer-xh"),
    )
    await service.fetch(
        "INSERT INTO refusal_days (day, member_id, code, refusals)"
        " SELECT '2020-02-02', member_id, 'code_used', 3 FROM staff WHERE login = 'demo-cashier'"
    )
    await service.fetch(
        "INSERT INTO refused_scan_counts (day, member_id, code, scans)"
        " SELECT '2020-02-02', member_id, 'code_forged', 5 FROM staff WHERE login = 'demo-cashier'"
    )
    assert clerk.store_id
    query = {"from": "2020-02-01", "to": "2020-02-03"}
    body = answered(await admin.get("/admin/numbers/refusals", params=query), 200)
    assert body == {
        "items": [{"code": "code_forged", "refusals": 5}, {"code": "code_used", "refusals": 3}],
        "total": 8,
    }
    counted = answered(await admin.get("/admin/numbers/members"), 200, "items", "total")
    (all_of_them,) = await service.fetch("SELECT count(*) AS members FROM members")
    assert counted["total"] == all_of_them["members"] > 5
    county = answered(await hz.get("/admin/numbers/members"), 200)
    assert county["total"] < counted["total"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"from": "2026-02-02", "to": "2026-02-01"}, 422, "span_invalid"),
        ({"from": "2025-01-01", "to": "2026-01-02"}, 422, "span_invalid"),
        ({"from": "0001-01-01", "to": "9999-12-31"}, 422, "span_invalid"),
        ({"by": "citizen"}, 422, "validation_failed"),
        ({"cursor": "AAAA"}, 422, "cursor_invalid"),
    ],
)
async def test_odd_questions_are_refused(
    service: Service, query: dict[str, str], status: int, code: str
) -> None:
    owner = await service.clerk("demo-owner")
    answer = await owner.http.get("/member/numbers", params=query)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


@pytest.mark.parametrize("query", [{"to": "0001-01-01"}, {"from": "9999-12-31"}, {"to": "9999-12-31"}])
async def test_the_ends_of_the_calendar_are_days_too(service: Service, query: dict[str, str]) -> None:
    admin = await service.admin()
    assert (await admin.get("/admin/numbers", params=query)).status_code in (200, 422)
