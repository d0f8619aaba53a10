"""What the office does in a day, at its desk: reviews and imports."""

import asyncio
from pathlib import Path

from playwright.async_api import expect

from models.office_enums import ImportKind
from tests.alliance.imported import table, uscc_of
from tests.api.applicants import an_applicant
from tests.browser.conftest import Opener, Stack
from tests.browser.test_console import sign_in
from tests.service import Service


async def submitted(stack: Service) -> str:
    """An application whose automatic checks are done; its id."""
    applicant = await an_applicant(stack, name="湖畔书店")
    assert (await applicant.upload()).status_code == 201
    assert (await applicant.submit()).status_code < 300
    async with asyncio.timeout(30):
        while (await applicant.http.get("/member-application")).json()["state"] != "county_review":
            await asyncio.sleep(0.3)
    return applicant.id


async def test_an_application_is_passed_on_by_the_county_and_approved_by_the_city(
    desk: Opener, stack: Stack
) -> None:
    application = await submitted(stack)
    county = await desk()
    await sign_in(county, "demo-reviewer-xh")
    await county.page.get_by_test_id("wait-applications").get_by_role("link").first.click()
    await county.go(f"/console/applications/{application}")
    await county.page.get_by_role("button", name="通过，转市级审核").click()
    await county.accept_no_barriers()
    await county.picture("console-application")
    await county.page.get_by_role("dialog").get_by_role("button", name="通过，转市级审核").click()
    await expect(county.page.get_by_role("dialog")).to_have_count(0)

    city = await desk()
    await sign_in(city, "demo-admin-hz")
    await city.go(f"/console/applications/{application}")
    await city.page.get_by_role("button", name="审核通过").click()
    await city.page.get_by_role("dialog").get_by_role("button", name="审核通过").click()
    await expect(city.page.get_by_role("dialog")).to_have_count(0)
    rows = await stack.fetch("SELECT state FROM member_applications WHERE id = $1", application)
    assert rows[0]["state"] == "approved"


async def test_a_file_with_a_bad_row_is_refused_whole_and_its_errors_can_be_fetched(
    desk: Opener, stack: Stack, tmp_path: Path
) -> None:
    rows = [
        {"uscc": uscc_of(7_001), "name": "导入书店"},
        {"uscc": "91330100MA27X00000", "name": "代码有误的店"},
    ]
    file = tmp_path / "members.csv"
    file.write_bytes(table(ImportKind.MEMBERS, *rows))
    window = await desk()
    await sign_in(window, "demo-admin-hz")
    await window.go("/console/imports")
    await window.page.get_by_role("button", name="上传文件").click()
    await window.page.get_by_test_id("import-file").set_input_files(file)
    await window.page.get_by_role("button", name="上传并检查").click()
    await expect(window.page.get_by_test_id("import-result")).to_contain_text("有误", timeout=30_000)
    await window.accept_no_barriers()
    await window.picture("console-import")
    async with window.page.expect_download() as fetched:
        await window.page.get_by_role("button", name="下载错误清单").click()
    assert "uscc" in Path(await (await fetched.value).path()).read_text("utf-8-sig")
