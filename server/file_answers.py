"""Answers that are a file to keep, sent piece by piece."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import cast

from sanic import HTTPResponse, Request


async def send_file(
    request: Request, name: str, media_type: str, pieces: AsyncIterator[bytes]
) -> HTTPResponse | None:
    """Send a file as it is made or read; it is never whole in memory, nor kept on the way.

    Args:
        name: of ASCII letters, digits and `.-` only.
    """
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    if request.method == "HEAD":
        return HTTPResponse(None, 200, headers, media_type)
    response = await request.respond(content_type=media_type, headers=headers)
    assert response is not None
    # Closed also when the caller goes away: a half-made file is cleared away.
    async with aclosing(cast(AsyncGenerator[bytes, None], pieces)) as open_pieces:
        async for piece in open_pieces:
            await response.send(piece)
    await response.eof()
    return None
