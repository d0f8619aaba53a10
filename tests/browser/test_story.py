"""The whole way in two windows: the clerk's camera films the citizen's own screen."""

import time
from pathlib import Path

from playwright.async_api import expect

from tests.browser import people, rooms
from tests.browser.conftest import Opener


async def test_a_coupon_is_claimed_filmed_redeemed_and_undone(
    phone: Opener, counter: Opener, tmp_path: Path
) -> None:
    citizen = await phone()
    await people.sign_in(citizen, people.somebody())
    await people.claim(citizen)
    await citizen.picture("citizen-code")
    film = rooms.film(await people.code_picture(citizen).screenshot(), tmp_path / "camera.mjpeg")

    clerk = await counter(film)
    await people.sign_in_clerk(clerk)
    await clerk.picture("clerk-scan")
    await clerk.page.locator(".xy-scan").click()
    await expect(clerk.page.get_by_test_id("decide")).to_be_visible()
    await people.key_in(clerk, "128.5")
    await expect(clerk.page.get_by_test_id("preview-payable")).to_have_text("¥102.80")
    await clerk.picture("clerk-decide")
    await clerk.page.get_by_role("button", name="核销", exact=True).click()
    await expect(clerk.page.get_by_test_id("answer-good")).to_be_visible()
    seen = time.monotonic()
    await expect(citizen.page.get_by_test_id("happened")).to_contain_text("已使用")
    assert time.monotonic() - seen < 1.0
    await expect(citizen.page.get_by_test_id("happened")).to_contain_text("¥25.70")
    await clerk.picture("clerk-good")
    await citizen.picture("citizen-used")
    await clerk.accept_no_barriers()
    await citizen.accept_no_barriers()

    # The very picture once more: the screen was used up.
    await clerk.page.get_by_role("button", name="下一位").click()
    await expect(clerk.page.get_by_test_id("answer-bad")).to_be_visible()
    await expect(clerk.page.get_by_test_id("sentence")).to_contain_text("用完")
    await clerk.picture("clerk-refused")

    await clerk.go("/m/#/pages/staff/today")
    newest = clerk.page.get_by_test_id("lines").get_by_role("button").first
    await expect(newest).to_contain_text("¥25.70")
    await clerk.picture("clerk-today")
    await newest.click()
    await clerk.page.get_by_role("button", name="撤销这一笔").click()
    await clerk.page.get_by_test_id("undo").get_by_role("button").first.click()
    await clerk.page.get_by_role("button", name="确认撤销").click()
    await expect(clerk.page.get_by_test_id("reversal")).to_be_visible()
    await expect(people.code_picture(citizen)).to_be_visible()

    # The day is closed once: another count is sent on purpose only.
    await clerk.go("/m/#/pages/staff/day-close")
    counts = clerk.page.get_by_test_id("history").get_by_role("listitem")
    await expect(clerk.page.get_by_text("还没有日结过。").or_(counts.first)).to_be_visible()
    before = await counts.count()
    await clerk.page.get_by_role("button", name="柜台和系统一样，照着填").click()
    await clerk.page.get_by_role("button", name="提交日结").click()
    await expect(clerk.page.get_by_test_id("closed")).to_contain_text("日结完成：您的清点与系统一致。")
    await expect(counts).to_have_count(before + 1)
    await expect(clerk.page.get_by_role("button", name="提交日结")).to_have_count(0)
    await clerk.accept_no_barriers()
    await clerk.picture("clerk-day-closed")
    await clerk.page.get_by_role("button", name="数字有变化，再报一次").click()
    await clerk.page.get_by_label("核销笔数（含已撤销的）").fill("999")
    await clerk.page.get_by_role("button", name="提交日结").click()
    # Of the differences only the one that there is.
    await expect(counts.first).to_contain_text("不一致：核销差 +")
    await expect(counts.first).not_to_contain_text("撤销差")


async def test_a_code_renews_itself_without_a_network(phone: Opener, counter: Opener, tmp_path: Path) -> None:
    citizen = await phone()
    await people.sign_in(citizen, people.somebody())
    await people.claim(citizen)
    first, picture = await people.code_text(citizen), await people.drawn(citizen)
    await people.fold(citizen)
    await citizen.context.set_offline(True)
    await people.expect_another(citizen, picture, timeout=20_000)
    await citizen.picture("citizen-code-offline")
    made_here = await people.code_text(citizen)
    assert made_here != first

    clerk = await counter(
        rooms.film(await people.code_picture(citizen).screenshot(), tmp_path / "camera.mjpeg")
    )
    await people.sign_in_clerk(clerk)
    await people.look_up(clerk, made_here)
    await people.key_in(clerk, "50")
    await people.accept(clerk)

    await citizen.context.set_offline(False)
    await expect(citizen.page.get_by_test_id("happened")).to_contain_text("已使用")
    citizen.troubles = [trouble for trouble in citizen.troubles if "ERR_INTERNET_DISCONNECTED" not in trouble]
