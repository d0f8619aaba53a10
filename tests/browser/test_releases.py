"""A new release of the phone pages replaces the one before as a whole: never one's page with the other's files."""

import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.async_api import Browser, Page

_WORKER = Path(__file__).resolve().parents[2] / "clients" / "mobile" / "service-worker" / "sw.js"


class Site:
    """A small site under the service worker's own source."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder, self.address = folder, address
        (folder / "assets").mkdir()
        (folder / "assets" / "pages-staff-scan.js").write_text("// the clerk's\n")

    def put_worker(self, release: str) -> None:
        """The worker of a release, which names its files."""
        (self.folder / "assets" / f"index-{release}.js").write_text(
            f"document.body.textContent = '{release}'; navigator.serviceWorker.register('./sw.js')\n"
        )
        source = _WORKER.read_text(encoding="utf-8")
        for name, value in {
            "__RELEASE__": release,
            "__PAGE_SHA256__": hashlib.sha256(self._page(release)).hexdigest(),
            "['__FILES__']": json.dumps([f"./assets/index-{release}.js"]),
            "['__CLERKS_FILES__']": json.dumps(["./assets/pages-staff-scan.js"]),
        }.items():
            assert name in source
            source = source.replace(name, value)
        (self.folder / "sw.js").write_text(source, encoding="utf-8")

    def put_page(self, release: str) -> None:
        """The page of a release."""
        (self.folder / "index.html").write_bytes(self._page(release))

    @staticmethod
    def _page(release: str) -> bytes:
        return f'<!doctype html><body><script src="./assets/index-{release}.js"></script>'.encode()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def end_headers(self) -> None:
        # Two releases of a test may be of the same second, and then a "not modified" would be said of the second one.
        self.send_header("Cache-Control", "no-store")
        super().end_headers()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield Site(tmp_path, f"http://127.0.0.1:{server.server_port}/")
        server.shutdown()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context()
    yield await context.new_page()
    await context.close()


async def test_a_release_that_is_only_half_there_is_not_kept(site: Site, page: Page) -> None:
    site.put_worker("one")
    site.put_page("one")
    await page.goto(site.address)
    assert await kept(page) == {"one": ["/", "/assets/index-one.js"]}

    site.put_worker("two")  # but the page is still the one before
    assert await update(page) == "refused"
    assert await without_network(page) == "one"

    site.put_page("two")
    assert await update(page) == "taken"
    assert await without_network(page) == "two"
    # A page of the release before may be open yet; that of two releases before is gone.
    site.put_worker("three")
    site.put_page("three")
    assert await update(page) == "taken"
    assert list(await kept(page)) == ["two", "three"]


async def test_a_clerks_phone_keeps_the_clerks_pages_also_of_the_next_release(site: Site, page: Page) -> None:
    site.put_worker("one")
    site.put_page("one")
    await page.goto(site.address)
    await kept(page)
    await page.reload()
    await page.evaluate("fetch('./assets/pages-staff-scan.js').then((answer) => answer.text())")
    await page.wait_for_function("caches.match('./assets/pages-staff-scan.js').then(Boolean)")
    site.put_worker("two")
    site.put_page("two")
    assert await update(page) == "taken"
    assert (await kept(page))["two"] == ["/", "/assets/index-two.js", "/assets/pages-staff-scan.js"]


async def kept(page: Page) -> dict[str, list[str]]:
    """What the worker keeps, by release."""
    found: dict[str, list[str]] = await page.evaluate(
        """async () => {
          await navigator.serviceWorker.ready
          const found = {}
          for (const name of await caches.keys()) {
            const requests = await (await caches.open(name)).keys()
            found[name.replace('xinyi-pages-', '')] = requests.map(({ url }) => new URL(url).pathname).sort()
          }
          return found
        }"""
    )
    return found


async def update(page: Page) -> str:
    """Look for a new worker, and how it ended."""
    state: str = await page.evaluate(
        """async () => {
          const registration = await navigator.serviceWorker.getRegistration()
          const found = new Promise((resolve, reject) => {
            registration.addEventListener('updatefound', resolve, { once: true })
            setTimeout(() => reject(new Error('no new worker was found')), 10_000)
          })
          await registration.update().catch(() => {})
          await found
          const worker = registration.installing ?? registration.waiting
          if (!worker) return registration.active.state
          return new Promise((resolve) => {
            const look = () => ['activated', 'redundant'].includes(worker.state) && resolve(worker.state)
            worker.addEventListener('statechange', look)
            look()
          })
        }"""
    )
    return {"activated": "taken", "activating": "taken", "redundant": "refused"}[state]


async def without_network(page: Page) -> str:
    """Which release stands there when there is no network."""
    await page.context.set_offline(True)
    await page.reload()
    shown = await page.inner_text("body")
    await page.context.set_offline(False)
    return shown
