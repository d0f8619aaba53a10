"""What people do with the pages, in their words: sign in, claim, show the code, scan."""

from itertools import count

from playwright.async_api import Locator, expect

from tests.browser.rooms import Window

UNLIMITED = "压测 · 不限量"
_numbers = count(31_000)


def somebody() -> str:
    """The demo code of a natural person whom no other test knows; his tier is excellent."""
    return f"load-{next(_numbers)}"


async def sign_in(window: Window, code: str, *, agrees: bool = True) -> None:
    """Sign a citizen in by a demo code; he is asked once whether his tier may be looked up."""
    await window.go("/m/#/pages/sign-in/index")
    await window.page.get_by_role("button", name="用别的演示登录码").click()
    await window.page.get_by_label("演示登录码").fill(code)
    await window.page.get_by_role("button", name="登录", exact=True).click()
    await window.page.get_by_role("button", name="同意" if agrees else "暂不同意", exact=True).click()
    await window.page.get_by_role("heading", name="信用惠民").wait_for()


async def claim(window: Window, title: str = UNLIMITED) -> None:
    """Find an offer by its name and claim it; ends on the screen that shows the code."""
    await window.go("/m/#/pages/home/index")
    await window.page.get_by_label("搜索优惠").fill(title)
    await window.page.get_by_role("button", name="搜索", exact=True).click()
    await window.page.get_by_test_id("offers").get_by_role("button", name=title).click()
    await window.page.get_by_test_id("claim").get_by_role("button").click()
    await code_picture(window).wait_for()


def code_picture(window: Window) -> Locator:
    """The picture of the code on a citizen's screen."""
    return window.page.get_by_role("img", name="券码")


async def code_text(window: Window) -> str:
    """The code's letters as they stand under the picture, without the blanks between them."""
    return "".join((await window.page.get_by_test_id("code-text").inner_text()).split()[-13:])


async def sign_in_clerk(window: Window, login: str = "demo-cashier") -> None:
    """Sign a clerk in; ends on the screen to scan from."""
    await window.go("/m/#/pages/staff/sign-in")
    await window.page.get_by_label("登录名").fill(login)
    await window.page.get_by_label("密码", exact=True).fill(login)
    await window.page.get_by_role("button", name="登录", exact=True).click()
    await window.page.get_by_test_id("store").wait_for()


async def key_in(window: Window, amount: str) -> None:
    """Press an amount on the clerk's keypad."""
    for sign in amount:
        await window.page.get_by_role("button", name="小数点" if sign == "." else sign, exact=True).click()


async def look_up(window: Window, code: str) -> None:
    """Type a code instead of scanning it."""
    await window.page.get_by_role("button", name="输入券码").click()
    await window.page.get_by_label("券码", exact=True).fill(code)
    await window.page.get_by_role("button", name="查看", exact=True).click()


async def accept(window: Window) -> None:
    """Redeem what is on the clerk's screen, and see that it was."""
    await window.page.get_by_role("button", name="核销", exact=True).click()
    await expect(window.page.get_by_test_id("answer-good")).to_be_visible()
