"""The id of the request that a task serves: the log and the audit write it."""

from contextvars import ContextVar

current_request_id: ContextVar[str | None] = ContextVar("current_request_id", default=None)
"""The id of the request this task is serving; none in the background process."""
