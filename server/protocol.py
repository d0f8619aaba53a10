"""A limit on how long a whole request may take to arrive, and an end that lets the last answer be read.

Sanic's own limit begins anew with every byte, so that a peer that sends one now and then could hold a
connection for ever. And it closes a connection on which more is still arriving: the reset that this makes can
take the answer away from whoever was told that his request is too large.
"""

import sys
from time import monotonic
from typing import Any

from sanic.exceptions import RequestTimeout
from sanic.http import Stage
from sanic.server.protocols.http_protocol import HttpProtocol

# How long, and how much of, what still arrives is thrown away before the connection is closed (RFC 9112, 9.6).
LINGER_S = 1.0
LINGER_BYTES = 4 * 1024 * 1024


class DeadlineProtocol(HttpProtocol):
    """Ends with 408 a request whose head and body are not there within one to two times `REQUEST_TIMEOUT`.

    A connection whose request was too large is closed in two steps: nothing more is said, what still arrives is
    thrown away, and only then it is closed.
    """

    __slots__ = ("_arriving", "_left_to_swallow", "arrives_within_s", "lingers")

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # Which request is arriving (None: one whose head is not there yet), and since when.
        self._arriving: tuple[object, float] | None = None
        # Set with an answer that is given before the request has arrived.
        self.lingers = False
        self._left_to_swallow = 0
        # Longer for a request that brings a file; its route says so.
        self.arrives_within_s: float | None = None

    def close(self, timeout: float | None = None) -> None:
        """Close, at once or after what still arrives."""
        transport = self.transport
        if not self.lingers or transport is None or transport.is_closing() or not transport.can_write_eof():
            super().close(timeout)
            return
        self.lingers = False
        self._left_to_swallow = LINGER_BYTES
        self.recv_buffer.clear()
        transport.write_eof()
        transport.resume_reading()
        self.loop.call_later(LINGER_S, self.close)

    def data_received(self, data: bytes) -> None:
        """Hand on, or throw away."""
        if not self._left_to_swallow:
            super().data_received(data)
            return
        self._left_to_swallow = max(0, self._left_to_swallow - len(data))
        if not self._left_to_swallow:
            self.close()

    def check_timeouts(self) -> None:
        """Called several times within each limit, as long as the connection lives."""
        if not self._is_arriving():
            self._arriving = self.arrives_within_s = None
        elif self._arriving is None or self._arriving[0] is not self._http.request:
            self._arriving = self._http.request, monotonic()
        elif monotonic() - self._arriving[1] > (self.arrives_within_s or self.request_timeout) and self._task:
            self._http.exception = RequestTimeout("Request Timeout")
            reason = () if sys.version_info >= (3, 14) else ("the request did not arrive in time",)
            self._task.cancel(*reason)
            return
        super().check_timeouts()  # type: ignore[no-untyped-call]

    def _is_arriving(self) -> bool:
        """Something of the request is there and something is missing."""
        http = self._http
        if http is None:  # the last answer was given
            return False
        if http.stage is Stage.REQUEST:
            return True
        return http.stage is Stage.HANDLER and bool(http.request_body)
