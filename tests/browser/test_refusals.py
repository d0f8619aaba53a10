"""What a clerk sees when a code is not accepted: red, in words, and with the way on; nothing is booked.

Every answer is the running service's own. The last test compares what is shown here with what the service says it can
answer: a new code fails it until it has its screen.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Browser, Locator, expect

from sandbox.demo_data.rows import demo_id
from tests.api.offers import TERMS_COLUMNS, end_coupon, make_offer, make_staff, shanghai_today
from tests.api.phone import parts, renewed, step_now
from tests.browser import people
from tests.browser.answers import Shown, codes_of, heard, spoilt
from tests.browser.conftest import Opener, Stack
from tests.browser.rooms import PHONE, Window
from tests.service import CitizenClient

CASHIER, OTHER = "demo-cashier", "demo-other"
RESCAN, AMEND, NEXT = "再扫一次", "改一改再试", "下一位"
SHOWN = Shown()


@dataclass
class Desks:
    """A clerk's phone for each login: signed in once, used by one customer after another."""

    browser: Browser
    stack: Stack
    windows: dict[str, Window] = field(default_factory=dict)

    async def at(self, login: str = CASHIER) -> Window:
        """The phone of this login, ready for the next customer."""
        if login not in self.windows:
            window = self.windows[login] = await Window.open(
                self.browser, self.stack.url, PHONE, has_touch=True
            )
            await people.sign_in_clerk(window, login)
        window = self.windows[login]
        if not await window.page.get_by_role("button", name="输入券码").is_visible():
            await window.page.goto("about:blank")  # the last customer's test failed on its way
            await window.go("/m/#/pages/staff/scan")
        return window


@pytest.fixture(scope="module")
async def desks(browser: Browser, stack: Stack) -> AsyncIterator[Desks]:
    desks = Desks(browser, stack)
    yield desks
    # Nobody else's list begins with what was made here.
    await stack.fetch(
        "UPDATE offers o SET status = 'ended' FROM offer_terms t"
        " WHERE t.id = o.terms_id AND t.title = $1 AND o.status = 'published'",
        TERMS_COLUMNS["title"],
    )
    for window in desks.windows.values():
        await window.close()


async def a_pass(stack: Stack, **changes: object) -> tuple[CitizenClient, str]:
    """Somebody with a coupon of an offer of its own: its id. By default three uses that need no amount."""
    offer = await make_offer(stack, **{"discount_kind": "free", "gift": "门票", "uses_total": 3, **changes})  # type: ignore[arg-type]
    citizen = await stack.citizen()
    return citizen, str((await people.send(citizen.http, f"/offers/{offer}/coupons", {}))["id"])


async def shown(stack: Stack, **changes: object) -> str:
    """The code of such a coupon."""
    citizen, coupon = await a_pass(stack, **changes)
    return await citizen.code(coupon)


async def malformed(_: Stack) -> str:
    return "R1" + "A" * 40


async def forged(stack: Stack) -> str:
    code = await fresh(stack)
    # A sign in the middle of the MAC; the last one holds bits that no byte needs.
    return code[:40] + ("A" if code[40] != "A" else "B") + code[41:]


async def of_an_old_phone(stack: Stack) -> str:
    """A good code until another phone of the same person asked for the key."""
    who = people.somebody()
    first, second = await stack.citizen(who), await stack.citizen(who)
    path = f"/coupons/{(await first.coupon())['id']}/code?renewal=client"
    code = (await first.http.get(path)).json()["code"]
    assert (await second.http.get(path)).status_code == 200
    return str(code)


async def of_another_moment(stack: Stack, steps: int) -> str:
    citizen = await stack.citizen()
    coupon = await citizen.coupon()
    made = (await citizen.http.get(f"/coupons/{coupon['id']}/code?renewal=client")).json()
    assert abs(parts(made["code"])[3] - step_now()) <= 1
    return renewed(made["renewal_key"], made["code"], step_now() + steps)


async def expired(stack: Stack) -> str:
    return await of_another_moment(stack, -8)


async def too_early(stack: Stack) -> str:
    return await of_another_moment(stack, 8)


async def code_used(stack: Stack) -> str:
    """Of a pass that has uses left: this very code was used."""
    code = await shown(stack)
    assert (await (await stack.clerk()).redeem(code)).status_code == 201
    return code


async def used(stack: Stack) -> str:
    citizen, clerk = await stack.citizen(), await stack.clerk()
    code = await citizen.code((await citizen.coupon())["id"])
    assert (await clerk.redeem(code)).status_code == 201
    return code


async def coupon_expired(stack: Stack) -> str:
    citizen, coupon = await a_pass(stack)
    code = await citizen.code(coupon)
    await end_coupon(stack, coupon)
    return code


async def revoked(stack: Stack) -> str:
    citizen = await stack.citizen()
    coupon = await citizen.coupon()
    code = await citizen.code(coupon["id"])
    await stack.revoke_coupon(coupon["id"])
    return code


async def given_back(stack: Stack) -> str:
    citizen, coupon = await a_pass(stack)
    code = await citizen.code(coupon)
    assert (await citizen.http.delete(f"/coupons/{coupon}")).status_code == 204
    return code


async def not_yet_valid(stack: Stack) -> str:
    return await shown(stack, wait_days=2)


async def outside_hours(stack: Stack) -> str:
    today = shanghai_today()
    return await shown(stack, blackout_dates=[today, today + timedelta(days=1)])


async def daily_use(stack: Stack) -> str:
    citizen, coupon = await a_pass(stack, daily_use_cap=1)
    assert (await (await stack.clerk()).redeem(await citizen.code(coupon))).status_code == 201
    return await citizen.code(coupon)


async def own(stack: Stack) -> str:
    return await fresh(stack, "demo-cashier-self")


async def fresh(stack: Stack, who: str | None = None) -> str:
    """A good code of a coupon of somebody."""
    citizen: CitizenClient = await stack.citizen(who)
    return await citizen.code((await citizen.coupon())["id"])


@dataclass(frozen=True)
class Refused:
    """A code, what the service says to it, what the screen is called, and the press that goes on from it."""

    make: Callable[[Stack], Awaitable[str]]
    code: str
    title: str
    way: str = NEXT
    login: str = CASHIER


AT_THE_LOOK = {
    "malformed": Refused(malformed, "code_malformed", "不是我们的券码", RESCAN),
    "forged": Refused(forged, "code_forged", "券码无效", RESCAN),
    "old-phone": Refused(of_an_old_phone, "code_forged", "券码无效", RESCAN),
    "expired": Refused(expired, "code_expired", "券码不在有效时间", RESCAN),
    "too-early": Refused(too_early, "code_expired", "券码不在有效时间", RESCAN),
    "code-used": Refused(code_used, "code_used", "这个码刚才用过", RESCAN),
    "used": Refused(used, "already_redeemed", "这张券已经用过"),
    "coupon-expired": Refused(coupon_expired, "coupon_expired", "优惠券已到期"),
    "revoked": Refused(revoked, "coupon_revoked", "优惠券已作废"),
    "given-back": Refused(given_back, "coupon_revoked", "优惠券已作废"),
    "not-yet-valid": Refused(not_yet_valid, "coupon_not_yet_valid", "还没到可用日期"),
    "outside-hours": Refused(outside_hours, "outside_hours", "现在不是可用时间"),
    "daily-use": Refused(daily_use, "daily_use_reached", "今天的次数用完了"),
    "own": Refused(own, "own_coupon", "不能核销自己的券"),
    "other-store": Refused(fresh, "store_not_allowed", "这家店不能用", login=OTHER),
}


@SHOWN.by(*(case.code for case in AT_THE_LOOK.values()))
@pytest.mark.parametrize("name", AT_THE_LOOK)
async def test_refusal_has_its_screen(desks: Desks, stack: Stack, name: str) -> None:
    case = AT_THE_LOOK[name]
    window = await desks.at(case.login)
    code = await case.make(stack)
    before = await books(stack)
    async with heard(window.page, "/redemptions") as answers:
        await people.look_up(window, code)
        await expect(said(window)).to_be_visible()
    assert [answer["code"] for answer in answers] == [case.code]
    await accept_screen(window, answers[0], case.title, case.way, name)
    assert await books(stack) == before


@SHOWN.by("own_coupon")
async def test_a_clerk_says_who_he_is_and_then_redeems_nothing_of_his_own(
    phone: Opener, stack: Stack
) -> None:
    """The code from the clerk's account goes into his own citizen pages; his colleague still redeems the coupon."""
    login, who = await make_staff(stack), people.somebody()
    clerk = await phone()
    await people.sign_in_clerk(clerk, login)
    await clerk.go("/m/#/pages/staff/account")
    await clerk.page.get_by_role("button", name="店员本人确认").click()
    await clerk.page.get_by_role("button", name="取确认码").click()
    code = await clerk.page.get_by_test_id("binding-code").inner_text()

    own = await phone()
    await people.sign_in(own, who)
    await own.go("/m/#/pages/account/index")
    part = own.page.get_by_test_id("bind-staff")
    await part.get_by_role("button", name="我是店员：填确认码").click()
    await part.get_by_label("确认码").fill("x" + code[1:])
    async with heard(own.page, "/me/staff-binding") as answers:
        await part.get_by_role("button", name="确认是我").click()
        await expect(part.get_by_role("alert")).to_be_visible()
    assert answers[0]["code"] == "binding_code_invalid"
    await expect(part.get_by_role("alert")).to_have_text(answers[0]["detail"])
    await own.accept_no_barriers()
    await own.picture("citizen-bind-staff")
    await part.get_by_label("确认码").fill(code)
    await part.get_by_role("button", name="确认是我").click()
    await expect(part.get_by_role("status")).to_contain_text("已确认")
    await expect(part.get_by_label("确认码")).to_have_count(0)

    citizen = await stack.citizen(who)
    coupon = (await citizen.coupon())["id"]
    await clerk.go("/m/#/pages/staff/scan")
    await people.look_up(clerk, await citizen.code(coupon))
    await expect(said(clerk).get_by_role("heading")).to_have_text("不能核销自己的券")
    assert (await (await stack.clerk()).redeem(await citizen.code(coupon))).status_code == 201


@SHOWN.by("amount_required")
async def test_an_amount_that_is_needed_is_asked_for(desks: Desks, stack: Stack) -> None:
    """No screen of its own: the clerk is where he has to enter it."""
    window = await desks.at()
    code, before = await fresh(stack), await books(stack)
    async with heard(window.page, "/redemptions") as answers:
        await people.look_up(window, code)
        await expect(window.page.get_by_test_id("decide")).to_contain_text("请输入订单金额")
    assert [answer["code"] for answer in answers] == ["amount_required"]
    await expect(redeem_button(window)).to_be_disabled()
    await window.accept_no_barriers()
    await window.picture("clerk-amount-required")
    # No amount can be keyed in that the service would not take as one.
    await people.key_in(window, "99999999")
    await expect(window.page.get_by_test_id("amount")).to_have_text("¥9999999")
    await expect(redeem_button(window)).to_be_enabled()
    await window.page.get_by_role("button", name="不核销").click()
    assert await books(stack) == before


@SHOWN.by("below_threshold")
async def test_an_order_below_the_threshold_is_said_beside_the_amount(desks: Desks, stack: Stack) -> None:
    window = await desks.at()
    terms = {"discount_kind": "threshold_off", "gift": None, "threshold_fen": 10_000, "amount_off_fen": 2_000}
    citizen, coupon = await a_pass(stack, uses_total=1, **terms)
    before = await books(stack)
    await people.look_up(window, await citizen.code(coupon))
    async with heard(window.page, "/redemptions") as answers:
        await people.key_in(window, "60")
        await expect(window.page.get_by_test_id("decide")).to_contain_text("还差 40.00 元")
    assert answers[-1]["code"] == "below_threshold"
    await expect(redeem_button(window)).to_be_disabled()
    await window.accept_no_barriers()
    await window.picture("clerk-below-threshold")
    assert await books(stack) == before
    # More on the bill, and it goes.
    await people.key_in(window, "0")
    await people.accept(window)
    await window.page.get_by_role("button", name=NEXT).click()
    # The citizen has nothing to complain about: no scan of his was refused while the amount was keyed.
    assert await people.items(citizen.http, f"/me/coupons/{coupon}/refusals") == []


async def test_what_happens_between_look_and_press_is_said_at_the_press(desks: Desks, stack: Stack) -> None:
    """Used at another store, given back, or fewer uses left: the press is refused, red, and not booked."""
    window, another = await desks.at(), await stack.clerk("demo-cashier-2")
    citizen, coupon = await a_pass(stack, uses_total=1)
    code = await citizen.code(coupon)
    await people.look_up(window, code)
    await expect(redeem_button(window)).to_be_enabled()
    assert (await another.redeem(await the_next(citizen, coupon, code))).status_code == 201
    await refused_at_the_press(window, stack, "already_redeemed", "这张券已经用过", NEXT, "race-used")

    citizen, coupon = await a_pass(stack)
    await people.look_up(window, await citizen.code(coupon))
    await expect(redeem_button(window)).to_be_enabled()
    assert (await citizen.http.delete(f"/coupons/{coupon}")).status_code == 204
    await refused_at_the_press(window, stack, "coupon_revoked", "优惠券已作废", NEXT, "race-given-back")


@SHOWN.by("not_enough_uses")
async def test_fewer_uses_left_than_asked_for_can_be_mended(desks: Desks, stack: Stack) -> None:
    window, another = await desks.at(), await stack.clerk("demo-cashier-2")
    citizen, coupon = await a_pass(stack)
    code = await citizen.code(coupon)
    await people.look_up(window, code)
    for _ in range(2):
        await window.page.get_by_role("button", name="多一次").click()
    await expect(redeem_button(window)).to_be_enabled()
    assert (await another.redeem(await the_next(citizen, coupon, code))).status_code == 201
    await refused_at_the_press(
        window, stack, "not_enough_uses", "剩余次数不够", AMEND, "race-not-enough-uses", on=AMEND
    )
    await window.page.get_by_role("button", name="少一次").click()
    await people.accept(window)
    assert await uses_done(stack, coupon) == 3
    await window.page.get_by_role("button", name=NEXT).click()


@SHOWN.by("idempotency_key_reused")
async def test_a_key_of_another_wish_is_refused_and_booked_nowhere(desks: Desks, stack: Stack) -> None:
    """A phone that kept the key of one redemption with the body of another: said, and nobody's coupon is used."""
    window = await desks.at()
    citizen, coupon = await a_pass(stack)
    clerk, key = await stack.clerk(), f"key-{coupon}"
    assert (await clerk.redeem(await citizen.code(coupon), key)).status_code == 201
    body = {
        "code": await citizen.code(coupon),
        "store_id": clerk.store_id,
        "uses": 1,
        "order_amount_fen": None,
    }
    wish = {
        "by": clerk.signed_in["staff"]["id"],
        **{"key": key, "body": body, "title": "门票", "discountText": "", "sentAt": 0},
    }
    kept = json.dumps({"type": "object", "data": wish})
    await window.page.evaluate("kept => localStorage.setItem('xinyi.desk.pending', kept)", kept)
    await window.page.reload()
    before = await books(stack)
    async with heard(window.page, "/redemptions") as answers:
        await window.page.get_by_test_id("pending").get_by_role("button", name="再按一次").click()
        await expect(said(window)).to_be_visible()
    assert [answer["code"] for answer in answers] == ["idempotency_key_reused"]
    await accept_screen(window, answers[0], "不能核销", NEXT, "key-reused")
    assert await books(stack) == before


@SHOWN.by("busy")
async def test_a_busy_service_asks_for_the_press_again(desks: Desks, stack: Stack) -> None:
    """Not red: it is open what became of it, so the same wish is pressed again, and booked once."""
    window = await desks.at()
    citizen, coupon = await a_pass(stack)
    await people.look_up(window, await citizen.code(coupon))
    await expect(redeem_button(window)).to_be_enabled()
    before = await books(stack)
    async with spoilt(stack, "redemptions", f"NEW.coupon_id = '{UUID(coupon)}'"):
        async with heard(window.page, "/redemptions") as answers:
            await redeem_button(window).click()
            await expect(window.page.get_by_test_id("answer-unsure")).to_contain_text("系统正忙")
        assert [answer["code"] for answer in answers] == ["busy"]
        await expect(window.page.get_by_test_id("sentence")).to_contain_text(answers[0]["detail"])
        await window.accept_no_barriers()
        await window.picture("clerk-busy")
        assert await books(stack) == before
    await window.page.get_by_role("button", name="再按一次").click()
    await expect(window.page.get_by_test_id("answer-good")).to_be_visible()
    assert await uses_done(stack, coupon) == 1
    await window.page.get_by_role("button", name=NEXT).click()


@SHOWN.by("unauthenticated")
async def test_a_clerk_who_was_let_go_is_signed_out(phone: Opener, stack: Stack) -> None:
    login = await make_staff(stack)
    window = await phone()
    await people.sign_in_clerk(window, login)
    citizen, coupon = await a_pass(stack)
    await people.look_up(window, await citizen.code(coupon))
    await expect(redeem_button(window)).to_be_enabled()
    owner, before = await stack.clerk("demo-owner"), await books(stack)
    staff = await stack.fetch("SELECT id FROM staff WHERE login = $1", login)
    gone = await owner.http.post(f"/member/staff/{staff[0]['id']}/revocation")
    assert gone.status_code == 204, gone.text
    async with heard(window.page, "/redemptions") as answers:
        await redeem_button(window).click()
        await expect(window.page.get_by_role("heading", name="店员登录")).to_be_visible()
    assert {answer["code"] for answer in answers} == {"unauthenticated"}
    await expect(window.page.get_by_text("登录已经结束")).to_be_visible()
    await window.accept_no_barriers()
    await window.picture("clerk-let-go")
    assert await books(stack) == before


async def test_what_was_claimed_is_taken_also_of_a_stopped_offer(desks: Desks, stack: Stack) -> None:
    """Rule 13: neither an offer that was stopped nor a member that was suspended is a refusal at the counter."""
    window = await desks.at()
    citizen, coupon = await a_pass(stack, uses_total=1)
    await stack.fetch(
        "UPDATE offers SET status = 'ended' WHERE id = (SELECT offer_id FROM coupons WHERE id = $1)",
        UUID(coupon),
    )
    member = demo_id("member", "hz-hupan")
    await stack.fetch("UPDATE members SET status = 'suspended' WHERE id = $1", member)
    try:
        await people.look_up(window, await citizen.code(coupon))
        await people.accept(window)
    finally:
        await stack.fetch("UPDATE members SET status = 'active' WHERE id = $1", member)
    assert await uses_done(stack, coupon) == 1
    await window.page.get_by_role("button", name=NEXT).click()


async def test_every_refusal_that_the_service_can_answer_has_its_screen(stack: Stack) -> None:
    assert await codes_of(stack, "/redemptions", "/redemptions/preview") == SHOWN


async def refused_at_the_press(
    window: Window, stack: Stack, code: str, title: str, way: str, name: str, *, on: str = NEXT
) -> None:
    before = await books(stack)
    async with heard(window.page, "/redemptions") as answers:
        await redeem_button(window).click()
        await expect(said(window)).to_be_visible()
    assert [answer["code"] for answer in answers] == [code]
    await accept_screen(window, answers[0], title, way, name, on=on)
    assert await books(stack) == before


async def accept_screen(
    window: Window, answer: dict[str, Any], title: str, way: str, name: str, *, on: str = NEXT
) -> None:
    """Red, with its name, the service's own sentence, and the ways on; then one of them is pressed."""
    await expect(said(window).get_by_role("heading")).to_have_text(title)
    await expect(window.page.get_by_test_id("sentence")).to_have_text(answer["detail"])
    assert answer["detail"].endswith("。")
    buttons = said(window).get_by_role("button")
    await expect(buttons.first).to_have_text(way)
    await expect(buttons.last).to_have_text(NEXT)
    colour = await said(window).evaluate("one => getComputedStyle(one).backgroundColor")
    red, green, blue = (int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(", "))
    assert red > 2 * max(green, blue), colour
    await window.accept_no_barriers()
    await window.picture(f"refused-{name}")
    await said(window).get_by_role("button", name=on).click()


def said(window: Window) -> Locator:
    """The red screen."""
    return window.page.get_by_test_id("answer-bad")


def redeem_button(window: Window) -> Locator:
    return window.page.get_by_role("button", name="核销", exact=True)


async def the_next(citizen: CitizenClient, coupon: str, code: str) -> str:
    """The code of the step after `code`: good already, and another one than the clerk has on his screen."""
    made = (await citizen.http.get(f"/coupons/{coupon}/code?renewal=client")).json()
    return renewed(made["renewal_key"], code, parts(code)[3] + 1)


async def uses_done(stack: Stack, coupon: str) -> int:
    rows = await stack.fetch("SELECT uses_done FROM coupons WHERE id = $1", UUID(coupon))
    return int(rows[0]["uses_done"])


async def books(stack: Stack) -> tuple[int, int]:
    """How many redemptions there are, and uses taken of all coupons."""
    rows = await stack.fetch(
        "SELECT (SELECT count(*) FROM redemptions) AS n, (SELECT coalesce(sum(uses_done), 0) FROM coupons) AS uses"
    )
    return int(rows[0]["n"]), int(rows[0]["uses"])
