"""The phone pages by keyboard alone: Tab and Enter, no finger and no mouse, and the focus is always to be seen."""

from uuid import UUID

from playwright.async_api import Locator, expect

from tests.browser import people
from tests.browser.conftest import Opener, Stack
from tests.browser.rooms import Window

# More presses than that to the next thing that is needed is no way.
MOST_STOPS = 60
# What has the focus: by its name, how it is marked, and whether any of it can be seen.
FOCUSED = """() => {
  const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect()
  const seenAt = (x, y) => {
    const top = document.elementFromPoint(box.left + box.width * x, box.top + box.height * y)
    return top !== null && (one.contains(top) || top.contains(one) && top !== document.body)
  }
  return {
    name: (one.getAttribute('aria-label') || one.innerText || one.id || one.tagName).slice(0, 40),
    isControl: one !== document.body,
    isMarked: one.matches(':focus-visible') && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    isSeen: [[0.5, 0.5], [0.1, 0.2], [0.9, 0.2], [0.1, 0.8], [0.9, 0.8]].some(([x, y]) => seenAt(x, y)),
  }
}"""


async def tab_to(window: Window, target: Locator) -> None:
    """Press Tab until it has the focus; each stop on the way is marked and not hidden."""
    await target.wait_for()
    stops: list[str] = []
    for _ in range(MOST_STOPS):
        await window.page.keyboard.press("Tab")
        found = await window.page.evaluate(FOCUSED)
        if not found["isControl"]:  # past the last one, on the way to the first
            continue
        stops.append(found["name"])
        assert found["isMarked"], f"the focus can't be seen on {stops[-1]!r}"
        assert found["isSeen"], f"{stops[-1]!r} has the focus behind something else"
        if await target.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"not reached by Tab: {stops}")


async def enter(window: Window, target: Locator) -> None:
    """Go to something by Tab and press Enter on it."""
    await tab_to(window, target)
    await window.page.keyboard.press("Enter")


async def write(window: Window, label: str, text: str, *, then: str = "") -> None:
    """Go to a field by Tab and type into it; `then` is the last key."""
    await tab_to(window, window.page.get_by_label(label, exact=True))
    await window.page.keyboard.type(text)
    if then:
        await window.page.keyboard.press(then)


async def test_a_citizen_signs_in_agrees_claims_and_opens_the_code(phone: Opener, stack: Stack) -> None:
    window, who = await phone(has_touch=False), people.somebody()
    button = window.page.get_by_role
    await window.go("/m/#/pages/sign-in/index")
    await enter(window, button("button", name="用别的演示登录码"))
    await write(window, "演示登录码", who, then="Enter")
    await enter(window, button("button", name="同意", exact=True))
    await expect(button("heading", name="信用惠民")).to_be_visible()
    await write(window, "搜索优惠", people.UNLIMITED, then="Enter")
    offers = window.page.get_by_test_id("offers")
    await expect(offers.get_by_role("button")).to_have_count(1)
    await enter(window, offers.get_by_role("button", name=people.UNLIMITED))
    await enter(window, window.page.get_by_test_id("claim").get_by_role("button", name="领取"))
    await expect(people.code_picture(window)).to_be_visible()
    await window.picture("keyboard-code")
    # Back to the start, and to the code once more through the wallet.
    back = button("button", name="返回", exact=False)
    await enter(window, back)
    await expect(button("heading", name="优惠详情")).to_be_visible()
    await enter(window, back)
    await enter(window, window.page.get_by_role("navigation").get_by_role("button", name="我的券"))
    await enter(window, button("button", name=f"出示券码：{people.UNLIMITED}"))
    await expect(people.code_picture(window)).to_be_visible()
    assert [
        coupon["status"] for coupon in await people.items((await stack.citizen(who)).http, "/me/coupons")
    ] == ["claimed"]


async def test_a_clerk_signs_in_types_a_code_and_redeems(phone: Opener, stack: Stack) -> None:
    citizen = await stack.citizen()
    first, second = (await citizen.coupon())["id"], (await citizen.coupon())["id"]
    window = await phone(has_touch=False)
    button = window.page.get_by_role
    await window.go("/m/#/pages/staff/sign-in")
    await write(window, "登录名", "demo-cashier")
    await write(window, "密码", "demo-cashier", then="Enter")
    await expect(window.page.get_by_test_id("store")).to_be_visible()
    await type_code(window, await citizen.code(first))
    for key in "88":
        await enter(window, button("button", name=key, exact=True))
    await expect(window.page.get_by_test_id("preview-payable")).to_have_text("¥70.40")
    await enter(window, button("button", name="核销", exact=True))
    good = window.page.get_by_test_id("answer-good")
    await expect(good).to_be_visible()
    await window.picture("keyboard-redeemed")
    await enter(window, good.get_by_role("button", name="下一位"))

    # The next one quicker: where no field is open, digits are the amount and Enter is the press.
    await type_code(window, await citizen.code(second))
    await window.page.keyboard.type("50")
    await expect(window.page.get_by_test_id("preview-payable")).to_have_text("¥40")
    await window.page.keyboard.press("Enter")
    await expect(good).to_be_visible()
    rows = await stack.fetch(
        "SELECT order_amount_fen FROM redemptions WHERE coupon_id = ANY ($1) ORDER BY redeemed_at",
        [UUID(first), UUID(second)],
    )
    assert [row["order_amount_fen"] for row in rows] == [8_800, 5_000]


async def type_code(window: Window, code: str) -> None:
    """Open the field for a code, and look one up."""
    await enter(window, window.page.get_by_role("button", name="输入券码"))
    await write(window, "券码", code, then="Enter")
    await expect(window.page.get_by_test_id("decide")).to_be_visible()
