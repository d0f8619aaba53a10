"""Answers that are files to keep."""

from urllib.parse import quote

from sanic import HTTPResponse


def file_answer(content: bytes, name: str, media_type: str) -> HTTPResponse:
    """A file that a browser keeps instead of showing it."""
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "Cache-Control": "no-store",
    }
    return HTTPResponse(content, 200, headers, media_type)
