"""Ways through the phone pages: what an address names is what is shown, and what hides something says so."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser import people
from tests.browser.conftest import Opener, Stack
from tests.browser.test_screens import accept_large, choose

HOME, CREDIT, CONSENTS = "/m/#/pages/home/index", "/m/#/pages/credit/index", "/m/#/pages/consents/index"


async def test_an_address_typed_into_an_open_tab_shows_what_it_names(phone: Opener, stack: Stack) -> None:
    window = await phone()
    page = window.page
    async with stack.client() as http:
        first, second, *_ = await people.items(http, "/offers")
    await window.go(f"/m/#/pages/offers/one?id={first['id']}")
    await expect(title_of(page)).to_have_text(first["title"])
    await window.go(f"/m/#/pages/offers/one?id={second['id']}")
    await expect(title_of(page)).to_have_text(second["title"])
    # The same with another page of the app above it, and by the browser's own way back.
    await page.get_by_role("button", name="去登录").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("登录")
    await window.go(f"/m/#/pages/offers/one?id={first['id']}")
    await expect(title_of(page)).to_have_text(first["title"])
    await window.go(f"/m/#/pages/offers/one?id={second['id']}")
    await expect(title_of(page)).to_have_text(second["title"])
    await page.go_back()
    await expect(title_of(page)).to_have_text(first["title"])


async def test_the_ways_inside_the_app_load_nothing_anew(phone: Opener) -> None:
    window = await phone()
    page = window.page
    await people.find(window, people.UNLIMITED)
    await expect(title_of(page)).to_have_text(people.UNLIMITED)
    await page.evaluate("window.isSamePage = true")
    await page.go_back()
    await expect(page.get_by_test_id("offers")).to_be_visible()
    await page.go_forward()
    await expect(title_of(page)).to_have_text(people.UNLIMITED)
    await page.get_by_role("button", name="返回").click()
    await expect(page.get_by_test_id("offers")).to_be_visible()
    # Another one of the same page is another one.
    await page.get_by_label("搜索优惠").fill("")
    await page.get_by_role("button", name="搜索", exact=True).click()
    other = page.get_by_test_id("offers").get_by_role("button").first
    await expect(other).not_to_contain_text(people.UNLIMITED)
    await other.click()
    await expect(title_of(page)).not_to_have_text(people.UNLIMITED)
    assert await page.evaluate("window.isSamePage") is True


def title_of(page: Page) -> Locator:
    """The name of the benefit on its page."""
    return page.locator("h2.offer-title").locator("visible=true")


async def test_large_type_is_found_and_the_list_says_what_hides_benefits(phone: Opener) -> None:
    window = await phone(permissions=[])
    page = window.page
    await window.go("/m/#/pages/sign-in/index")
    large = page.get_by_role("button", name="大字", exact=True).locator("visible=true")
    await expect(large).to_have_attribute("aria-pressed", "false")
    await window.go(HOME)
    await expect(page.get_by_test_id("offers")).to_be_visible()
    box = await large.bounding_box()
    assert box and box["height"] >= 44
    await large.click()
    await expect(large).to_have_attribute("aria-pressed", "true")
    await accept_large(window)

    # What the sentence names can be pressed; with another filter it has nothing to say any more.
    await page.get_by_role("button", name="附近").click()
    nowhere = page.get_by_text("没有取到您的位置")
    await expect(nowhere).to_contain_text("选地区")
    await page.get_by_role("button", name="选地区").click()
    await expect(page.get_by_label("城市")).to_be_visible()
    await page.get_by_role("button", name="养老托幼").click()
    await expect(nowhere).to_have_count(0)

    await page.get_by_label("搜索优惠").fill(people.UNLIMITED)
    await page.get_by_role("button", name="搜索", exact=True).click()
    none = page.get_by_text(f"里没有找到“{people.UNLIMITED}”")
    await expect(none).to_contain_text("养老托幼")
    await window.accept_no_barriers()
    await page.get_by_role("button", name="在全部优惠里找").click()
    await expect(page.get_by_test_id("offers").get_by_role("button", name=people.UNLIMITED)).to_be_visible()
    await expect(page.get_by_label("搜索优惠")).to_have_value(people.UNLIMITED)
    await large.click()
    await expect(page.locator(".xy-elder")).to_have_count(0)


@pytest.mark.parametrize(
    ("code", "agrees", "said"),
    [
        ("demo-poor", True, "等级提高以后"),
        ("demo-unrated", True, "有了等级以后"),
        ("", False, "您同意查询以后"),
    ],
)
async def test_the_tier_page_says_what_a_tier_is_for(
    phone: Opener, stack: Stack, code: str, agrees: bool, said: str
) -> None:
    window = await phone()
    if agrees:
        await stack.citizen(code)  # whom other tests may have asked already
    await people.sign_in(window, code or people.somebody(), agrees=None if agrees else False)
    await choose(window, "/m/#/pages/settings/index", "elder")
    await window.go(CREDIT)
    await expect(window.page.get_by_text(said)).to_be_visible()
    await expect(window.page.get_by_text("用来领取要求这一等级")).to_have_count(0)
    # Fewer things on a screen, but not who says so, and who does not hear of it.
    await expect(window.page.get_by_text("商家和店员看不到")).to_be_visible()
    if agrees:
        await expect(window.page.get_by_test_id("tier")).to_contain_text("来源")


async def test_what_was_withdrawn_and_given_again_is_agreed_to(phone: Opener) -> None:
    window = await phone()
    page = window.page
    await people.sign_in(window, people.somebody())
    await window.go(CONSENTS)
    consent = page.get_by_test_id("consent-credit_check")
    await consent.get_by_role("button", name="撤回").click()
    await expect(page.get_by_text("已经撤回。")).to_be_visible()
    await consent.get_by_role("button", name="查看并同意").click()
    await page.get_by_role("button", name="同意", exact=True).click()
    await expect(consent).to_contain_text("已同意")
    await expect(page.get_by_text("已经撤回。")).to_have_count(0)

    # In English the tier has an English name beside its own.
    await choose(window, "/m/#/pages/settings/index", "english")
    await window.go(HOME)
    await expect(page.get_by_test_id("my-tier")).to_contain_text("excellent · 优秀")
    await window.go(CREDIT)
    await expect(page.get_by_test_id("tier")).to_contain_text("excellent · 优秀")
    await expect(
        page.get_by_text(re.compile("In short: points from public records .* 30 days"))
    ).to_be_visible()
    await page.get_by_role("button", name="The published bands").click()
    await expect(page.get_by_text("fair · 中等: 650 to 749 points")).to_be_visible()
