"""What a clerk sees when a code is not accepted: red, in words, and with the way on; nothing is booked."""

import base64
import hmac
import time
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from tests.browser import people
from tests.browser.conftest import Opener, Stack
from tests.service import CitizenClient

Maker = Callable[[Stack], Awaitable[str]]


async def malformed(_: Stack) -> str:
    return "R1" + "A" * 40


async def forged(stack: Stack) -> str:
    code = await fresh(stack)
    # A sign in the middle of the MAC; the last one holds bits that no byte needs.
    return code[:40] + ("A" if code[40] != "A" else "B") + code[41:]


async def expired(stack: Stack) -> str:
    citizen = await stack.citizen()
    coupon = await citizen.coupon()
    shown = (await citizen.http.get(f"/coupons/{coupon['id']}/code?renewal=client")).json()
    key = base64.urlsafe_b64decode(shown["renewal_key"] + "==")
    return of_step(shown["code"], key, int(time.time()) // 15 - 8)


def of_step(code: str, key: bytes, step: int) -> str:
    """The same coupon's code of another step, by the published form of a code."""
    head = base64.b32decode(code[2:])[:10] + step.to_bytes(4)
    return "R1" + base64.b32encode(head + hmac.digest(key, b"R1" + head, "sha256")[:16]).decode()


async def used(stack: Stack) -> str:
    citizen, clerk = await stack.citizen(), await stack.clerk()
    code = await citizen.code((await citizen.coupon())["id"])
    assert (await clerk.redeem(code)).status_code == 201
    return code


async def revoked(stack: Stack) -> str:
    citizen = await stack.citizen()
    coupon = await citizen.coupon()
    code = await citizen.code(coupon["id"])
    await stack.revoke_coupon(coupon["id"])
    return code


async def own(stack: Stack) -> str:
    return await fresh(stack, "demo-cashier-self")


async def fresh(stack: Stack, who: str | None = None) -> str:
    """A good code of a coupon of somebody."""
    citizen: CitizenClient = await stack.citizen(who)
    return await citizen.code((await citizen.coupon())["id"])


@pytest.mark.parametrize(
    ("make", "login", "title"),
    [
        (malformed, "demo-cashier", "不是我们的券码"),
        (forged, "demo-cashier", "券码无效"),
        (expired, "demo-cashier", "券码过期"),
        (used, "demo-cashier", "这张券已经用过"),
        (revoked, "demo-cashier", "优惠券已作废"),
        (own, "demo-cashier", "不能核销自己的券"),
        (fresh, "demo-other", "这家店不能用"),
    ],
    ids=("malformed", "forged", "expired", "used", "revoked", "own", "other-store"),
)
async def test_refusal_has_its_screen(
    phone: Opener, stack: Stack, request: pytest.FixtureRequest, make: Maker, login: str, title: str
) -> None:
    code = await make(stack)
    window = await phone()
    await people.sign_in_clerk(window, login)
    await people.look_up(window, code)
    answer = window.page.get_by_test_id("answer-bad")
    decide = window.page.get_by_test_id("decide")
    await expect(answer.or_(decide)).to_be_visible()
    if await decide.is_visible():  # some are known only with an amount
        await people.key_in(window, "100")
        await window.page.get_by_role("button", name="核销", exact=True).click()
    await expect(answer).to_contain_text(title)
    await expect(window.page.get_by_test_id("sentence")).to_contain_text("。")
    await window.accept_no_barriers()
    await window.picture(f"refused-{request.node.callspec.id}")
    await expect(
        window.page.get_by_role("button", name="下一位")
        .or_(window.page.get_by_role("button", name="再扫一次"))
        .first
    ).to_be_visible()
