"""Every screen of the phone pages: nothing overflows, nothing bars anybody, in Chinese, in large type, in English."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import pytest
from playwright.async_api import expect

from tests.browser import people
from tests.browser.conftest import Opener, Stack
from tests.browser.rooms import PHONE, Window

MODES = ("plain", "elder", "english")
# A page of the source for each; what stands in braces is of the person below.
CITIZEN = {
    "home": "home/index",
    "offer": "offers/one?id={offer}",
    "coupons": "coupons/index",
    "coupon-code": "coupons/code?id={coupon}",
    "coupon": "coupons/one?id={used}",
    "me": "me/index",
    "credit": "credit/index",
    "credit-lookups": "credit/lookups",
    "consents": "consents/index",
    "consent": "consents/one?purpose=credit_check",
    "savings": "savings/index",
    "notices": "notices/index",
    "notice": "notices/one?id={notice}",
    "complaints": "complaints/index",
    "complaint-new": "complaints/new?coupon={used}",
    "complaint": "complaints/one?id={complaint}",
    "objections": "objections/index",
    "objection-new": "objections/new",
    "objection": "objections/one?id={objection}",
    "declarations": "declarations/index",
    "access": "access/index",
    "data": "data/index",
    "erase": "data/erase",
    "account": "account/index",
    "family": "family/index",
    "child": "family/child",
    "helpers": "family/helpers",
    "settings": "settings/index",
    "privacy": "privacy/index",
    "register": "register/index",
}
STAFF = {
    "staff-scan": "staff/scan",
    "staff-today": "staff/today",
    "staff-redemption": "staff/redemption?id={redemption}",
    "staff-day-close": "staff/day-close",
    "staff-account": "staff/account",
    "staff-link": "staff/link",
}


@pytest.fixture(scope="module")
async def person(stack: Stack) -> AsyncIterator[dict[str, str]]:
    """Somebody of whom every screen has something to show: his code and the ids of what is his."""
    code = people.somebody()
    citizen, clerk = await stack.citizen(code), await stack.clerk()
    used, coupon = await citizen.coupon(), await citizen.coupon()
    redemption = (await clerk.redeem(await citizen.code(used["id"]))).json()
    about = {"kind": "refused", "redemption_id": redemption["id"], "text": "店员说要另外收费。"}
    complaint = await people.send(citizen.http, "/me/complaints", about)
    await citizen.http.get("/me/credit")
    about = {"kind": "objection", "about": "tier", "region": "330100", "text": "等级和实际情况不一样。"}
    objection = await people.send(citizen.http, "/me/objections", about)
    await stack.revoke_coupon((await citizen.coupon())["id"])
    notices = await first(lambda: people.items(citizen.http, "/me/notices"))
    yield {
        "code": code,
        **{"offer": coupon["offer"]["id"], "used": used["id"], "coupon": coupon["id"]},
        **{"redemption": redemption["id"]},
        **{"complaint": complaint["id"], "objection": objection["id"], "notice": notices[0]["id"]},
    }


async def first(ask: Callable[[], Awaitable[list[dict[str, str]]]]) -> list[dict[str, str]]:
    """What the worker brings when it comes round."""
    async with asyncio.timeout(20):
        while not (found := await ask()):
            await asyncio.sleep(0.2)
    return found


@pytest.mark.parametrize("mode", MODES)
async def test_citizens_screens(phone: Opener, person: dict[str, str], mode: str) -> None:
    window = await phone()
    await people.sign_in(window, person["code"], agrees=None)
    await choose(window, "/m/#/pages/settings/index", mode)
    await accept_all(window, CITIZEN, person, mode)


@pytest.mark.parametrize("mode", MODES)
async def test_clerks_screens(phone: Opener, person: dict[str, str], mode: str) -> None:
    window = await phone()
    await people.sign_in_clerk(window)
    await choose(window, "/m/#/pages/settings/index", mode)
    await accept_all(window, STAFF, person, mode)


async def choose(window: Window, settings: str, mode: str) -> None:
    """Set large type or English where people set it."""
    await window.go(settings)
    if mode == "elder":
        await window.page.get_by_role("button", name="长辈模式").click()
        await expect(window.page.locator(".xy-elder")).to_be_visible()
    if mode == "english":
        await window.page.get_by_role("button", name="English").click()
        await expect(window.page.get_by_role("heading", level=1)).to_have_text("Settings")


async def accept_all(
    window: Window, screens: Mapping[str, str], person: Mapping[str, str], mode: str
) -> None:
    """Look at each screen as it stands when all is read; all that is wrong is told together."""
    wrong: list[str] = []
    for name, path in screens.items():
        await window.page.goto("about:blank")
        await window.go("/m/#/pages/" + path.format_map(person))
        try:
            await settled(window)
            await window.accept_no_overflow()
            if mode == "elder":
                await accept_large(window)
            if mode == "english":
                assert not await people.chinese_in(window, "h1, nav"), "Chinese in the title or the bar"
                await accept_narrow(window)
            else:
                await window.accept_no_barriers()
        except AssertionError as problem:
            wrong.append(f"{name} ({mode}): {problem}")
        if mode != "english":
            await window.picture(name if mode == "plain" else f"{name}-{mode}")
    assert not wrong, "\n\n".join(wrong)


async def settled(window: Window) -> None:
    """The screen is read: it has its title, and says neither that it loads nor that it failed."""
    await window.page.get_by_role("heading", level=1).wait_for()
    await expect(window.page.get_by_text("正在读取…").or_(window.page.get_by_text("Loading…"))).to_have_count(
        0
    )
    await expect(window.page.locator(".xy-state[role=alert]")).to_have_count(0)


async def accept_narrow(window: Window) -> None:
    """At 320 px, or enlarged four times on a desk, nothing has to be scrolled sideways (WCAG 1.4.10)."""
    await window.page.set_viewport_size({**PHONE, "width": 320})
    await window.accept_no_overflow()
    await window.page.set_viewport_size(PHONE)


async def accept_large(window: Window) -> None:
    """Nothing that is read has less than 24 px."""
    sizes = await window.page.evaluate(
        """() => [...document.querySelectorAll('main *')]
          .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()))
          .map((one) => parseFloat(getComputedStyle(one).fontSize))"""
    )
    assert sizes, "an empty screen"
    assert min(sizes) >= 24, f"type of {min(sizes)} px"


# Where a control is, and whether a finger comes to it at its middle and near its corners.
REACHED = """controls => controls.map((one) => {
  const box = one.getBoundingClientRect()
  const at = [[0.5, 0.5], [0.1, 0.1], [0.9, 0.1], [0.1, 0.9], [0.9, 0.9]]
  const isFree = at.every(([x, y]) =>
    one.contains(document.elementFromPoint(box.left + box.width * x, box.top + box.height * y)))
  const isInside = box.top >= 0 && box.left >= 0 && box.bottom <= innerHeight && box.right <= innerWidth
  return { name: one.innerText, height: box.height, width: box.width, isReached: isFree && isInside && scrollY === 0 }
})"""


async def test_all_that_a_clerk_presses_is_in_sight_on_a_small_phone(phone: Opener, stack: Stack) -> None:
    citizen = await stack.citizen()
    coupon, window = (await citizen.coupon())["id"], await phone()
    await people.sign_in_clerk(window)
    for mode in ("plain", "elder"):
        await window.page.set_viewport_size({"width": 360, "height": 640})
        await choose(window, "/m/#/pages/settings/index", mode)
        await window.go("/m/#/pages/staff/scan")
        await people.look_up(window, await citizen.code(coupon))
        await people.key_in(window, "128.5")
        await expect(window.page.get_by_test_id("preview-payable")).to_have_text("¥102.80")
        reached = await window.page.get_by_test_id("decide").get_by_role("button").evaluate_all(REACHED)
        assert len(reached) == 14, "twelve keys, yes and no"
        assert not [one for one in reached if not one["isReached"]], f"{mode}: {reached}"
        assert min(one[side] for one in reached for side in ("height", "width")) >= 44, reached
        await window.accept_no_overflow()
        await window.accept_no_barriers()
        await window.picture(f"clerk-decide-small-{mode}")
        # Where the browser's own bars take of the height, the keys may be below, but never what decides.
        await window.page.set_viewport_size({"width": 360, "height": 480})
        yes_and_no = window.page.get_by_role("button", name="核销")
        assert [one["isReached"] for one in await yes_and_no.evaluate_all(REACHED)] == [True, True]
        await window.page.get_by_role("button", name="不核销").click()


async def test_missing_pages_are_none(person: dict[str, str]) -> None:
    """Each page of the source is on one of the lists, or is looked at by a test of its own."""
    listed = {path.partition("?")[0] for path in (*CITIZEN.values(), *STAFF.values())}
    elsewhere = {"sign-in/index", "staff/sign-in", "declarations/one"}
    assert listed | elsewhere == {page.removeprefix("pages/") for page in people.pages()}
