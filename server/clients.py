"""Serves the two built clients, `/m/` and `/console/`, and the page at `/` that leads to them.

What is asked for is looked up among the files that the build left, never on the disk: no path reaches anything else.
Neither the database nor a limit is asked. A build that is not there yet is said so, by a page that looks again.
"""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote

import structlog
from sanic import Blueprint, HTTPResponse, Request

from common.errors import NotFound

log = structlog.get_logger()

routes = Blueprint("clients")

LOOKED_AT_EVERY_S = 1.0
_PAGES = Path(__file__).parent / "pages"
_ENCODINGS = {"br": ".br", "gzip": ".gz"}  # the smaller one first
_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".wasm": "application/wasm",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".ttf": "font/ttf",
}
# `index-DiwrgTda.js`, `index.4f3a91c2.css`: another content has another name. A hash without a digit or capital is
# taken for a word; then the file is asked for again, which costs little.
_HASHED = re.compile(r"assets/(?:.+/)?[^/]*[.-](?=[a-z-]*[A-Z0-9_])[A-Za-z0-9_-]{8,}(?:\.[a-z0-9]+)+")
# What the console shows has an address of its own; what has an ending would be a file.
_SCREEN = re.compile(r"(?!assets/)(?:[\w~-]+/)*[\w~-]*", re.ASCII)
_NOTHING_ELSE = "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_PAGE_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'self'; img-src data:; {_NOTHING_ELSE}",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_SANDBOX_ONLY = re.compile(r"<!-- sandbox -->.*?<!-- /sandbox -->\n?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Client:
    """What one client is and may do."""

    folder: str
    policy: str
    permissions: str
    is_led_by_history: bool

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Content-Security-Policy": self.policy,
            "Permissions-Policy": self.permissions,
            "Cross-Origin-Opener-Policy": "same-origin",
        }


_OFF = "microphone=(), payment=(), usb=(), midi=(), display-capture=()"
# The scanner is WebAssembly, what it reads is the camera's picture or a photo (screens of `clients/mobile`).
MOBILE = _Client(
    folder="mobile/dist/build/h5",
    policy=(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; "
        "media-src 'self' blob: data:; connect-src 'self'; font-src 'self' data:; worker-src 'self'; "
        f"manifest-src 'self'; {_NOTHING_ELSE}"
    ),
    permissions=f"camera=(self), geolocation=(self), {_OFF}",
    is_led_by_history=False,
)
CONSOLE = _Client(
    folder="console/dist",
    policy=(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        f"font-src 'self' data:; manifest-src 'self'; {_NOTHING_ELSE}"
    ),
    permissions=f"camera=(), geolocation=(), {_OFF}",
    is_led_by_history=True,
)


@dataclass(frozen=True, slots=True)
class _File:
    """One file with its compressed forms, by encoding; "" is the file itself."""

    media_type: str
    caching: str
    bodies: Mapping[str, bytes]
    etags: Mapping[str, str]


@dataclass(slots=True)
class _Build:
    """One client's files as they were when its index.html was written."""

    client: _Client
    folder: Path
    files: Mapping[str, _File] = field(default_factory=dict)
    _stamp: tuple[int, int, int] | None = None
    _look_again_at: float = 0.0
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def read(self) -> Mapping[str, _File]:
        """The files; empty where nothing was built. What was read stays while a new build is being made."""
        async with self._reading:
            if time.monotonic() >= self._look_again_at:
                self._look_again_at = time.monotonic() + LOOKED_AT_EVERY_S
                stamp = self._stamp_now()
                if stamp is not None and stamp != self._stamp:
                    await self._read_anew(stamp)
        return self.files

    async def _read_anew(self, stamp: tuple[int, int, int]) -> None:
        try:
            found = await asyncio.to_thread(_files_in, self.folder)
        except OSError as error:  # a build that clears away just now, or nothing that this process may read
            log.warning("client_not_read", client=self.client.folder, error=type(error).__name__)
            return
        if "index.html" in found:
            self.files, self._stamp = found, stamp

    def _stamp_now(self) -> tuple[int, int, int] | None:
        try:
            found = (self.folder / "index.html").stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size


class Clients:
    """Both builds, each read when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._builds = {client.folder: _Build(client, folder / client.folder) for client in (MOBILE, CONSOLE)}

    async def answer(self, request: Request, client: _Client, path: str) -> HTTPResponse:
        """The file of a client at a path below its own.

        Raises:
            NotFound: there is no such file.
        """
        files = await self._builds[client.folder].read()
        if not files:
            return _not_built()
        path = unquote(path)  # once: what is encoded twice is no file's name
        found = files.get(path or "index.html")
        if found is None and client.is_led_by_history and _SCREEN.fullmatch(path):
            found = files["index.html"]
        if found is None:
            raise NotFound
        return _send(request, found, client.headers)


def _files_in(folder: Path) -> dict[str, _File]:
    """Every file below a folder by its path there; links lead nowhere, and what has a dot in front is not for callers."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        is_inside = path.is_file() and path.resolve() == folder.resolve() / name
        is_form = path.suffix in _ENCODINGS.values() and path.with_suffix("").is_file()
        if is_inside and not is_form and not any(part.startswith(".") for part in name.split("/")):
            found[name] = _file(name, path)
    return found


def _file(name: str, path: Path) -> _File:
    bodies = {"": path.read_bytes()}
    for encoding, suffix in _ENCODINGS.items():
        compressed = path.with_name(path.name + suffix)
        if compressed.is_file() and not compressed.is_symlink():
            bodies[encoding] = compressed.read_bytes()
    return _file_of(name, bodies)


def _file_of(name: str, bodies: Mapping[str, bytes]) -> _File:
    is_for_ever = _HASHED.fullmatch(name)
    return _File(
        media_type=_MEDIA_TYPES.get(Path(name).suffix.lower(), "application/octet-stream"),
        # Anything else is kept, but asked for every time: a new release shows at once.
        caching="public, max-age=31536000, immutable" if is_for_ever else "no-cache",
        bodies=bodies,
        etags={encoding: f'"{sha256(body).hexdigest()[:32]}"' for encoding, body in bodies.items()},
    )


def _send(request: Request, file: _File, more: Mapping[str, str]) -> HTTPResponse:
    encoding = _encoding_for(request.headers.get("accept-encoding", ""), file)
    headers = {"Cache-Control": file.caching, "ETag": file.etags[encoding], **more}
    if len(file.bodies) > 1:
        headers["Vary"] = "Accept-Encoding"
    if file.etags[encoding] in request.headers.get("if-none-match", ""):
        return HTTPResponse(status=304, headers=headers)
    if encoding:
        headers["Content-Encoding"] = encoding
    return HTTPResponse(file.bodies[encoding], 200, headers, file.media_type)


def _encoding_for(accepted: str, file: _File) -> str:
    """The smallest form that the caller takes (RFC 9110, 12.5.3); `*` is not read as one of them."""
    taken = set()
    for choice in accepted[:200].lower().split(","):
        name, _, weight = choice.replace(" ", "").partition(";q=")
        if not re.fullmatch(r"0(\.0*)?", weight):
            taken.add(name)
    return next((name for name in _ENCODINGS if name in taken and name in file.bodies), "")


@cache
def _page(name: str, *, is_sandbox: bool = False) -> _File:
    text = (_PAGES / name).read_text(encoding="utf-8")
    return _file_of(name, {"": (text if is_sandbox else _SANDBOX_ONLY.sub("", text)).encode()})


def _not_built() -> HTTPResponse:
    """The page that asks for itself again until there is something to show."""
    headers = {"Cache-Control": "no-store", "Retry-After": "3", "Refresh": "3", **_PAGE_HEADERS}
    page = _page("not-built.html")
    return HTTPResponse(page.bodies[""], 503, headers, page.media_type)


def _moved(request: Request, path: str) -> HTTPResponse:
    query = f"?{request.query_string}" if request.query_string else ""
    headers = {"Location": path + query, "Cache-Control": "no-cache"}
    return HTTPResponse(None, 308, headers, "text/plain; charset=utf-8")


def _add_client(prefix: str, client: _Client) -> None:
    async def serve(request: Request, path: str = "") -> HTTPResponse:
        if request.path == prefix:
            return _moved(request, f"{prefix}/")
        clients: Clients = request.app.ctx.clients
        return await clients.answer(request, client, path)

    name = prefix.strip("/")
    for kind, path in (("start", prefix), ("files", f"{prefix}/<path:path>")):
        routes.add_route(serve, path, ["GET", "HEAD"], name=f"{name}_{kind}", error_format="json")


async def show_start(request: Request) -> HTTPResponse:
    """The page that leads to the others; a sandbox's also names the accounts that everybody knows."""
    page = _page("start.html", is_sandbox=request.app.ctx.settings.sandbox)
    return _send(request, page, _PAGE_HEADERS)


async def show_style(request: Request) -> HTTPResponse:
    """The style of the pages that are no client's."""
    return _send(request, _page("start.css"), _PAGE_HEADERS)


_add_client("/m", MOBILE)
_add_client("/console", CONSOLE)
routes.add_route(show_start, "/", ["GET", "HEAD"], name="start", error_format="json")
routes.add_route(show_style, "/start.css", ["GET", "HEAD"], name="start_style", error_format="json")
