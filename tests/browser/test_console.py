"""The office's desk: every page stands without a barrier in two languages, and the desk's own stories."""

import re

import pytest
from playwright.async_api import expect

from tests.browser import people
from tests.browser.conftest import Opener, Stack
from tests.browser.desks import choose, press, sign_in
from tests.browser.rooms import Window

OFFICE = (
    *(
        "",
        "applications",
        "approvals",
        "members",
        "offers",
        "offer-versions",
        "complaints",
        "policies/330100",
        "white-list",
    ),
    *("tier-schemes", "tier-mappings", "tier-scheme-draft", "imports", "credit-batches", "data-quality"),
    *("statements", "statement-sums", "statement-exports", "numbers"),
    *("audit", "seals", "admins", "account", "objections", "declarations", "guardianships", "jobs"),
    "coupon-revocation",
)
OWNER = (
    "",
    "own/standing",
    "own/offers",
    "own/offers/new",
    "own/stores",
    "own/staff",
    "own/devices",
    "own/days",
    "own/statements",
    "own/complaints",
    *("own/numbers", "own/webhooks", "own/objections", "own/sharing", "own/account"),
)

# These pictures are taken by the stories, where there is something to see.
TOLD = {"console-work", "console-numbers", "console-seals", "console-audit"}


async def accept_pages(window: Window, pages: tuple[str, ...], who: str, heads: str = "h1, thead th") -> None:
    """Look at each page when it has been read, then in English; all that is wrong is told together."""
    wrong: list[str] = []
    for path in pages:
        await window.go(f"/console/{path}")
        try:
            await window.page.get_by_role("heading", level=1).wait_for()
            await window.page.wait_for_load_state("networkidle")
            await expect(window.page.locator(".el-loading-mask:visible")).to_have_count(0)
            await expect(window.page.get_by_role("alert").filter(has_text="再试")).to_have_count(0)
            await window.accept_no_barriers()
            name = f"{who}-{path.replace('/', '-') or 'work'}"
            if name not in TOLD:
                await window.picture(name)
            await window.page.get_by_role("button", name="English").click()
            back = window.page.get_by_role("button", name="中文")
            await back.wait_for()
            chinese = await people.chinese_in(window, heads)
            await back.click()
            assert not chinese, f"Chinese in the title or a table's head: {chinese}"
        except AssertionError as problem:
            wrong.append(f"/console/{path}: {problem}")
    assert not wrong, "\n\n".join(wrong)


async def test_offices_pages(desk: Opener) -> None:
    window = await desk()
    await sign_in(window, "demo-admin")
    await accept_pages(window, OFFICE, "console")


async def test_members_pages(desk: Opener) -> None:
    window = await desk()
    await sign_in(window, "demo-owner", member=True)
    # The title of one is the member's own name.
    await accept_pages(window, OWNER, "member", "thead th")


async def test_wrong_password_is_said_in_the_servers_words(desk: Opener) -> None:
    window = await desk()
    await window.go("/console/sign-in")
    await window.page.get_by_label("登录名").fill("demo-admin-hz")
    await window.page.get_by_label("密码", exact=True).fill("wrong")
    await window.page.keyboard.press("Enter")
    await expect(window.page.get_by_role("alert")).to_contain_text("密码")
    await window.accept_no_barriers()


async def test_what_went_wrong_is_said_to_people(desk: Opener) -> None:
    """No pointer, no "API document", and nothing of what a failed reading might have done."""
    window = await desk()
    await sign_in(window, "demo-admin")
    note = window.page.get_by_role("alert")
    await window.go("/console/audit?from=yesterday")
    await expect(note).to_contain_text("有内容填得不对")
    await expect(note.get_by_role("listitem")).to_have_text(re.compile("^开始日期："))
    assert not re.search(r"/from|errors|接口文档", await note.inner_text())
    await window.picture("console-invalid")
    # What can be no day was not asked for.
    await window.go("/console/numbers?from=2026-13-40&to=2026-02-30")
    await window.page.get_by_role("heading", level=1).wait_for()
    await window.page.wait_for_load_state("networkidle")
    await expect(note).to_have_count(0)
    await window.page.route("**/api/v1/admin/members?**", lambda route: route.abort())
    await window.go("/console/members")
    await expect(note).to_contain_text("暂时读不到")
    await expect(note).not_to_contain_text("重复")


async def test_a_page_opened_in_another_tab_says_why_it_asks_to_sign_in(desk: Opener) -> None:
    window = await desk()
    await sign_in(window, "demo-admin")
    tab = await window.context.new_page()
    await tab.goto(f"{window.base}/console/members")
    await expect(tab.get_by_text("每个浏览器标签页需要分别登录。")).to_be_visible()
    await tab.goto(f"{window.base}/console/sign-in")
    await expect(tab.get_by_label("登录名")).to_be_visible()
    await expect(tab.get_by_text("每个浏览器标签页需要分别登录。")).to_have_count(0)


async def test_filters_stand_in_the_address_and_lists_page_on_the_server(desk: Opener, stack: Stack) -> None:
    # More records in the audit than a page has: the policy of a county that no test looks at, sent again as it is.
    head, policy = await stack.admin("demo-head"), "/admin/regions/330329/policy"
    as_it_is = {name: value for name, value in (await head.get(policy)).json().items() if name != "of_region"}
    for _ in range(21):
        assert (await head.put(policy, json=as_it_is)).status_code == 204
    window = await desk()
    page = window.page
    await sign_in(window, "demo-admin")
    await window.go("/console/members")
    await choose(window, "状态", "已暂停")
    async with page.expect_request(re.compile(r"/admin/members\?.*status=suspended")):
        await press(window, "查询")
    await expect(page).to_have_url(re.compile(r"/console/members\?status=suspended$"))
    async with page.expect_request(re.compile(r"/admin/members\?.*status=suspended")):
        await page.reload()

    await window.go("/console/audit")
    first = page.get_by_role("row").nth(1)
    newest = await first.inner_text()
    async with page.expect_request(re.compile(r"/admin/audit\?.*cursor=")):
        await press(window, "下一页")
    await expect(page).to_have_url(re.compile(r"cursor="))
    await expect(first).not_to_have_text(newest, use_inner_text=True)
    async with page.expect_request(re.compile(r"/admin/audit\?(?!.*cursor=)")):
        await page.go_back()
    await expect(page.get_by_role("button", name="上一页")).to_be_disabled()


async def test_pages_have_no_more_rights_than_the_api(desk: Opener, stack: Stack) -> None:
    """Who opens a page that is not his sees that, and the server is asked for nothing."""
    window = await desk()
    await sign_in(window, "demo-reviewer-xh")
    asked: list[str] = []
    window.page.on("request", lambda request: asked.append(request.url))
    await window.go("/console/admins")
    await window.page.wait_for_load_state("networkidle")
    assert not [url for url in asked if "/admin/admins" in url]
    await expect(window.page).to_have_url(re.compile("no-right"))


@pytest.mark.parametrize("login", ["demo-admin-hz", "demo-reviewer-xh"])
async def test_menu_offers_nothing_that_is_closed(desk: Opener, login: str) -> None:
    """No link of the side menu leads to a page that is not his, and the server refuses nothing that they ask."""
    window = await desk()
    await sign_in(window, login)
    refused: list[str] = []
    window.page.on("response", lambda answer: refused.append(answer.url) if answer.status == 403 else None)
    links = window.page.get_by_role("navigation", name="主菜单").get_by_role("list").get_by_role("link")
    await links.first.wait_for()
    addresses = [await link.get_attribute("href") or "" for link in await links.all()]
    assert len(addresses) > 5
    closed: list[str] = []
    for address in addresses:
        await window.go(address)
        await window.page.get_by_role("heading", level=1).wait_for()
        await window.page.wait_for_load_state("networkidle")
        if "/no-right" in window.page.url:
            closed.append(f"{address} leads to {window.page.url}")
    assert not closed + refused, "\n".join(closed + refused)


@pytest.mark.parametrize("login", ["demo-admin"])
async def test_by_keyboard_alone(desk: Opener, login: str) -> None:
    """Signing in, the skip link, the menu and a row's drawer take no mouse."""
    window = await desk()
    await window.go("/console/sign-in")
    await window.page.get_by_label("登录名").focus()
    await window.page.keyboard.type(login)
    await window.page.keyboard.press("Tab")
    await window.page.keyboard.type(login)
    await window.page.keyboard.press("Enter")
    await expect(window.page.get_by_role("heading", level=1)).not_to_have_text(re.compile("登录"))
    await window.go("/console/members")
    first = window.page.get_by_role("table").get_by_role("button").first
    await first.wait_for()
    for _ in range(80):
        await window.page.keyboard.press("Tab")
        if await first.evaluate("one => one === document.activeElement"):
            break
    await expect(first).to_be_focused()
    await window.page.keyboard.press("Enter")
    drawer = window.page.get_by_role("dialog")
    await expect(drawer).to_be_visible()
    await window.accept_no_barriers()
    await window.page.keyboard.press("Escape")
    await expect(drawer).to_have_count(0)
    await expect(first).to_be_focused()
