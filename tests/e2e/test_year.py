"""A year of a small alliance on a moved clock: ten members, thousands of claims, and books that balance."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import date, datetime
from pathlib import Path

import pytest

from alliance.recounts import differences
from common import database as db
from common.clock import SHANGHAI, now
from tests.conftest import Servers, Templates
from tests.e2e.invariants import check, check_sealed
from tests.e2e.wire import Line, lines_to
from tests.e2e.year import Alliance, Coupon, a_shop, ok
from tests.faults.clock import Clock
from tests.seeds import environment
from tests.service import Service, new_key

MEMBERS, PEOPLE, CLAIMS = 10, 50, 210
YEAR = now().year + 1


def morning(month: int, day: int = 5) -> datetime:
    """10:00 in Shanghai; the thirteenth month is the next year's first."""
    return datetime(YEAR + (month - 1) // 12, (month - 1) % 12 + 1, day, 10, tzinfo=SHANGHAI)


@pytest.fixture
async def alliance(servers: Servers, templates: Templates, tmp_path: Path) -> AsyncIterator[Alliance]:
    """A service whose clock can be moved, with the demo's office and nobody else of ours."""
    url, clock, grades = templates("year", True), Clock(tmp_path / "clock"), tmp_path / "grades"
    grades.write_text("")
    wrong = {"FAULT_CLOCK": str(clock.file), "FAULT_GRADES": str(grades), "WORKERS": "2"}
    service = await asyncio.to_thread(
        Service.start, environment(url, servers.redis_url, **wrong), "tests.faults.launcher"
    )
    await db.connect(url, pool_size=6)
    yield Alliance(service, clock, grades, random.Random(7))
    await db.disconnect()
    await asyncio.to_thread(service.stop)


async def test_a_year_of_a_small_alliance_and_its_books(alliance: Alliance) -> None:
    alliance.people = [f"load-{8_000_000 + n}" for n in range(PEOPLE)]
    await _begin(alliance)
    async with lines_to(alliance.service, count=16) as lines:
        await _consent(alliance, lines)
        held: list[Coupon] = []
        given: list[tuple[Coupon, str]] = []
        for month in range(1, 13):
            alliance.move(morning(month))
            with alliance.background():
                await _office(alliance, month)
                held, given = await _a_day(alliance, lines, month, held, given)
            if month in (4, 6):
                # A grade falls below the bar, and is repaired: the nightly checks find out.
                alliance.grades.write_text(alliance.shops[2].uscc if month == 4 else "")
            await alliance.night(kill_at=alliance.dice.randrange(1, 60))
            await _answer_statements(alliance, month)
    alliance.move(morning(13))
    await alliance.night(kill_at=20)
    await _answer_statements(alliance, 13)
    await _books_balance(alliance)


async def _begin(alliance: Alliance) -> None:
    """Before the first day: the tables of the coming months, ten members and an offer of each."""
    alliance.move(morning(1, 2))
    await alliance.night(kill_at=5)
    for number in range(MEMBERS):
        shop = a_shop(number)
        await alliance.take_in(shop)
        alliance.shops.append(shop)
    for shop in alliance.shops:
        await alliance.publish(shop)


async def _consent(alliance: Alliance, lines: list[Line]) -> None:
    for name in alliance.people:
        citizen = await alliance.service.citizen(name)
        assert citizen.id


async def _a_day(
    alliance: Alliance,
    lines: list[Line],
    month: int,
    held: list[Coupon],
    before: list[tuple[Coupon, str]],
) -> tuple[list[Coupon], list[tuple[Coupon, str]]]:
    """Coupons of the last month are used up, whatever became of their member; two thirds of the new ones are."""
    open_shops = [shop for shop in alliance.shops if await alliance.status(shop) == "active"]
    for shop in alliance.shops:
        if shop not in open_shops:
            assert await alliance.refused(lines, shop) == "offer_ended"
    claimed = await alliance.claim(lines, open_shops, CLAIMS)
    alliance.dice.shuffle(claimed)
    used, kept = claimed[: CLAIMS * 2 // 3], claimed[CLAIMS * 2 // 3 :]
    used += [coupon for coupon in held if coupon.shop.id]
    given = [*zip(used, await alliance.redeem(lines, used), strict=True)]
    for coupon, redemption in given[:8]:
        await alliance.undo(coupon.shop, redemption)
    for coupon, redemption in before[8:11]:
        await alliance.undo(coupon.shop, redemption, is_late=True)
    await _complaints(alliance, lines, month, given)
    await _close_a_day(alliance, given)
    return kept, given


async def _office(alliance: Alliance, month: int) -> None:
    """What the office and the members do this month, besides selling."""
    office, shops = await alliance.admin(), alliance.shops
    if month == 3:
        await alliance.change_offer(shops[0], percent=30)
    if month in (5, 7):
        assert await alliance.status(shops[2]) == ("suspended" if month == 5 else "active")
    if month == 6:
        # Three complaints were upheld in the fifth.
        assert await alliance.status(shops[4]) == "suspended"
        ok(
            await office.post(f"/admin/members/{shops[4].id}/reinstatement", json={"cause": "complaints"}),
            204,
        )
    if month == 8:
        ok(await office.post(f"/admin/members/{shops[3].id}/suspension", json={"reason": "核查中"}), 204)
    if month == 9:
        ok(await office.post(f"/admin/members/{shops[3].id}/reinstatement", json={"cause": "office"}), 204)
    if month == 10:
        ok(await (await alliance.staff(shops[9].owner)).post("/member/leaving"), 204)


async def _complaints(
    alliance: Alliance, lines: list[Line], month: int, given: list[tuple[Coupon, str]]
) -> None:
    wrong = [each for each in given if each[0].shop is alliance.shops[4]][:3] if month == 5 else []
    for coupon, redemption in wrong:
        await alliance.complain(lines, coupon, redemption, is_right=True)
    coupon, redemption = next(each for each in given if each[0].shop is alliance.shops[6])
    await alliance.complain(lines, coupon, redemption, is_right=False)


async def _close_a_day(alliance: Alliance, given: list[tuple[Coupon, str]]) -> None:
    """One store counts its day, and counts as the server does."""
    shop = alliance.shops[1]
    clerk = await alliance.staff(shop.clerk)
    counted = {
        "store_id": shop.store_id,
        "day": f"{alliance.at:%Y-%m-%d}",
        "redemptions": 0,
        "reversals": 0,
        "discount_fen": 0,
    }
    answer = await clerk.post("/day-closes", json=counted, headers={"Idempotency-Key": new_key()})
    closed = ok(answer, 201)
    assert closed["server_redemptions"] == sum(1 for coupon, _ in given if coupon.shop is shop)
    assert closed["difference_redemptions"] == -closed["server_redemptions"]


async def _answer_statements(alliance: Alliance, month: int) -> None:
    """Whatever was closed is confirmed and settled; the first one of each third member is disputed before."""
    office = await alliance.admin()
    for shop in alliance.shops:
        for statement in await alliance.statements(shop):
            if statement["state"] != "closed":
                continue
            owner, path = await alliance.staff(shop.owner), f"/statements/{statement['id']}"
            if month == 2 and shop.number % 3 == 0:
                ok(await owner.post(f"/member{path}/dispute", json={"reason": "少了一笔"}), 204)
                adjustment = {"member_fen": 100 + shop.number, "reason_code": "missing"}
                ok(await office.post(f"/admin{path}/adjustment", json=adjustment), 201)
            else:
                ok(await owner.post(f"/member{path}/confirmation"), 204)
            ok(await office.post(f"/admin{path}/settlement", json={"reference": f"PAY-{month}"}), 204)


async def _books_balance(alliance: Alliance) -> None:
    url = alliance.service.environment["DATABASE_URL"]
    await check(db.fetch_all)
    # A statement for each month in which something happened, and for nearly everybody that is each of the twelve:
    # one was suspended for the whole of June, one left in October.
    statements = await db.fetch_all(
        "SELECT * FROM statements WHERE member_id = ANY ($1::uuid[])", [shop.id for shop in alliance.shops]
    )
    happened = await db.fetch_all(
        "SELECT member_id, date_trunc('month', at AT TIME ZONE 'Asia/Shanghai')::date AS period FROM ("
        " SELECT member_id, redeemed_at AS at FROM redemptions UNION ALL"
        " SELECT r.member_id, v.reversed_at FROM reversals v JOIN redemptions r ON r.id = v.redemption_id) AS records"
        " GROUP BY 1, 2"
    )
    months = {(str(row["member_id"]), row["period"]) for row in statements}
    assert months == {(str(row["member_id"]), row["period"]) for row in happened}
    by_member = Counter(member for member, _ in months)
    assert [by_member[shop.id] for shop in alliance.shops[:9]] == [12, 12, 11, *[12] * 6]
    assert by_member[alliance.shops[9].id] in (10, 11)
    assert {row["state"] for row in statements} == {"settled"}
    # To the fen: what the ledger says, and what disputes gave.
    [ledger] = await db.fetch_all(
        "SELECT count(*) AS records, coalesce(sum(discount_fen), 0) AS fen FROM ("
        " SELECT discount_fen FROM redemptions UNION ALL"
        " SELECT -r.discount_fen FROM reversals v JOIN redemptions r ON r.id = v.redemption_id) AS records"
    )
    [lines] = await db.fetch_all(
        "SELECT count(DISTINCT entry) AS records, count(entry) AS lines, sum(discount_fen) FILTER (WHERE entry IS NOT"
        " NULL) AS fen, sum(discount_fen) AS with_adjustments, sum(member_fen + public_unit_fen + alliance_fen) AS parts"
        " FROM statement_lines"
    )
    assert (lines["records"], lines["lines"], lines["fen"]) == (
        ledger["records"],
        ledger["records"],
        ledger["fen"],
    )
    assert lines["parts"] == lines["with_adjustments"] == ledger["fen"] + sum(100 + n for n in (0, 3, 6, 9))
    assert (
        sum(row["discount_fen"] for row in statements if row["state"] == "settled")
        == lines["with_adjustments"]
    )
    assert ledger["records"] > 12 * CLAIMS * 9 // 10
    assert await _claims() == 12 * CLAIMS
    assert not await differences(date(YEAR, 1, 1), date(YEAR + 1, 1, 31))
    assert not await db.fetch_all("SELECT 1 FROM pgqueuer WHERE status = 'failed'")
    suspended = await db.fetch_all("SELECT cause, lifted_at FROM suspensions ORDER BY suspended_at")
    assert [row["cause"] for row in suspended] == ["grade", "complaints", "office"]
    assert all(row["lifted_at"] for row in suspended)
    await check_sealed(url)


async def _claims() -> int:
    [row] = await db.fetch_all("SELECT count(*) AS claims FROM coupons WHERE claimed_at > $1", morning(1, 1))
    return int(row["claims"])
