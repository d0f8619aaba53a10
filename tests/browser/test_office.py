"""What the office does in a day, at its desk: reviews, imports, complaints, and its own accounts."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pyotp
from playwright.async_api import expect

from common.clock import local_day
from models.office_enums import ImportKind
from tests.alliance.imported import table, uscc_of
from tests.api.applicants import an_applicant
from tests.api.offers import make_offer
from tests.api.test_member_offers import a_body
from tests.browser import people
from tests.browser.conftest import Opener, Stack, wait_for
from tests.browser.desks import Desks, agree, choose, fetched, give_reason, press
from tests.browser.rooms import Window
from tests.service import Service

CITY, PROVINCE, HEAD = "demo-admin-hz", "demo-admin", "demo-head"


async def submitted(stack: Service) -> str:
    """An application whose automatic checks are done; its id."""
    applicant = await an_applicant(stack, name="湖畔书店")
    assert (await applicant.upload()).status_code == 201
    assert (await applicant.submit()).status_code < 300
    async with asyncio.timeout(30):
        while (await applicant.http.get("/member-application")).json()["state"] != "county_review":
            await asyncio.sleep(0.3)
    return applicant.id


async def test_an_application_is_passed_on_by_the_county_and_approved_by_the_city(
    desks: Desks, stack: Stack
) -> None:
    application = await submitted(stack)
    county = await desks.of("demo-reviewer-xh")
    await county.go("/console/")
    await county.page.get_by_test_id("wait-applications").get_by_role("link").first.click()
    await county.go(f"/console/applications/{application}")
    await county.page.get_by_role("button", name="通过，转市级审核").click()
    await county.accept_no_barriers()
    await county.picture("console-application")
    await county.page.get_by_role("dialog").get_by_role("button", name="通过，转市级审核").click()
    await expect(county.page.get_by_role("dialog")).to_have_count(0)

    city = await desks.of(CITY)
    await city.go(f"/console/applications/{application}")
    await city.page.get_by_role("button", name="审核通过").click()
    await city.page.get_by_role("dialog").get_by_role("button", name="审核通过").click()
    await expect(city.page.get_by_role("dialog")).to_have_count(0)
    rows = await stack.fetch("SELECT state FROM member_applications WHERE id = $1", application)
    assert rows[0]["state"] == "approved"


async def sent(window: Window, file: Path) -> None:
    """Send a file of members to be imported; ends on what the check found."""
    await window.go("/console/imports")
    await window.page.get_by_role("button", name="上传文件").click()
    await window.page.get_by_test_id("import-file").set_input_files(file)
    await window.page.get_by_role("button", name="上传并检查").click()
    await window.page.get_by_test_id("import-result").wait_for(timeout=30_000)


async def test_a_file_with_a_bad_row_is_refused_whole_and_its_errors_can_be_fetched(
    desks: Desks, tmp_path: Path
) -> None:
    rows = [
        {"uscc": uscc_of(7_001), "name": "导入书店"},
        {"uscc": "91330100MA27X00000", "name": "代码有误的店"},
    ]
    file = tmp_path / "members.csv"
    file.write_bytes(table(ImportKind.MEMBERS, *rows))
    window = await desks.of(CITY)
    await sent(window, file)
    await expect(window.page.get_by_test_id("import-result")).to_contain_text("有误")
    await window.accept_no_barriers()
    await window.picture("console-import")
    errors = await fetched(window, window.page.get_by_role("button", name="下载错误清单"))
    assert "uscc" in errors.decode("utf-8-sig")


async def test_a_good_file_is_applied_by_another_admin(desks: Desks, stack: Stack, tmp_path: Path) -> None:
    first = 200_000 + uuid4().int % 1_000_000
    names = [f"运河茶馆 {first + number}" for number in range(40)]
    rows = [{"uscc": uscc_of(first + number), "name": name} for number, name in enumerate(names)]
    file = tmp_path / "members.csv"
    file.write_bytes(table(ImportKind.MEMBERS, *rows))
    sender, second = await desks.of(CITY), await desks.of(PROVINCE)
    await sent(sender, file)
    await expect(sender.page.get_by_test_id("import-result")).to_contain_text("检查通过，共 40 行")
    await expect(sender.page.get_by_role("button", name="确认导入")).to_have_count(0)

    await second.go(sender.page.url.removeprefix(second.base))
    await press(second, "确认导入", sure=True)
    await expect(second.page.get_by_test_id("import-result")).to_contain_text("40", timeout=20_000)
    await second.accept_no_barriers()
    await second.picture("console-import-applied")
    found = await stack.fetch("SELECT count(*) AS n FROM members WHERE name = ANY($1)", names)
    assert found[0]["n"] == 40


async def test_a_long_import_says_how_far_it_is(desks: Desks, stack: Stack, tmp_path: Path) -> None:
    first = 2_000_000 + uuid4().int % 1_000_000
    rows = [
        {"uscc": uscc_of(first + number), "name": f"长街小店 {first + number}"} for number in range(6_000)
    ]
    file = tmp_path / "members.csv"
    file.write_bytes(table(ImportKind.MEMBERS, *rows))
    sender, second = await desks.of(CITY), await desks.of(PROVINCE)
    await sent(sender, file)
    await second.go(sender.page.url.removeprefix(second.base))

    async def rows_done() -> int:
        row = "SELECT rows_done FROM imports WHERE status = 'applying'"
        return sum(each["rows_done"] for each in await stack.fetch(row))

    async def is_under_way() -> bool:
        return await rows_done() >= 1_000

    async with asyncio.TaskGroup() as at_once:
        at_once.create_task(press(second, "确认导入", sure=True))
        async with stack.worker_stopped(is_under_way):
            done = await rows_done()
            assert done < 6_000, "it was over before anybody looked"
            bar = second.page.get_by_role("progressbar", name=f"已处理 {done} / 6000 行")
            await expect(bar).to_have_attribute("aria-valuenow", str(done // 60), timeout=20_000)
            await second.accept_no_barriers()
            await second.picture("console-import-progress")
    await expect(second.page.get_by_test_id("import-result")).to_contain_text("6000", timeout=30_000)


async def changed(stack: Stack, title: str) -> tuple[str, int]:
    """An offer with a change that waits for the office: its id, and the number of the version."""
    offer = await make_offer(stack, title=title)
    owner = (await stack.clerk("demo-owner")).http
    answer = await owner.put(f"/member/offers/{offer}", json=a_body(title=f"{title}七折", percent_off=30))
    assert answer.status_code == 204, answer.text
    assert (await owner.post(f"/member/offers/{offer}/submission")).status_code == 204
    return offer, (await owner.get(f"/member/offers/{offer}")).json()["open_number"]


async def test_a_change_of_an_offer_is_reviewed_by_what_it_changes(desks: Desks, stack: Stack) -> None:
    offer, number = await changed(stack, "湖畔早市")
    window = await desks.of(CITY)
    await window.go("/console/offer-versions?state=submitted")
    waiting = window.page.get_by_test_id(f"version-{offer}/{number}")
    await waiting.click()
    await window.page.get_by_role("link", name="优惠审核").last.click()
    await expect(window.page).to_have_url(re.compile(r"/console/offer-versions\?state=submitted$"))
    await waiting.click()
    changes = window.page.get_by_test_id("changes").get_by_role("row")
    await changes.first.wait_for()
    await expect(changes.filter(has_text="湖畔早市七折")).to_contain_text("原为湖畔早市改为湖畔早市七折")
    await expect(changes.filter(has_text="折扣")).to_contain_text("减 20%（8 折）改为减 30%（7 折）")
    await window.accept_no_barriers()
    await window.picture("console-offer-change")
    await press(window, "审核通过", sure=True)
    await press(window, "发布", sure=True)
    await expect(window.page.get_by_test_id("open-version")).to_have_count(0)
    rows = await stack.fetch(
        "SELECT t.percent_off FROM offers o JOIN offer_terms t ON t.id = o.terms_id WHERE o.id = $1", offer
    )
    assert rows[0]["percent_off"] == 30


async def answered_at_the_desk(owner: Window, last_day: str) -> None:
    """The newest complaint, by the owner; no click and no key throws away what he is writing."""
    page, text = owner.page, "收银员算错，愿意补。"
    await owner.go("/console/")
    await expect(page.get_by_test_id("wait-complaints")).to_contain_text(f"{last_day} 前（含当天）")
    await owner.go("/console/own/complaints?status=open")
    await expect(page.get_by_role("row").nth(1)).to_contain_text(last_day)
    await page.get_by_role("row").nth(1).get_by_role("button").click()
    drawer = page.locator(".el-drawer")
    answer = drawer.get_by_role("textbox")
    await answer.fill(text)
    await expect(drawer).to_contain_text(last_day)
    await page.mouse.click(200, 300)
    await page.keyboard.press("Escape")
    question = page.locator(".el-message-box")
    await expect(question).to_contain_text("还没有提交")
    await question.get_by_role("button", name="取消").click()
    await expect(answer).to_have_value(text)
    await press(owner, "发出答复", sure=True)
    await expect(drawer.get_by_role("heading", name="本单位的答复")).to_be_visible()
    await page.mouse.click(200, 300)
    await expect(drawer).to_be_hidden()


async def test_a_complaint_goes_from_the_phone_to_the_office_and_back(
    desks: Desks, phone: Opener, stack: Stack
) -> None:
    code = people.somebody()
    citizen, clerk = await stack.citizen(code), await stack.clerk()
    redemption = await clerk.redeem(await citizen.code((await citizen.coupon())["id"]))
    own = await phone()
    await people.sign_in(own, code, agrees=None)
    await own.go(f"/m/#/pages/complaints/new?redemption={redemption.json()['id']}")
    await own.page.get_by_role("button", name="优惠金额不对").click()
    await own.page.get_by_role("textbox").fill("说好八折，只给了九折。")
    await own.page.get_by_role("button", name="提交投诉").click()
    await expect(own.page.get_by_test_id("state")).to_contain_text("等商家答复")
    made = (await citizen.http.get("/me/complaints")).json()["items"][0]
    complaint, due = made["id"], datetime.fromisoformat(made["answer_due_at"])
    last_day = f"{local_day(due - timedelta(seconds=1))}"
    await expect(own.page.get_by_test_id("state")).to_contain_text(f"最迟 {last_day} 24:00")

    await changed(stack, "桥西早茶")
    window = await desks.of(CITY)
    await window.go("/console/complaints?status=open")
    await expect(window.page.get_by_role("row").nth(1)).to_contain_text(last_day)
    await answered_at_the_desk(await desks.of("demo-owner", member=True), last_day)
    await window.go("/console/")
    await window.page.get_by_test_id("wait-complaints").wait_for()
    await window.page.wait_for_load_state("networkidle")
    await window.accept_no_barriers()
    await window.picture("console-work")
    await window.go(f"/console/complaints/{complaint}")
    await window.page.get_by_text("收银员算错，愿意补。").wait_for()
    await window.accept_no_barriers()
    await window.picture("console-complaint")
    await give_reason(window, "投诉不成立", "小票上写明了九折。")
    await expect(
        window.page.get_by_role("dialog").get_by_text("投诉不成立：小票上写明了九折。")
    ).to_be_visible()

    async def is_told() -> bool:
        notices = (await citizen.http.get("/me/notices")).json()["items"]
        return any(notice["kind"] == "complaint_dismissed" for notice in notices)

    await wait_for(is_told, within_s=15)
    await own.go("/m/#/pages/notices/index")
    await (
        own.page.get_by_role("button")
        .filter(has_text="经联盟办公室核查，不成立。理由：小票上写明了九折。如有异议")
        .first.click()
    )
    await own.page.get_by_role("button", name="看这件投诉").click()
    await expect(own.page.get_by_test_id("state")).to_contain_text("投诉不成立")
    await own.page.get_by_text("小票上写明了九折。").wait_for()


async def test_a_coupon_is_revoked_when_a_second_admin_agrees_and_its_owner_reads_why(
    desks: Desks, phone: Opener, stack: Stack
) -> None:
    code, why = people.somebody(), "活动场地停用，不能兑现。"
    citizen, clerk = await stack.citizen(code), await stack.clerk()
    coupon = (await citizen.coupon())["id"]
    own = await phone()
    await people.sign_in(own, code, agrees=None)
    await own.go(f"/m/#/pages/coupons/one?id={coupon}")
    await own.page.get_by_text(coupon).wait_for()  # what he reads out on the telephone
    await own.go(f"/m/#/pages/coupons/code?id={coupon}")
    await own.page.get_by_test_id("countdown").wait_for()

    office, head = await desks.of(PROVINCE), await desks.of(HEAD)
    await office.go("/console/coupon-revocation")
    await office.page.get_by_label("优惠券编号").fill("1234")
    await office.page.get_by_role("button", name="提请作废").click()
    await expect(office.page.get_by_text("编号不对")).to_be_visible()
    await office.page.get_by_label("优惠券编号").fill(coupon)
    await office.page.get_by_role("textbox").last.fill(why)
    await press(office, "提请作废", sure=True)
    await expect(office.page.get_by_role("status").filter(has_text="已提请")).to_be_visible()
    assert (await citizen.http.get(f"/coupons/{coupon}")).json()["status"] == "claimed"
    shown = await citizen.code(coupon)
    await agree(head, why)

    refused = await clerk.redeem(shown)
    assert (refused.status_code, refused.json()["code"]) == (410, "coupon_revoked")
    await expect(own.page.get_by_text(f"这张券已经作废。原因：{why}")).to_be_visible(timeout=20_000)


async def test_an_admin_is_invited_enrols_and_signs_in_with_a_one_time_code(
    desks: Desks, desk: Opener, stack: Stack
) -> None:
    login, password = f"new-{uuid4().hex[:8]}", "four unrelated words here"
    head = await desks.of(PROVINCE)
    await head.go("/console/admins")
    await head.page.get_by_role("button", name="邀请管理员").click()
    dialog = head.page.get_by_role("dialog")
    await dialog.get_by_label("登录名").fill(login)
    await choose(head, "管辖区域", "杭州市", within=dialog)
    await dialog.get_by_text("运营员", exact=True).click()
    await dialog.get_by_role("button", name="生成邀请链接").click()
    link = await head.page.get_by_test_id("secret").inner_text()
    await head.accept_no_barriers()
    await press(head, "我已交付，关闭")
    await expect(head.page.get_by_role("row").filter(has_text=login)).to_contain_text("待接受邀请")

    new = await desk()
    await new.page.goto(link)
    await expect(new.page).to_have_url(link.partition("#")[0])  # no secret stays in the address
    await new.page.get_by_label("新密码").fill(password)
    await new.page.get_by_label("再输入一次").fill(password)
    await press(new, "设置密码")
    secret = await new.page.locator("code").first.inner_text()
    await expect(new.page.get_by_role("img", name="验证器二维码")).to_be_visible()
    await expect(new.page.get_by_role("button", name="去登录")).to_be_disabled()
    await new.accept_no_barriers()
    await new.page.locator("label.el-checkbox").click()
    await press(new, "去登录")

    await new.page.get_by_label("登录名").fill(login)
    await new.page.get_by_label("密码", exact=True).fill(password)
    await press(new, "登录")
    await expect(new.page.get_by_role("alert")).to_be_visible()  # the password alone is not enough
    await new.page.get_by_label("动态口令").fill(str(pyotp.TOTP(secret).at(datetime.now(UTC))))
    await press(new, "登录")
    await expect(new.page.get_by_role("heading", level=1)).to_contain_text(login)
    await head.go("/console/admins")
    await expect(head.page.get_by_role("row").filter(has_text=login)).to_contain_text("正常")
