"""What the office's people do at their desk: sign in once, choose, give a reason, fetch a file."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, Locator, expect

from tests.browser.rooms import DESK, Window


async def sign_in(window: Window, login: str, *, member: bool = False) -> None:
    """Sign in at the desk; in the sandbox without a one-time code."""
    await window.go("/console/sign-in")
    if member:
        await window.page.get_by_text("成员单位", exact=False).first.click()
    await window.page.get_by_label("登录名").fill(login)
    await window.page.get_by_label("密码", exact=True).fill(login)
    await window.page.get_by_role("button", name="登录", exact=True).click()
    await expect(window.page.get_by_role("heading", level=1)).not_to_have_text(re.compile("登录"))


@dataclass
class Desks:
    """The windows of a file's people: each signs in once, and goes on where the last test left off."""

    browser: Browser
    base: str
    windows: dict[str, Window] = field(default_factory=dict)

    async def of(self, login: str, *, member: bool = False) -> Window:
        """The window of somebody who is signed in."""
        if login not in self.windows:
            self.windows[login] = await Window.open(self.browser, self.base, DESK, accept_downloads=True)
            await sign_in(self.windows[login], login, member=member)
        return self.windows[login]

    def accept_no_troubles(self) -> None:
        """Fails with what went wrong in any of the windows since the last time."""
        troubles = [f"{login}: {trouble}" for login, one in self.windows.items() for trouble in one.troubles]
        for window in self.windows.values():
            window.troubles.clear()
        assert not troubles, "\n".join(troubles)

    async def close(self) -> None:
        """Close all of them."""
        for window in self.windows.values():
            await window.context.close()


async def choose(window: Window, label: str, option: str, *, within: Locator | None = None) -> None:
    """Choose in a list that opens below its field."""
    await (within or window.page).get_by_role("combobox", name=label, exact=True).click()
    await window.page.get_by_role("option", name=option, exact=True).locator("visible=true").click()


async def press(window: Window, name: str, *, sure: bool = False) -> None:
    """Press a button of the page or of the drawer that is open; `sure`: also that of the question it asks."""
    await window.page.get_by_role("button", name=name, exact=True).last.click()
    if sure:
        question = window.page.locator(".el-message-box")
        await question.get_by_role("button", name=name, exact=True).click()
        await expect(question).to_have_count(0)


def form(window: Window, yes: str) -> Locator:
    """The dialog with a form that this button sends; a drawer below it has none."""
    sends = window.page.locator("button[type=submit]", has_text=yes)
    return window.page.get_by_role("dialog").filter(has=sends)


async def give_reason(window: Window, button: str, reason: str) -> None:
    """Press a button that asks for a reason, give it, and see the question go."""
    await window.page.get_by_role("button", name=button, exact=True).click()
    asked = form(window, button)
    await asked.get_by_role("textbox").fill(reason)
    await asked.get_by_role("button", name=button, exact=True).click()
    await expect(asked).to_have_count(0)


async def fetched(window: Window, button: Locator) -> bytes:
    """The file that a button brings."""
    async with window.page.expect_download() as coming:
        await button.click()
    return Path(await (await coming.value).path()).read_bytes()


async def agree(head: Window, reason: str) -> None:
    """Agree, as the second admin, to what waits; it is known by why it was asked for."""
    await head.go("/console/approvals?status=open")
    await head.page.get_by_role("row").nth(1).get_by_role("button").click()
    await head.page.get_by_role("dialog").get_by_text(reason, exact=True).wait_for()
    await head.accept_no_barriers()
    await head.picture("console-approval")
    await give_reason(head, "同意并执行", "已核对")
    await expect(head.page.get_by_role("dialog")).to_have_count(0)
