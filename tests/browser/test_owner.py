"""What a member's owner does at the desk: tills that scan, a till system that is told, a mistake that is undone."""

import asyncio
import hashlib
import hmac
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from playwright.async_api import expect

from alliance.statement_lines import take_new
from common import database as db
from common.clock import now
from tests.browser import people
from tests.browser.conftest import Opener, Stack
from tests.browser.test_console import sign_in
from tests.factories.ledgers import as_owner

WITHIN_MS = 30_000


@dataclass
class Till:
    """A till system that listens on a socket of this machine."""

    url: str = ""
    told: asyncio.Queue[tuple[dict[str, str], bytes]] = field(default_factory=asyncio.Queue)
    answer: str = "204 No Content"

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request, answer it."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head)}
        self.told.put_nowait((headers, await reader.readexactly(int(headers["content-length"]))))
        writer.write(f"HTTP/1.1 {self.answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def listening() -> AsyncIterator[Till]:
    till = Till()
    async with await asyncio.start_server(till.hear, "127.0.0.1", 0) as server:
        till.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/till"
        yield till


async def test_a_device_is_added_paired_with_the_shown_code_and_revoked(desk: Opener, stack: Stack) -> None:
    window = await desk()
    page = window.page
    await sign_in(window, "demo-owner", member=True)
    await window.go("/console/own/devices")
    await page.get_by_role("button", name="添加终端").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="添加并生成配对码").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("门店")
    await dialog.get_by_label("终端名称").fill("二号收银台")
    await dialog.get_by_role("combobox").click()
    await page.get_by_role("option").first.click()
    await dialog.get_by_role("button", name="添加并生成配对码").click()
    code = await page.get_by_test_id("secret").inner_text()
    await window.accept_no_barriers()
    await window.picture("member-pairing-code")

    paired = await stack.client().post("/auth/device", json={"code": code})
    assert paired.status_code == 200, paired.text
    device = stack.client(Authorization=f"Bearer {paired.json()['access_token']}")
    assert (await device.get("/redemptions")).status_code == 200
    await page.get_by_role("button", name="已在设备上输入，关闭").click()
    row = page.get_by_role("row").filter(has_text="二号收银台")
    await expect(row).to_contain_text("使用中")
    await expect(page.get_by_text(code)).to_have_count(0)

    await row.get_by_role("button", name="停用").click()
    await page.get_by_role("dialog", name="请确认").get_by_role("button", name="停用").click()
    await expect(row).to_contain_text("已停用")
    await expect(row.get_by_role("button")).to_have_count(0)
    async with asyncio.timeout(10):
        while (await device.get("/redemptions")).status_code != 401:
            await asyncio.sleep(0.2)


async def test_a_webhook_is_added_tested_given_a_fresh_secret_and_told_again(
    desk: Opener, stack: Stack
) -> None:
    window = await desk()
    page = window.page
    await sign_in(window, "demo-owner", member=True)
    await window.go("/console/own/webhooks")
    async with listening() as till:
        await page.get_by_role("button", name="添加推送地址").click()
        dialog = page.get_by_role("dialog")
        for url in ("https://10.0.0.1/till", till.url):
            await dialog.get_by_label("网址").fill(url)
            await dialog.get_by_role("button", name="添加并生成密钥").click()
            if url != till.url:
                await expect(dialog.get_by_role("alert")).to_contain_text("内网地址不行")
        first = await page.get_by_test_id("secret").inner_text()
        await window.accept_no_barriers()
        await page.get_by_role("button", name="已填好，关闭").click()
        await expect(page.get_by_text(first)).to_have_count(0)

        one = page.get_by_test_id("webhook").filter(has_text=till.url)
        await one.get_by_role("button", name="更换密钥").click()
        await page.get_by_role("dialog", name="请确认").get_by_role("button", name="更换密钥").click()
        # The closed dialog is empty for as long as it fades.
        await expect(page.get_by_test_id("secret")).to_have_text(re.compile(r"^whsec_[\w-]{43}$"))
        secret = await page.get_by_test_id("secret").inner_text()
        assert secret != first
        await page.get_by_role("button", name="已填好，关闭").click()

        await one.get_by_role("button", name="发送测试").click()
        headers, body = await asyncio.wait_for(till.told.get(), WITHIN_MS / 1000)
        signed = dict(part.split("=", 1) for part in headers["x-xinyi-signature"].split(","))
        mac = hmac.new(secret.encode(), signed["t"].encode() + b"." + body, hashlib.sha256)
        assert signed["v1"] == mac.hexdigest()
        drawer = page.get_by_role("dialog", name="推送记录")
        line = drawer.get_by_role("listitem").filter(has_text="测试")
        await expect(line).to_contain_text("已送达", timeout=WITHIN_MS)
        await expect(line).to_contain_text("HTTP 204")
        await window.accept_no_barriers()
        await window.picture("member-webhook-deliveries")
        await page.keyboard.press("Escape")
        await expect(drawer).to_have_count(0)

        till.answer = "500 Internal Server Error"
        await one.get_by_role("button", name="发送测试").click()
        await till.told.get()
        line = drawer.get_by_role("listitem").filter(has_text="HTTP 500")
        await expect(line).to_contain_text("待送达", timeout=WITHIN_MS)
        async with as_owner(stack.environment["DATABASE_URL"]) as sql:  # all its tries, over hours
            await sql.execute(
                "UPDATE webhook_deliveries SET status = 'failed', ended_at = now() WHERE last_result = '500'"
            )
        await drawer.get_by_role("button", name="刷新").click()
        till.answer = "204 No Content"
        await line.get_by_role("button", name="重新推送").click()
        await asyncio.wait_for(till.told.get(), WITHIN_MS / 1000)
        await drawer.get_by_role("button", name="刷新").click()
        await expect(drawer.get_by_role("listitem").filter(has_text="已送达")).to_have_count(2)
        await page.keyboard.press("Escape")
        await expect(drawer).to_have_count(0)

    await one.get_by_role("button", name="修改").click()
    await page.get_by_role("dialog").get_by_text("推送核销和撤销").click()
    await page.get_by_role("dialog").get_by_role("button", name="保存").click()
    await expect(one).to_contain_text("已停止")
    await expect(one.get_by_role("button", name="发送测试")).to_have_count(0)


async def test_a_redemption_is_undone_from_the_statement(desk: Opener, stack: Stack) -> None:
    citizen, clerk = await stack.citizen(people.somebody()), await stack.clerk()
    coupon = await citizen.coupon()
    done = await clerk.redeem(await citizen.code(coupon["id"]), order_amount_fen=17_300)
    assert done.status_code == 201, done.text
    redemption = done.json()["id"]
    async with db.own_connection(stack.environment["DATABASE_URL"]):
        await take_new(now())  # the background process does so every five minutes

    window = await desk()
    page = window.page
    await sign_in(window, "demo-owner", member=True)
    await window.go("/console/own/statements")
    await page.get_by_role("table").get_by_role("button").first.click()
    drawer = page.get_by_role("dialog")
    await drawer.get_by_role("tab", name="明细").click()
    lines = drawer.get_by_role("listitem")
    await lines.first.wait_for()
    line = lines.filter(has_text="订单金额 ¥173.00")
    while not await line.count():
        top = await lines.first.text_content() or ""
        await drawer.get_by_role("button", name="下一页").click()
        await expect(lines.first).not_to_have_text(top)
    await line.get_by_role("button", name="补撤销").click()
    asking = page.get_by_role("dialog", name="补撤销")
    await expect(asking).to_contain_text("立即生效")
    await window.accept_no_barriers()
    await window.picture("member-late-reversal")
    yes = asking.get_by_role("button", name="补撤销")
    await yes.click()
    await expect(asking).to_contain_text("请写明原因")
    await asking.get_by_role("textbox").fill("金额输错了")
    await yes.click()
    await expect(asking).to_have_count(0)
    await expect(line).to_contain_text("已撤销")
    assert (await citizen.http.get(f"/coupons/{coupon['id']}")).json()["status"] == "claimed"
    reasons = await stack.fetch(
        "SELECT s.reason FROM reversals v JOIN reversal_reasons s ON s.reversal_id = v.id WHERE v.redemption_id = $1",
        redemption,
    )
    assert [row["reason"] for row in reasons] == ["金额输错了"]


async def test_what_cannot_be_is_said_at_the_field_and_nothing_is_sent(desk: Opener) -> None:
    window = await desk()
    page = window.page
    sent: list[str] = []
    page.on("request", lambda one: sent.append(one.url) if one.method in ("POST", "PUT") else None)
    await sign_in(window, "demo-owner", member=True)
    sent.clear()

    await window.go("/console/own/stores")
    await page.get_by_role("button", name="新增门店").click()
    dialog = page.get_by_role("dialog", name="新增门店")
    latitude, longitude = (dialog.get_by_role("spinbutton", name=name) for name in ("纬度", "经度"))
    await latitude.fill("120.16")
    await longitude.fill("30.27")
    await dialog.get_by_label("名称").click()
    await expect(latitude).to_have_value("120.16")
    await expect(dialog.get_by_role("alert")).to_contain_text("是不是填反了")
    await dialog.get_by_label("名称").fill("滨江店")
    await dialog.get_by_label("地址").fill("江南大道 1 号")
    await dialog.get_by_role("combobox", name="区县").click()
    await page.get_by_role("option", name="滨江区").click()
    await dialog.get_by_role("button", name="保存").click()
    await window.accept_no_barriers()
    await window.picture("member-store-position")
    assert not sent
    await latitude.fill("30.27")
    await longitude.fill("120.16")
    await dialog.get_by_label("名称").click()
    await expect(dialog.get_by_role("alert")).to_have_count(0)

    await window.go("/console/own/staff")
    await page.get_by_role("button", name="邀请人员").click()
    dialog = page.get_by_role("dialog", name="邀请人员")
    await expect(dialog.get_by_role("group", name="角色")).to_contain_text("店员")
    invite = dialog.get_by_role("button", name="生成邀请链接")
    for login, said in (("", "请填写登录名"), ("Anna", "小写字母"), ("anna", "店员至少要选一家门店。")):
        await dialog.get_by_label("登录名").fill(login)
        await invite.click()
        await expect(dialog.get_by_role("alert")).to_contain_text(said)
    await window.accept_no_barriers()
    await window.picture("member-staff-form")
    assert not sent
