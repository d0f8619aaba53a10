"""Answers that are a file to keep: from memory, or sent piece by piece."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from re import ASCII, fullmatch
from typing import cast
from urllib.parse import quote

from sanic import HTTPResponse, Request

from common.errors import NotFound


def headers_of(name: str) -> dict[str, str]:
    """A browser keeps the file under this name (RFC 6266) and never shows it, whatever is in it."""
    plain = fullmatch(r"[\w.-]+", name, ASCII)
    named = f'filename="{name}"' if plain else f"filename*=UTF-8''{quote(name, safe='')}"
    return {
        "Content-Disposition": f"attachment; {named}",
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }


def file_answer(content: bytes, name: str, media_type: str) -> HTTPResponse:
    """A small file that was made in memory."""
    return HTTPResponse(content, 200, headers_of(name), media_type)


async def send_file(
    request: Request, name: str, media_type: str, pieces: AsyncIterator[bytes]
) -> HTTPResponse | None:
    """Send a file as it is made or read; it is never whole in memory, nor kept on the way.

    Raises:
        NotFound: what should be read is gone.
    """
    headers = headers_of(name)
    if request.method == "HEAD":
        return HTTPResponse(None, 200, headers, media_type)
    # Closed also when the caller goes away: a half-made file is cleared away.
    async with aclosing(cast(AsyncGenerator[bytes, None], pieces)) as open_pieces:
        try:
            first = await anext(open_pieces, b"")
        except FileNotFoundError:
            raise NotFound from None
        response = await request.respond(content_type=media_type, headers=headers)
        assert response is not None
        await response.send(first)
        async for piece in open_pieces:
            await response.send(piece)
    await response.eof()
    return None
