"""What a stranger sees first: the start page, real type, small first pages, and a policy that holds."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Opener, Stack
from tests.browser.rooms import CHINESE_FONT

FIRST_PAGE_BYTES = 200 * 1024


async def test_start_page_leads_to_the_three_audiences(desk: Opener) -> None:
    window = await desk()
    await window.go("/")
    links = await window.page.get_by_role("link").evaluate_all(
        "links => links.map(link => link.getAttribute('href'))"
    )
    assert links == ["/m/", "/m/#/pages/staff/sign-in", "/console/", "/console/apply", "/api/docs"]
    await window.accept_no_barriers()
    await window.picture("start")


@pytest.mark.parametrize("address", ["/m/", "/console/"])
async def test_chinese_is_drawn_with_a_chinese_font(desk: Opener, address: str) -> None:
    window = await desk()
    await window.go(address)
    await window.page.locator("h1").first.wait_for()
    assert all(name.startswith(CHINESE_FONT) for name in await window.font()), await window.font()


async def test_first_phone_page_is_small(phone: Opener) -> None:
    """≤ 200 KB on the wire until the list of benefits stands there, answers of the API included."""
    window = await phone()
    tools = await window.context.new_cdp_session(window.page)
    await tools.send("Network.enable")
    received: list[float] = []
    tools.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    await window.go("/m/")
    await window.page.get_by_role("heading", level=1).wait_for()
    await window.page.wait_for_load_state("networkidle")
    assert len(received) > 3
    assert sum(received) <= FIRST_PAGE_BYTES, f"{sum(received):.0f} bytes"


async def test_an_offer_is_said_in_the_list_as_on_its_coupon(phone: Opener) -> None:
    """The list makes its big words itself, coupons and clerks have the service's; how far it is, is said in Chinese."""
    window = await phone()
    await window.go("/m/#/pages/home/index")
    async with window.page.expect_response(lambda answer: "near=" in answer.url) as answer:
        await window.page.get_by_role("button", name="附近").click()
    listed = (await (await answer.value).json())["items"]
    offers = window.page.get_by_test_id("offers").locator(".xy-offer")
    await expect(offers.first).to_contain_text(re.compile(r"\d (米|公里)"))
    shown = await offers.evaluate_all(
        "all => all.map(one => ['big', 'small'].map(part => one.querySelector('.xy-offer-' + part)?.textContent))"
    )
    assert len(listed) > 5
    for offer, (big, small) in zip(listed, shown, strict=True):
        assert offer["discount"]["text"] in (big, f"{big}，{small}", f"{big}：{small}")


@pytest.mark.parametrize("address", ["/m/", "/console/"])
async def test_a_script_from_outside_does_not_run(desk: Opener, stack: Stack, address: str) -> None:
    """The policy of the pages is kept by the browser: neither an inline script nor a handler runs."""
    window = await desk()
    await window.go(address)
    ran = await window.page.evaluate(
        """async () => {
          const script = document.createElement('script')
          script.textContent = 'window.intruder = 1'
          document.body.append(script)
          const box = document.createElement('div')
          box.innerHTML = '<img src="x:" onerror="window.intruder = 2">'
          document.body.append(box)
          await new Promise((resolve) => setTimeout(resolve, 300))
          return window.intruder ?? null
        }"""
    )
    assert ran is None
    refused = [trouble for trouble in window.troubles if "Content Security Policy" in trouble]
    assert len(refused) >= 2, window.troubles
    window.troubles.clear()
