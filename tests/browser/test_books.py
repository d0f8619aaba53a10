"""The office's books at its desk: figures, statements and their files, a scheme's what-if, audit and seals."""

import csv
import io
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from playwright.async_api import Locator, expect

from alliance.statement_lines import period_of
from common.clock import now
from tests.api.kit import coupon_of
from tests.api.offers import backdate_redemption, make_offer
from tests.api.test_statements import close_by_hand
from tests.browser.conftest import Stack, wait_for
from tests.browser.desks import Desks, agree, choose, fetched, form, give_reason, press
from tests.browser.rooms import DESK, Window
from tests.factories.ledgers import as_owner

PROVINCE, HEAD = "demo-admin", "demo-head"
LONG_AGO = timedelta(days=123)


def card(window: Window, title: str) -> Locator:
    """A figure with its table."""
    return window.page.get_by_role("region", name=title, exact=True)


async def rows_of(table: Locator) -> list[list[str]]:
    """The cells of a table's rows, without those of its head; an opened or closed one."""
    rows = await table.locator("tbody tr").evaluate_all(
        "rows => rows.map((row) => [...row.children].map((cell) => cell.textContent.trim()))"
    )
    return list(rows)


def lines_of(file: bytes) -> list[list[str]]:
    """The lines of a CSV file, its head left out."""
    return [*csv.reader(io.StringIO(file.decode("utf-8-sig")))][1:]


async def test_a_redemption_is_in_the_figures_within_seconds(desks: Desks, stack: Stack) -> None:
    office = await stack.admin(PROVINCE)
    before = (await office.get("/admin/numbers")).json()["totals"]
    citizen, clerk = await stack.citizen(), await stack.clerk()
    code = await citizen.code((await citizen.coupon())["id"])
    assert (await clerk.redeem(code, order_amount_fen=12_345)).status_code == 201

    happened = {"claims": 1, "redemptions": 1, "new_customers": 1, "discount_fen": 2_469}

    async def told() -> bool:
        after = (await office.get("/admin/numbers")).json()["totals"]
        return all(after[name] == before[name] + more for name, more in happened.items())

    await wait_for(told, within_s=20)
    window = await desks.of(PROVINCE)
    await window.go("/console/numbers")
    await card(window, "成员").locator("tbody tr").first.wait_for(state="attached")
    await press(window, "近 7 天")
    await choose(window, "地区", "杭州市")
    await press(window, "查看")
    await expect(window.page).to_have_url(re.compile("region=330100"))
    await window.page.reload()  # what is looked at stands in the address
    await expect(window.page).to_have_url(
        re.compile(r"from=\d{4}-\d\d-\d\d&to=\d{4}-\d\d-\d\d&region=330100")
    )
    daily, fields = card(window, "每日走势"), card(window, "各领域")
    for figure in (fields, daily):
        await figure.locator("tbody tr").first.wait_for(state="attached")
    query = dict(httpx.URL(window.page.url).params)
    shown = await rows_of(daily)
    assert shown == [as_shown(line) for line in await numbers(office, "day", query)]
    assert shown[0][0] == f"{now() + timedelta(hours=8):%Y-%m-%d}" and int(shown[0][4].replace(",", "")) > 0
    by_field = await numbers(office, "programme", query)
    assert await rows_of(fields) == [as_shown(line) for line in by_field]
    await window.accept_no_barriers()
    await window.picture("console-numbers")
    file = lines_of(await fetched(window, fields.get_by_role("button")))
    assert [(row[0], int(row[4]), fen(row[8])) for row in file] == [
        (line["name"], line["redemptions"], line["discount_fen"]) for line in by_field
    ]


async def numbers(office: httpx.AsyncClient, by: str, query: dict[str, str]) -> list[dict[str, Any]]:
    """The lines of the figures as the interface tells them."""
    answer = await office.get("/admin/numbers", params={**query, "by": by, "limit": 100})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def as_shown(line: dict[str, Any]) -> list[str]:
    """One of those lines as people read it."""
    names = (
        "views",
        "claims",
        "given_back",
        "redemptions",
        "reversals",
        "new_customers",
        "returning_customers",
    )
    money = [yuan(line["discount_fen"]), yuan(line["reversed_fen"])]
    return [line["name"] or line["key"], *(f"{line[name]:,}" for name in names), *money]


def yuan(amount_fen: int) -> str:
    """An amount as the desk's pages write it, always with two decimals."""
    text = f"¥{abs(amount_fen) / 100:,.2f}"
    return "-" + text if amount_fen < 0 else text


def fen(text: str) -> int:
    """An amount of a file, in yuan, as fen."""
    return round(float(text.replace("¥", "").replace(",", "")) * 100)


def total(file: bytes, name: str) -> int:
    """The sum of a column of a file of statement lines."""
    head, *lines = csv.reader(io.StringIO(file.decode("utf-8-sig")))
    [place] = [place for place, column in enumerate(head) if column.endswith(f" / {name}")]
    return sum(int(line[place]) for line in lines)


@dataclass(frozen=True)
class Month:
    """A month of the demo member's that is closed."""

    period: date
    statement_id: str
    discount_fen: int

    @property
    def text(self) -> str:
        return f"{self.period:%Y-%m}"


@pytest.fixture(scope="module")
async def month(stack: Stack) -> Month:
    """Two scans of long ago, a third of each borne by the alliance."""
    offer = await make_offer(stack, title="运河夜市", alliance_share=33)
    scans, clerk = [], await stack.clerk()
    for amount in (12_345, 999):
        citizen = await stack.citizen()
        code = await citizen.code(await coupon_of(citizen.http, offer))
        scans.append((await clerk.redeem(code, order_amount_fen=amount)).json()["id"])
    for scan in scans:
        await backdate_redemption(stack, scan, LONG_AGO)
    period = period_of(now() - LONG_AGO)
    await close_by_hand(stack, period)
    [row] = await stack.fetch(
        "SELECT s.id, (SELECT sum(discount_fen)::bigint FROM redemptions r WHERE r.member_id = s.member_id"
        " AND date_trunc('month', r.redeemed_at AT TIME ZONE 'Asia/Shanghai') = s.period) AS discount_fen"
        " FROM statements s WHERE s.period = $1 AND s.member_id = (SELECT member_id FROM staff WHERE login = 'demo-owner')",
        period,
    )
    return Month(period, str(row["id"]), row["discount_fen"])


async def test_no_sum_is_hidden_at_a_small_desk(desks: Desks, month: Month) -> None:
    office = await desks.of(PROVINCE)
    await office.page.set_viewport_size({"width": 1280, "height": 720})
    await office.go(f"/console/statements?period={month.text}")
    table = office.page.locator(".el-table")
    await table.locator("tbody tr").first.wait_for()
    await press(office, "English")
    await expect(table.get_by_role("columnheader").last).to_contain_text("Alliance")
    fits = await table.locator(".el-table__body-wrapper .el-scrollbar__wrap").evaluate(
        "wrap => wrap.scrollWidth <= wrap.clientWidth"
    )
    assert fits or await table.locator(".el-scrollbar__bar.is-horizontal").is_visible()
    await office.accept_no_barriers()
    await office.picture("console-statements-small")
    await press(office, "中文")
    await office.page.set_viewport_size(DESK)


async def test_a_month_is_disputed_adjusted_and_settled(desks: Desks, stack: Stack, month: Month) -> None:
    owner = await desks.of("demo-owner", member=True)
    await owner.go(f"/console/own/statements/{month.statement_id}")
    drawer = owner.page.get_by_role("dialog")
    await drawer.get_by_text(yuan(month.discount_fen), exact=True).first.wait_for()
    file = await fetched(owner, drawer.get_by_role("button", name="下载 CSV"))
    lines = await stack.fetch(
        "SELECT discount_fen, member_fen, alliance_fen FROM statement_lines WHERE statement_id = $1",
        month.statement_id,
    )
    sums = {
        name: sum(line[name] for line in lines) for name in ("discount_fen", "member_fen", "alliance_fen")
    }
    assert sums == {name: total(file, name) for name in sums}
    assert sums["discount_fen"] == month.discount_fen
    await give_reason(owner, "提出异议", "有一笔应由联盟多承担五分。")
    await drawer.get_by_text("有异议").wait_for()
    await owner.accept_no_barriers()

    office = await desks.of(PROVINCE)
    await office.go(f"/console/statements?state=disputed&period={month.text}")
    await office.page.get_by_role("button", name=re.compile("湖畔便利")).click()
    drawer = office.page.get_by_role("dialog")
    await drawer.get_by_text("有异议").wait_for()
    shares = [sums["discount_fen"], sums["member_fen"], 0, sums["alliance_fen"]]
    await expect(drawer.locator(".shares dd")).to_have_text([yuan(each) for each in shares])
    await office.accept_no_barriers()
    await office.picture("console-statement")
    await press(office, "采纳异议并调整")
    dialog = form(office, "采纳异议并调整")
    await dialog.get_by_label("成员承担变化（元）").fill("-0.05")
    await dialog.get_by_label("联盟承担变化（元）").fill("0.05")
    await choose(office, "调整原因", "承担比例有误", within=dialog)
    await office.accept_no_barriers()
    await press(office, "采纳异议并调整", sure=True)
    await expect(dialog).to_have_count(0)
    await drawer.get_by_text("已确认").wait_for()
    await press(office, "登记结算")
    dialog = form(office, "登记结算")
    await dialog.get_by_label("付款编号").fill("PAY-2026/07")
    await dialog.get_by_role("button", name="登记结算").click()
    await expect(dialog).to_have_count(0)
    await expect(drawer.get_by_text("PAY-2026/07")).to_be_visible()

    await owner.page.reload()
    drawer = owner.page.get_by_role("dialog")
    await drawer.get_by_text("已结清").wait_for()
    await expect(drawer.get_by_text("PAY-2026/07")).to_be_visible()
    [adjusted] = await stack.fetch(
        "SELECT member_fen, alliance_fen FROM statement_lines WHERE kind = 'adjustment' ORDER BY at DESC LIMIT 1"
    )
    assert tuple(adjusted) == (-5, 5)


async def test_a_months_lines_are_exported_when_another_admin_agrees(desks: Desks, month: Month) -> None:
    window, head = await desks.of(PROVINCE), await desks.of(HEAD)
    await window.go("/console/statement-exports")
    await press(window, "提请导出")
    dialog = window.page.get_by_role("dialog")
    await choose(window, "地区", "杭州市", within=dialog)
    await dialog.get_by_role("combobox", name="账期").fill(month.text)
    await dialog.get_by_role("combobox", name="账期").press("Enter")
    await dialog.get_by_text("CSV", exact=True).click()
    await dialog.get_by_label("用途（审批人可以看到）").fill("季度核对")
    await window.accept_no_barriers()
    await dialog.get_by_role("button", name="提请导出").click()
    await expect(dialog).to_have_count(0)
    await agree(head, "季度核对")

    await window.page.reload()
    line = window.page.get_by_role("row").filter(has_text=month.text).first
    await expect(line.get_by_text("可以下载")).to_be_visible(timeout=30_000)
    file = await fetched(window, line.get_by_role("button", name="下载"))
    assert len(lines_of(file)) == int(await line.get_by_role("cell").nth(4).inner_text())
    assert total(file, "discount_fen") == month.discount_fen
    await window.accept_no_barriers()


@asynccontextmanager
async def forgotten(stack: Stack, code: str) -> AsyncIterator[None]:
    """Take back what was announced meanwhile: everybody else's tier goes by the version before."""
    try:
        yield
    finally:
        async with as_owner(stack.environment["DATABASE_URL"]) as sql:
            await sql.execute(
                "DELETE FROM tier_bands WHERE scheme_id IN (SELECT id FROM tier_schemes WHERE code = $1 AND version > 1)",
                code,
            )
            await sql.execute("DELETE FROM tier_schemes WHERE code = $1 AND version > 1", code)


async def test_a_scheme_is_counted_before_a_second_head_agrees(desks: Desks, stack: Stack) -> None:
    window, head = await desks.of(PROVINCE), await desks.of(HEAD)
    await window.go("/console/tier-scheme-draft?code=zj-demo&version=1")
    await window.page.get_by_label("第 4 档到（不含）").fill("840")
    await window.page.get_by_label("第 5 档从（含）").fill("840")
    await press(window, "试算")
    result = window.page.get_by_test_id("what-if-result")
    await expect(result).to_contain_text("按分数统计全省市民", timeout=60_000)
    counts = dict(
        zip(*[await result.locator(f".sums {part}").all_inner_texts() for part in ("dt", "dd")], strict=True)
    )
    assert int(counts["上升"].replace(",", "")) > 0 and counts["下降"] == "0", counts
    await window.accept_no_barriers()
    await window.picture("console-what-if", full=True)
    await window.page.get_by_label("提请理由（审批人可以看到）").fill("让更多市民进入优秀档")
    async with forgotten(stack, "zj-demo"):
        await press(window, "提请公布", sure=True)
        await expect(window.page.get_by_role("status").filter(has_text="已提请")).to_be_visible()
        await agree(head, "让更多市民进入优秀档")
        await window.go("/console/tier-schemes/zj-demo/2")
        await window.page.get_by_role("dialog").get_by_text("已公布，待生效").wait_for()
        await window.accept_no_barriers()


async def test_the_audit_has_what_was_just_done_and_the_page_finds_a_record_that_was_altered(
    desks: Desks, stack: Stack
) -> None:
    window = await desks.of(PROVINCE)
    [offer] = [await make_offer(stack, title="改前改后")]
    city = await stack.admin("demo-admin-hz")
    answer = await city.put(f"/admin/offers/{offer}/status", json={"status": "paused"})
    assert answer.status_code == 204, answer.text
    [row] = await stack.fetch("SELECT id, object_id FROM audit_records WHERE object_id = $1", offer)
    await window.go("/console/audit")
    await window.page.get_by_label("对象编号").fill(offer)
    await press(window, "查询")
    await expect(window.page).to_have_url(re.compile(offer))
    line = window.page.get_by_role("row").filter(has_text="offer.")
    await line.wait_for()
    await window.accept_no_barriers()
    await window.picture("console-audit")

    async def is_sealed() -> bool:
        return bool(
            await stack.fetch(
                "SELECT 1 FROM audit_seals s, audit_records r WHERE r.id = $1 AND s.last_entry >= r.entry",
                row["id"],
            )
        )

    await wait_for(is_sealed, within_s=60)
    await line.get_by_role("button").click()
    verdict = window.page.get_by_test_id("verdict")
    await press(window, "核对这条记录")
    await verdict.get_by_text("与已公布的封存一致 ✓").wait_for()
    await window.accept_no_barriers()
    await window.picture("console-audit-record")
    async with altered(stack, "audit_records", "id", row["id"], action="offer.harmless"):
        await window.page.reload()
        await press(window, "核对这条记录")
        await verdict.get_by_text("与已公布的封存不一致 ✗").wait_for()
        await window.accept_no_barriers()
        await window.picture("console-audit-altered")
    await window.page.reload()
    await press(window, "核对这条记录")
    await verdict.get_by_text("与已公布的封存一致 ✓").wait_for()


@asynccontextmanager
async def altered(stack: Stack, table: str, key: str, row_id: object, **to: object) -> AsyncIterator[None]:
    """Somebody with the database's rights changes what is written once; it is put back."""
    places = ", ".join(f"{column} = ${place}" for place, column in enumerate(to, 2))
    async with as_owner(stack.environment["DATABASE_URL"]) as sql:
        before = await sql.fetchrow(f"SELECT {', '.join(to)} FROM {table} WHERE {key} = $1", row_id)
        assert before is not None
        await sql.execute(f"UPDATE {table} SET {places} WHERE {key} = $1", row_id, *to.values())
        try:
            yield
        finally:
            await sql.execute(f"UPDATE {table} SET {places} WHERE {key} = $1", row_id, *before)


async def test_the_seals_of_both_books_are_checked_in_the_browser(desks: Desks, stack: Stack) -> None:
    citizen, clerk = await stack.citizen(), await stack.clerk()
    done = await clerk.redeem(await citizen.code((await citizen.coupon())["id"]))
    path = f"/me/redemptions/{done.json()['id']}/proof"

    async def is_sealed() -> bool:
        return (await citizen.http.get(path)).status_code == 200

    window = await desks.of(PROVINCE)
    await window.go("/console/seals")
    await wait_for(is_sealed, within_s=60)
    await check_chain(window, "核销账本", "全部封存前后相接 ✓")
    await window.accept_no_barriers()
    await window.picture("console-seals")
    await check_chain(window, "审计记录", "全部封存前后相接 ✓")
    [last] = await stack.fetch("SELECT number, root FROM audit_seals ORDER BY number DESC LIMIT 1")
    async with altered(stack, "audit_seals", "number", last["number"], root=bytes(32)):
        await check_chain(window, "审计记录", f"第 {last['number']} 号签名无效")
        await window.accept_no_barriers()

    await check_proof(window, (await citizen.http.get(path)).json(), ["与已公布的封存一致 ✓"])
    async with altered(stack, "redemptions", "id", done.json()["id"], discount_fen=1_999, payable_fen=8_001):
        await check_proof(window, (await citizen.http.get(path)).json(), ["与已公布的封存不一致 ✗"])


async def check_chain(window: Window, book: str, outcome: str) -> None:
    """Have the browser go through all seals of a book."""
    await window.page.locator(".el-segmented").get_by_text(book).click()
    await press(window, "开始核对")
    await expect(window.page.get_by_test_id("chain")).to_contain_text(outcome, timeout=20_000)


async def check_proof(window: Window, proof: object, outcomes: Sequence[str]) -> None:
    """Have the browser check a proof that somebody was given."""
    await window.page.get_by_label("证明内容").fill(json.dumps(proof))
    await press(window, "核对证明")
    await expect(window.page.get_by_test_id("verdict").locator(".word")).to_have_text([*outcomes])
