"""Idempotency: a key that belongs to the actor and the route, and the hash of what came with it.

Both live on the business row for good, written in the same statement; a retry finds them there.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RequestKey:
    """`key` as the client sent it, `body_hash` (32 bytes) over everything that makes the request what it is."""

    key: str
    body_hash: bytes


def request_key(key: str, body: dict[str, Any], *path: object) -> RequestKey:
    """Hash a body with the path's ids: the same values in another order are the same request."""
    canonical = json.dumps(
        [[str(part) for part in path], body], sort_keys=True, separators=(",", ":"), default=str
    )
    return RequestKey(key, hashlib.sha256(canonical.encode()).digest())
