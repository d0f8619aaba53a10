"""A limit on how long a whole request may take to arrive.

Sanic's own limit begins anew with every byte, so that a peer that sends one now and then could hold a
connection for ever.
"""

import sys
from time import monotonic
from typing import Any

from sanic.exceptions import RequestTimeout
from sanic.http import Stage
from sanic.server.protocols.http_protocol import HttpProtocol


class DeadlineProtocol(HttpProtocol):
    """Ends with 408 a request whose head and body are not there within one to two times `REQUEST_TIMEOUT`."""

    __slots__ = ("_arriving",)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # Which request is arriving (None: one whose head is not there yet), and since when.
        self._arriving: tuple[object, float] | None = None

    def check_timeouts(self) -> None:
        """Called several times within each limit, as long as the connection lives."""
        if not self._is_arriving():
            self._arriving = None
        elif self._arriving is None or self._arriving[0] is not self._http.request:
            self._arriving = self._http.request, monotonic()
        elif monotonic() - self._arriving[1] > self.request_timeout and self._task:
            self._http.exception = RequestTimeout("Request Timeout")
            reason = () if sys.version_info >= (3, 14) else ("the request did not arrive in time",)
            self._task.cancel(*reason)
            return
        super().check_timeouts()  # type: ignore[no-untyped-call]

    def _is_arriving(self) -> bool:
        """Something of the request is there and something is missing."""
        http = self._http
        if http.stage is Stage.REQUEST:
            return True
        return http.stage is Stage.HANDLER and bool(http.request_body)
