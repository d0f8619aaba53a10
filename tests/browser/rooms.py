"""What a browser test works with: Debian's Chromium, windows for the three audiences, and a camera that films a screen.

Chromium is the machine's own; nothing is downloaded. What is missing is said in one sentence.
"""

import io
import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from PIL import Image, ImageFilter
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}
# Without the flags for background traffic, a machine without a way out makes every start slow.
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
CHINESE_FONT = "Noto Sans CJK"
_ROOT = Path(__file__).resolve().parents[2]


def what_is_missing() -> str:
    """The sentence that says what this machine needs before a browser test can run; empty if it has all."""
    if not chromium():
        return "Chromium is missing: `apt-get install chromium fonts-noto-cjk`, or set CHROMIUM to its path."
    fonts = subprocess.run(["fc-list", ":lang=zh-cn", "family"], capture_output=True, text=True, check=False)
    if CHINESE_FONT not in fonts.stdout:
        return "A Chinese font is missing, texts would be boxes: `apt-get install fonts-noto-cjk`."
    for client in ("mobile/dist/build/h5", "console/dist"):
        if not (_ROOT / "clients" / client / "index.html").is_file():
            return f"clients/{client} is not built: `make clients`."
    return ""


def chromium() -> str:
    """The browser's path; empty if there is none."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or ""


async def launch(playwright: Playwright, *flags: str) -> Browser:
    """A browser process of its own."""
    return await playwright.chromium.launch(executable_path=chromium(), args=[*FLAGS, *flags])


def camera(film: Path) -> Sequence[str]:
    """The flags with which a browser sees `film` where a phone has its camera."""
    return (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )


def film(screen: bytes, to: Path, *, angle: float = 4, blur: float = 0.6) -> Path:
    """Make a film of a phone held before a camera: a little askew, a little out of focus, with the room around it.

    Args:
        screen: a screenshot (PNG).
        to: the `.mjpeg` file: JPEG pictures one after the other.
    """
    picture = Image.open(io.BytesIO(screen)).convert("RGB")
    picture.thumbnail((430, 430))
    frames = io.BytesIO()
    for step in range(4):
        room = Image.new("RGB", (640, 480), (96, 92, 88))
        held = picture.rotate(angle + step * 0.5, expand=True, fillcolor=(96, 92, 88))
        room.paste(held, ((640 - held.width) // 2 + step, (480 - held.height) // 2))
        room.filter(ImageFilter.GaussianBlur(blur)).save(frames, "JPEG", quality=85)
    to.write_bytes(frames.getvalue() * 5)
    return to


@dataclass
class Window:
    """One page of one person, and everything that went wrong in it."""

    page: Page
    context: BrowserContext
    base: str
    troubles: list[str] = field(default_factory=list)

    @classmethod
    async def open(cls, browser: Browser, base: str, size: dict[str, int], **options: Any) -> "Window":
        """A window of its own: nothing is kept from others.

        Args:
            size: `PHONE` or `DESK`.
            options: more of the browser context's, such as `locale`.
        """
        options = {"locale": "zh-CN", "timezone_id": "Asia/Shanghai", "reduced_motion": "reduce", **options}
        context = await browser.new_context(viewport=size, **options)  # type: ignore[arg-type]
        window = cls(await context.new_page(), context, base)
        window.page.set_default_timeout(10_000)
        window.page.on("console", window._heard)
        window.page.on("pageerror", lambda error: window.troubles.append(f"error: {error}"))
        window.page.on("request", lambda request: window._asked(request.url))
        return window

    def _heard(self, message: ConsoleMessage) -> None:
        # That a request was refused is the test's own business; a broken policy or a warning of ours is not.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.troubles.append(f"{message.type}: {message.text}")

    def _asked(self, url: str) -> None:
        if not url.startswith((self.base, "data:", "blob:")):
            self.troubles.append(f"asked another host: {url}")

    async def go(self, address: str) -> None:
        """Open an address of the service, such as `/m/#/pages/home/index`."""
        await self.page.goto(self.base + address)

    async def close(self) -> None:
        """Close it; fails with what went wrong in it."""
        await self.context.close()
        assert not self.troubles, "\n".join(self.troubles)

    async def accept_no_barriers(self) -> None:
        """No serious or critical finding of axe on the screen as it stands."""
        found = await Axe().run(self.page)
        worst = [
            f"{finding['id']}: {finding['help']}\n  "
            + "\n  ".join(node["html"][:200] for node in finding["nodes"][:5])
            for finding in found.response["violations"]
            if finding["impact"] in ("serious", "critical")
        ]
        assert not worst, f"{self.page.url}\n" + "\n".join(worst)

    async def accept_no_overflow(self) -> None:
        """Nothing is wider than the screen, and no text is cut off inside its own box."""
        wide = await self.page.evaluate(
            """() => {
              const width = document.documentElement.clientWidth
              return [...document.querySelectorAll('body *')].filter((one) => {
                const box = one.getBoundingClientRect()
                const style = getComputedStyle(one)
                return box.width > 0 && box.right > width + 1 && style.position !== 'fixed' && style.visibility !== 'hidden'
              }).slice(0, 5).map((one) => one.outerHTML.slice(0, 160))
            }"""
        )
        assert not wide, f"{self.page.url}\n" + "\n".join(wide)

    async def font(self) -> list[str]:
        """The fonts that the browser really draws the page's Chinese with, by its own account."""
        tools = await self.context.new_cdp_session(self.page)
        await tools.send("DOM.enable")
        await tools.send("CSS.enable")
        root = await tools.send("DOM.getDocument", {"depth": -1})
        node = await tools.send("DOM.querySelector", {"nodeId": root["root"]["nodeId"], "selector": "h1"})
        fonts = await tools.send("CSS.getPlatformFontsForNode", {"nodeId": node["nodeId"]})
        return [font["familyName"] for font in fonts["fonts"]]

    async def picture(self, name: str, *, full: bool = False) -> None:
        """A picture of the screen for people: into `SCREENS`, where that is set."""
        folder = os.environ.get("SCREENS")
        if not folder:
            return
        if full:  # what sticks to the top would else be in the middle
            await self.page.evaluate("scrollTo(0, 0)")
        shot = Image.open(io.BytesIO(await self.page.screenshot(full_page=full))).convert("RGB")
        Path(folder).mkdir(parents=True, exist_ok=True)
        # 128 colours are plenty for flat screens, and a fifth of the bytes.
        shot.quantize(128, dither=Image.Dither.NONE).save(Path(folder) / f"{name}.png", optimize=True)


def forget(folder: Path) -> None:
    """Remove a folder that may be gone already."""
    with suppress(OSError):
        shutil.rmtree(folder)
