"""Several people on one phone, several windows of one browser: nobody acts, or is seen, under another's name."""

import json
import re
from pathlib import Path

from playwright.async_api import Page, Route, expect

from tests.api.families import a_child, agree
from tests.browser import people
from tests.browser.conftest import Opener, Stack
from tests.browser.desks import sign_in
from tests.browser.rooms import Window

HOME = re.compile(r"/m/#/(pages/home/index)?$")


async def kept(page: Page, what: str = "xinyi.citizen") -> dict[str, str]:
    """What this phone keeps of a citizen."""
    found: dict[str, str] = await page.evaluate(
        "what => Object.fromEntries(Object.entries(localStorage).filter(([key]) => key.startsWith(what)))",
        what,
    )
    return found


async def beside(window: Window, address: str) -> Window:
    """Another window of the same browser."""
    page = await window.context.new_page()
    await page.goto(window.base + address)
    return Window(page, window.context, window.base, window.troubles)


async def test_a_sleeping_window_sends_nothing_under_the_next_persons_name(
    phone: Opener, stack: Stack
) -> None:
    first, second = people.somebody(), people.somebody()
    window = await phone()
    # It is told of nothing that happens beside it.
    await window.page.add_init_script(
        "addEventListener('storage', (event) => event.stopImmediatePropagation(), true)"
    )
    await people.sign_in(window, first, agrees=False)
    await window.go("/m/#/pages/consents/one?purpose=credit_check")
    agreed = window.page.get_by_role("button", name="同意", exact=True)
    await agreed.wait_for()

    other = await beside(window, "/m/#/pages/settings/index")
    await other.page.get_by_role("button", name="退出登录").click()
    await expect(other.page).to_have_url(HOME)
    await people.sign_in(other, second, agrees=False)

    await agreed.click()
    await expect(window.page).to_have_url(HOME)
    now = await stack.citizen(second, consent=False)
    standings = (await now.http.get("/me/consents")).json()["items"]
    assert [each["proof_id"] for each in standings if each["purpose"] == "credit_check"] == [None]


async def test_signing_out_without_a_network_ends_every_window_and_leaves_nothing(phone: Opener) -> None:
    window = await phone()
    await people.sign_in(window, people.somebody())
    await people.claim(window)
    other = await beside(window, "/m/#/pages/settings/index")
    leave = other.page.get_by_role("button", name="退出登录")
    await leave.wait_for()
    assert len(await kept(window.page)) == 2  # the session, and what the code is made from
    await window.context.set_offline(True)
    await leave.click()
    await expect(window.page).to_have_url(re.compile("sign-in/index"))
    await window.context.set_offline(False)
    await window.page.wait_for_timeout(2_000)
    assert await kept(window.page) == {}
    await window.page.reload()
    assert await kept(window.page) == {}


async def test_whoever_signs_in_over_another_person_finds_nothing_of_him(phone: Opener, stack: Stack) -> None:
    first, second = people.somebody(), people.somebody()
    window = await phone()
    other = await beside(window, "/m/#/pages/sign-in/index")
    await other.page.get_by_role("button", name="用别的演示登录码").wait_for()
    guardian = await stack.citizen(first)
    assert (await agree(guardian.http, "guardianship")).status_code == 200
    child = await a_child(stack, guardian)
    await people.sign_in(window, first, agrees=None)
    await people.claim(window)
    before = json.loads((await kept(window.page))["xinyi.citizen"])["data"]
    await window.go("/m/#/pages/family/index")
    await window.page.get_by_role("button", name=re.compile(child["masked_name"].replace("*", r"\*"))).click()
    await window.page.get_by_text("正在代").wait_for()

    await people.sign_in(other, second, agrees=False)
    assert set(await kept(other.page)) == {"xinyi.citizen"}
    await other.go("/m/#/pages/coupons/index")
    await expect(other.page.get_by_text("正在代")).to_have_count(0)
    await expect(window.page).to_have_url(re.compile("ended=1"))
    await expect(window.page.get_by_text("正在代")).to_have_count(0)
    refused = await stack.client().post("/auth/refresh", json={"refresh_token": before["refresh_token"]})
    assert refused.status_code == 401


async def test_a_ticket_of_somebody_else_asks_first_and_stays_nowhere(phone: Opener, stack: Stack) -> None:
    first, second = people.somebody(), people.somebody()
    window = await phone()
    page = window.page

    async def has_zheliban(route: Route) -> None:
        await route.fulfill(json={"items": [{"channel": "zheliban"}, {"channel": "sandbox"}]})

    async def takes_the_ticket(route: Route) -> None:
        body = json.loads(route.request.post_data or "{}")
        if body["channel"] == "zheliban":
            body = {"channel": "sandbox", "code": body["code"]}
        await route.continue_(post_data=json.dumps(body))

    await window.context.route("**/auth/channels", has_zheliban)
    await window.context.route("**/auth/citizen", takes_the_ticket)
    await people.sign_in(window, first)
    mine = (await kept(page))["xinyi.citizen"]
    for choice, stays in (("不换，继续用原来的", True), ("换成现在打开的账户", False)):
        await page.goto("about:blank")
        await window.go(f"/m/?ticketId={second}")
        asked = page.get_by_test_id("another")
        await expect(asked).to_contain_text("换一个人登录")
        assert second not in page.url
        await window.accept_no_barriers()
        await asked.get_by_role("button", name=choice).click()
        if not stays:
            await page.get_by_role("button", name="暂不同意", exact=True).click()
        await expect(page).to_have_url(HOME)
        assert ((await kept(page))["xinyi.citizen"] == mine) is stays
    # Back does not bring it into the address again.
    await window.go("/m/#/pages/me/index")
    for _ in range(3):
        await page.go_back()
        await page.wait_for_timeout(500)  # it may load the page anew
        assert second not in page.url
        assert second not in json.dumps(await page.evaluate("history.state"))


async def test_a_copy_taken_for_a_child_is_the_childs(phone: Opener, stack: Stack) -> None:
    code = people.somebody()
    guardian = await stack.citizen(code)
    assert (await agree(guardian.http, "guardianship")).status_code == 200
    child = await a_child(stack, guardian)
    window = await phone(accept_downloads=True)
    await people.sign_in(window, code, agrees=None)
    whom = {"for": child["citizen_id"], "maskedName": child["masked_name"], "role": "guardian"}
    await window.page.evaluate(
        "whom => localStorage.setItem('xinyi.citizen.acting', whom)",
        json.dumps({"type": "object", "data": whom}),
    )
    await window.go("/m/#/pages/data/index")
    await window.page.reload()
    async with window.page.expect_download() as coming:
        await window.page.get_by_role("button", name=re.compile("JSON")).click()
    copy = json.loads(Path(await (await coming.value).path()).read_text(encoding="utf-8"))
    (person,) = next(each["items"] for each in copy["sections"] if each["name"] == "natural_persons")
    assert person["citizen_id"] == child["citizen_id"]


async def test_a_secret_that_opened_a_page_is_in_no_entry_of_the_history(phone: Opener) -> None:
    window = await phone()
    page = window.page
    await window.go("/m/#/pages/staff/link?for=reset&secret=shown-only-once")
    await expect(page.get_by_label("一次性密钥")).to_have_value("shown-only-once")
    await window.go("/m/#/pages/privacy/index")
    await page.get_by_role("heading", level=1).wait_for()
    await page.go_back()
    await page.reload()
    await expect(page.get_by_label("一次性密钥")).to_have_value("")
    assert "shown-only-once" not in page.url + json.dumps(await page.evaluate("history.state"))


async def test_signing_out_of_the_console_ends_its_duplicate_too(desk: Opener) -> None:
    window = await desk()
    await sign_in(window, "demo-admin")
    await window.go("/console/audit")
    async with window.context.expect_page() as coming:
        await window.page.evaluate("open(location.href)")
    twin = await coming.value
    await expect(twin.get_by_role("row").nth(1)).to_be_visible()
    await window.page.get_by_role("button", name="退出登录").click()
    await expect(twin).to_have_url(re.compile("/console/sign-in"))
    assert await twin.evaluate("sessionStorage.length") == 0
