"""The OpenAPI document and a page that shows it; the page needs no other host and no inline script."""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from pydantic_core import to_json
from sanic import Blueprint, HTTPResponse, Request

from server.endpoints import endpoint
from server.openapi import build_document

blueprint = Blueprint("documents", url_prefix="/api")

_PAGES = Path(__file__).parent.parent / "pages"
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class _Document:
    body: bytes
    media_type: str
    etag: str


def _document(body: bytes, media_type: str) -> _Document:
    return _Document(body, media_type, f'"{sha256(body).hexdigest()[:32]}"')


@cache
def _page(name: str, media_type: str) -> _Document:
    return _document((_PAGES / name).read_bytes(), media_type)


def _send(request: Request, document: _Document) -> HTTPResponse:
    headers = {
        "ETag": document.etag,
        "Cache-Control": "no-cache",  # kept, but asked for every time: a new release shows at once
        "Content-Security-Policy": _PAGE_POLICY,
    }
    if document.etag in request.headers.get("if-none-match", ""):
        return HTTPResponse(status=304, headers=headers)
    return HTTPResponse(document.body, 200, headers, document.media_type)


@endpoint(
    blueprint,
    "GET",
    "/openapi.json",
    summary="接口文档 / The OpenAPI document",
    answers={200: {"application/json": None}, 304: None},
)
async def show_document(request: Request) -> HTTPResponse:
    """Made when it is first asked for, then the same bytes for as long as the process lives."""
    document = getattr(request.app.ctx, "openapi", None)
    if document is None:
        document = _document(to_json(build_document(request.app)), "application/json")
        request.app.ctx.openapi = document
    return _send(request, document)


@endpoint(
    blueprint,
    "GET",
    "/docs",
    summary="接口文档页面 / The document for people",
    answers={200: {"text/html": None}, 304: None},
)
async def show_page(request: Request) -> HTTPResponse:
    """A page that reads the document and shows it."""
    return _send(request, _page("docs.html", "text/html; charset=utf-8"))


@endpoint(
    blueprint,
    "GET",
    "/docs/docs.js",
    summary="文档页面的脚本 / The page's script",
    answers={200: {"text/javascript": None}, 304: None},
)
async def show_script(request: Request) -> HTTPResponse:
    """The page's only script."""
    return _send(request, _page("docs.js", "text/javascript; charset=utf-8"))


@endpoint(
    blueprint,
    "GET",
    "/docs/docs.css",
    summary="文档页面的样式 / The page's style",
    answers={200: {"text/css": None}, 304: None},
)
async def show_style(request: Request) -> HTTPResponse:
    """The page's only style sheet."""
    return _send(request, _page("docs.css", "text/css; charset=utf-8"))
