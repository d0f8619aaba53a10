"""Files that are sent in: read as they arrive, never whole in memory.

    @endpoint(routes, "POST", "/documents", …, takes=DOCUMENTS, may="document.add")
    async def add(actor: MemberActor, upload: Upload, query: NameQuery) -> FileOut: …

The body is the file itself, its type in Content-Type.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import cast

from sanic import Request
from sanic.http import Http

from common.files import CHUNK
from server.errors import UnsupportedMediaType
from server.protocol import DeadlineProtocol

# A file may take longer to arrive than a form: at 1 Mbit/s it is 15 MB.
ARRIVES_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way; `media_type` is what the sender says of it."""

    media_type: str
    _stream: Http
    _let_in_again: Callable[[], Awaitable[None]]

    async def chunks(self) -> AsyncIterator[bytes]:
        """The content as it arrives; to be read to its end, or not at all.

        Raises:
            DomainError: at the end, when whoever sends it may do so no more: it can have taken minutes.
        """
        while True:
            chunk = await self._stream.read()
            if chunk is None:
                await self._let_in_again()
                return
            for start in range(0, len(chunk), CHUNK):
                yield chunk[start : start + CHUNK]


def upload_reader(takes: frozenset[str]) -> Callable[[Request, Callable[[], Awaitable[None]]], Upload]:
    """How to begin reading a file of one of these types; its sender is let in again at its end."""

    def read(request: Request, let_in_again: Callable[[], Awaitable[None]]) -> Upload:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in takes or request.headers.get("content-encoding", "identity") != "identity":
            raise UnsupportedMediaType
        stream = cast(Http, request.stream)
        if isinstance(stream.protocol, DeadlineProtocol):
            stream.protocol.arrives_within_s = ARRIVES_WITHIN_S
        return Upload(media_type, stream, let_in_again)

    return read
