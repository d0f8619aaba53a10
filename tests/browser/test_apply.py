"""A merchant that is no member yet applies by the screens alone, and the county's reviewer finds it."""

import io

from PIL import Image
from playwright.async_api import FilePayload, expect

from tests.api.applicants import PDF
from tests.browser.conftest import Opener
from tests.browser.rooms import Window
from tests.browser.test_console import sign_in
from tests.factories.applications import a_uscc

NAME = "西溪湿地书屋"


def a_picture() -> bytes:
    """A PNG as a phone's camera app would make it, only smaller."""
    file = io.BytesIO()
    Image.new("RGB", (40, 30), (200, 180, 160)).save(file, "PNG")
    return file.getvalue()


async def fill_in(window: Window) -> None:
    """The organisation's form."""
    page = window.page
    await page.get_by_label("单位全称").fill(NAME)
    await page.get_by_role("textbox", name="统一社会信用代码").fill(a_uscc().lower())
    await page.get_by_role("combobox", name="所在地").click()
    await page.keyboard.type("西湖")
    await page.get_by_role("option", name="西湖区").click()
    await page.get_by_text("诚信商家", exact=True).click()
    await page.get_by_role("combobox", name="领域").press("Enter")
    await page.get_by_role("option", name="旅游购物").click()
    await page.get_by_label("联系人姓名").fill("王大友")
    await page.get_by_role("textbox", name="联系电话").fill("13700009050")


async def test_a_merchant_applies_by_the_screens_and_the_county_finds_it(desk: Opener) -> None:
    merchant = await desk()
    page, asked = merchant.page, list[str]()
    page.on("request", lambda request: asked.append(request.url))
    await merchant.go("/console/sign-in")
    await page.get_by_text("成员单位").first.click()
    await page.get_by_role("link", name="申请加入联盟").click()
    await page.get_by_role("heading", level=1, name="申请加入联盟").wait_for()
    await page.get_by_role("button", name="保存，下一步").click()
    await expect(page.get_by_role("alert")).to_contain_text("统一社会信用代码、单位全称")
    await merchant.accept_no_barriers()
    await fill_in(merchant)
    await page.get_by_role("button", name="保存，下一步").click()
    key = await page.get_by_test_id("secret").inner_text()
    await page.get_by_role("button", name="我已保存，关闭").click()

    # All steps stand in one row, inside their box.
    box, *places = await page.get_by_role("list", name="申请进度").evaluate(
        """list => [list, ...list.children].map((one) => {
          const { left, right, top, width } = one.getBoundingClientRect()
          return [left, right, top, width].map(Math.round)
        })"""
    )
    assert len(places) == 7 and len({(top, width) for _, _, top, width in places}) == 1, places
    assert box[0] + 8 < places[0][0] and places[-1][1] < box[1] - 8, (box, places)

    lacks = page.get_by_test_id("lacks")
    await expect(lacks).to_contain_text("证明材料")
    await expect(lacks).to_contain_text("信用承诺书")
    await expect(page.get_by_role("button", name="提交申请")).to_be_disabled()
    files: list[FilePayload] = [
        {"name": "营业执照.pdf", "mimeType": "application/pdf", "buffer": PDF},
        {"name": "门头.png", "mimeType": "image/png", "buffer": a_picture()},
    ]
    await page.get_by_label("选择文件上传").set_input_files(files)
    await expect(page.get_by_test_id("documents").get_by_role("listitem")).to_have_count(2)
    await page.get_by_text("我已通读").click()
    await page.get_by_label("签署人姓名").fill("王大友")
    await page.get_by_role("button", name="签署承诺书").click()
    await expect(lacks).to_contain_text("可以提交")
    await merchant.accept_no_barriers()
    await merchant.picture("apply", full=True)

    await page.get_by_role("button", name="提交申请").click()
    await page.get_by_role("dialog").get_by_role("button", name="提交申请").click()
    await expect(page.get_by_test_id("state")).to_contain_text("待县级审核", timeout=30_000)
    assert any(url.endswith("/member-application/submission") for url in asked)
    assert not [url for url in [page.url, *asked] if key in url]

    # Whoever has the key finds it again in another window; a wrong one opens nothing.
    later = await desk()
    await later.go("/console/apply")
    await later.page.get_by_text("继续已有的申请").click()
    await later.page.get_by_role("textbox", name="申请密钥").fill(key[:-1])
    await later.page.get_by_role("button", name="打开").click()
    await expect(later.page.get_by_role("alert")).to_contain_text("申请密钥不对")
    await later.page.get_by_role("textbox", name="申请密钥").fill(key)
    await later.page.get_by_role("button", name="打开").click()
    await expect(later.page.get_by_test_id("state")).to_contain_text("待县级审核")

    county = await desk()
    await sign_in(county, "demo-reviewer-xh")
    await county.page.get_by_test_id("wait-applications").get_by_role("link").first.wait_for()
    await county.go(f"/console/applications?state=county_review&q={NAME}")
    await county.page.get_by_role("button", name=NAME).click()
    await expect(county.page.get_by_role("heading", level=1)).to_have_text(NAME)
    await expect(county.page.get_by_text("营业执照.pdf")).to_be_visible()
    await expect(county.page.get_by_role("button", name="通过，转市级审核")).to_be_enabled()
