"""A cut network, a lost answer, a killed process: said at once, and nothing is booked twice."""

import os
import re
import signal

import psutil
from playwright.async_api import Route, expect

from tests.browser import people
from tests.browser.conftest import Opener, Stack, wait_until
from tests.browser.rooms import Window

REDEMPTIONS = "**/api/v1/redemptions"


async def at_the_press(phone: Opener, stack: Stack) -> tuple[Window, str]:
    """A clerk who has only to press "redeem", and the coupon that is before him."""
    citizen = await stack.citizen()
    coupon = await citizen.coupon()
    clerk = await phone()
    await people.sign_in_clerk(clerk)
    await people.look_up(clerk, await citizen.code(coupon["id"]))
    await people.key_in(clerk, "88")
    await expect(clerk.page.get_by_test_id("preview-payable")).to_have_text("¥70.40")
    return clerk, coupon["id"]


async def booked(stack: Stack, coupon_id: str) -> int:
    """How often the ledger has it."""
    rows = await stack.fetch("SELECT count(*) AS n FROM redemptions WHERE coupon_id = $1", coupon_id)
    return int(rows[0]["n"])


async def test_a_lost_answer_survives_a_reload_and_is_booked_once(phone: Opener, stack: Stack) -> None:
    clerk, coupon = await at_the_press(phone, stack)

    async def lose(route: Route) -> None:
        await route.fetch()  # it arrives and is booked; the answer is lost on the way back
        await route.abort()

    await clerk.page.route(REDEMPTIONS, lose)
    await clerk.page.get_by_role("button", name="核销", exact=True).click()
    await expect(clerk.page.get_by_test_id("answer-unsure")).to_be_visible()
    await clerk.accept_no_barriers()
    await clerk.picture("clerk-unsure")
    assert await booked(stack, coupon) == 1

    await clerk.page.reload()
    await expect(clerk.page.get_by_test_id("pending")).to_be_visible()
    await clerk.picture("clerk-pending")
    await clerk.page.unroute(REDEMPTIONS)
    await clerk.page.get_by_role("button", name="再按一次").click()
    await expect(clerk.page.get_by_test_id("answer-good")).to_be_visible()
    assert await booked(stack, coupon) == 1


async def test_an_open_wish_outlives_a_session_that_ends_by_itself(phone: Opener, stack: Stack) -> None:
    clerk, coupon = await at_the_press(phone, stack)
    await clerk.page.route(REDEMPTIONS, lambda route: route.abort())
    await clerk.page.get_by_role("button", name="核销", exact=True).click()
    await expect(clerk.page.get_by_test_id("answer-unsure")).to_be_visible()
    await clerk.page.unroute(REDEMPTIONS)
    over = {"type": "object", "data": {"access_token": "over", "refresh_token": "over"}}
    await clerk.page.evaluate("over => localStorage.setItem('xinyi.staff', JSON.stringify(over))", over)
    await clerk.page.reload()
    await clerk.page.get_by_role("button", name="再按一次").click()
    await expect(clerk.page.get_by_text("登录已经结束")).to_be_visible()

    # Another clerk finds nothing of it: a key is good for its own clerk alone.
    kept = await clerk.page.evaluate("localStorage.getItem('xinyi.desk.pending')")
    other = await phone()
    await other.go("/m/#/pages/staff/sign-in")
    await other.page.evaluate("kept => localStorage.setItem('xinyi.desk.pending', kept)", kept)
    await people.sign_in_clerk(other, "demo-cashier-2")
    await expect(other.page.get_by_test_id("pending")).to_have_count(0)
    assert await other.page.evaluate("localStorage.getItem('xinyi.desk.pending')") is None

    await people.sign_in_clerk(clerk)
    await clerk.page.get_by_test_id("pending").get_by_role("button", name="再按一次").click()
    await expect(clerk.page.get_by_test_id("answer-good")).to_be_visible()
    assert await booked(stack, coupon) == 1


async def test_without_a_network_it_is_said_and_nothing_is_booked(phone: Opener, stack: Stack) -> None:
    clerk, coupon = await at_the_press(phone, stack)
    await clerk.context.set_offline(True)
    await clerk.page.get_by_role("button", name="核销", exact=True).click()
    await expect(clerk.page.get_by_test_id("answer-unsure")).to_be_visible()
    assert await booked(stack, coupon) == 0
    await clerk.context.set_offline(False)
    await clerk.page.get_by_role("button", name="再按一次").click()
    await expect(clerk.page.get_by_test_id("answer-good")).to_be_visible()
    assert await booked(stack, coupon) == 1


async def test_a_killed_process_in_between_is_not_noticed(phone: Opener, stack: Stack) -> None:
    clerk, coupon = await at_the_press(phone, stack)
    before = set(stack.web_pids())
    assert len(before) == 2
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    await clerk.page.get_by_role("button", name="核销", exact=True).click()
    good, unsure = clerk.page.get_by_test_id("answer-good"), clerk.page.get_by_test_id("answer-unsure")
    await expect(good.or_(unsure)).to_be_visible(timeout=20_000)
    wait_until(lambda: len(alive(set(stack.web_pids()) - before)) == 2, within_s=30)
    stack.wait_ready()
    if await unsure.is_visible():
        await clerk.page.get_by_role("button", name="再按一次").click()
    await expect(good).to_be_visible()
    assert await booked(stack, coupon) == 1


async def test_a_code_opens_and_renews_without_a_network_from_the_first_visit_on(phone: Opener) -> None:
    citizen = await phone()
    await people.sign_in(citizen, people.somebody())
    await people.claim(citizen)
    kept = await citizen.page.evaluate(KEPT_BY_THE_WORKER)
    assert all(re.fullmatch(r"/m/(assets/[^/]+)?", path) for path in kept), kept
    # What only a clerk needs is not loaded onto everybody's phone.
    assert not [path for path in kept if "staff" in path or path.endswith(".wasm")], kept

    await citizen.page.clock.install()
    await citizen.context.set_offline(True)
    await citizen.page.reload()
    await expect(people.code_picture(citizen)).to_be_visible()
    shown, picture = await people.code_text(citizen), await people.drawn(citizen)
    await citizen.page.clock.fast_forward(16_000)
    await people.expect_another(citizen, picture)
    # What is being typed stands still for half a minute at least, and no longer than the service takes it.
    assert await people.code_text(citizen) == shown
    await expect(citizen.page.get_by_test_id("text-until")).to_have_text(re.compile(r"还有 [12]?\d 秒"))
    await citizen.page.clock.fast_forward(30_000)
    await expect(citizen.page.get_by_test_id("code-text")).not_to_contain_text(shown[-4:])
    # A page that was never opened is there too.
    await citizen.go("/m/#/pages/coupons/index")
    await expect(citizen.page.get_by_role("heading", name="我的券", level=1)).to_be_visible()
    await expect(citizen.page.get_by_text(people.UNLIMITED)).to_be_visible()


KEPT_BY_THE_WORKER = """async () => {
  await navigator.serviceWorker.ready
  const requests = []
  for (const name of await caches.keys()) requests.push(...(await (await caches.open(name)).keys()))
  return requests.map(({ url }) => new URL(url).pathname)
}"""


def alive(pids: set[int]) -> list[int]:
    """Those of the processes that live."""
    return [pid for pid in pids if psutil.pid_exists(pid)]
