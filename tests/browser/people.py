"""What people do with the pages, in their words: sign in, claim, show the code, scan."""

import json
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Locator, expect

from tests.browser.rooms import Window
from tests.service import new_key

UNLIMITED = "压测 · 不限量"
_numbers = count(31_000)


def somebody() -> str:
    """The demo code of a natural person whom no other test knows; his tier is excellent."""
    return f"load-{next(_numbers)}"


async def sign_in(window: Window, code: str, *, agrees: bool | None = True) -> None:
    """Sign a citizen in by a demo code; he is asked once whether his tier may be looked up.

    Args:
        agrees: what he answers; None for somebody who was asked before.
    """
    await window.go("/m/#/pages/sign-in/index")
    await window.page.get_by_role("button", name="用别的演示登录码").click()
    await window.page.get_by_label("演示登录码").fill(code)
    await window.page.get_by_role("button", name="登录", exact=True).click()
    if agrees is not None:
        await window.page.get_by_role("button", name="同意" if agrees else "暂不同意", exact=True).click()
    await window.page.get_by_role("heading", name="信用惠民").wait_for()


async def claim(window: Window, title: str = UNLIMITED) -> None:
    """Find an offer by its name and claim it; ends on the screen that shows the code."""
    await find(window, title)
    await window.page.get_by_test_id("claim").get_by_role("button").click()
    await code_picture(window).wait_for()


async def find(window: Window, title: str) -> None:
    """Find an offer by its name; ends on its page."""
    await window.go("/m/#/pages/home/index")
    await window.page.get_by_label("搜索优惠").fill(title)
    await window.page.get_by_role("button", name="搜索", exact=True).click()
    await window.page.get_by_test_id("offers").get_by_role("button", name=title).click()


def code_picture(window: Window) -> Locator:
    """The picture of the code on a citizen's screen."""
    return window.page.get_by_role("img", name="券码")


async def drawn(window: Window) -> str:
    """What the picture of the code is drawn with: another code is another picture."""
    return str(await code_picture(window).locator("path").get_attribute("d"))


async def expect_another(window: Window, before: str, *, timeout: float = 5_000) -> None:
    """Wait until the picture is another one than it was before."""
    await expect(code_picture(window).locator("path")).not_to_have_attribute("d", before, timeout=timeout)


async def fold(window: Window) -> None:
    """Put the code's letters away; when they are asked for again they are those of that moment."""
    await window.page.get_by_role("button", name="收起文字券码").click()


async def code_text(window: Window) -> str:
    """The code's letters, without the blanks between them; they are unfolded and stay so."""
    if await (show := window.page.get_by_role("button", name="显示文字券码")).count():
        await show.click()
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


async def send(http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Make something by the API for a screen to show."""
    answer = await http.post(path, json=body, headers={"Idempotency-Key": new_key()})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def items(http: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    """The first page of a list."""
    return list((await http.get(path)).json()["items"])


def pages() -> list[str]:
    """The addresses of all phone pages that the source declares."""
    declared = Path(__file__).resolve().parents[2] / "clients" / "mobile" / "src" / "pages.json"
    return [page["path"] for page in json.loads(declared.read_text(encoding="utf-8"))["pages"]]


async def chinese_in(window: Window, selector: str) -> str:
    """The Chinese letters in some parts of the screen; the alliance's own name is no word of any language."""
    texts = await window.page.locator(selector).evaluate_all(
        """parts => parts.map(part => {
          const copy = part.cloneNode(true)
          copy.querySelectorAll('[aria-hidden=true]').forEach(picture => picture.remove())
          return copy.textContent
        })"""
    )
    return "".join(sign for sign in "".join(texts).replace("信惠联", "") if "\u4e00" <= sign <= "\u9fff")
