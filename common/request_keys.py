"""Idempotency: a key that belongs to the actor and the route, and the hash of what came with it.

Both live on the business row for good, written in the same statement; a retry finds them there.
"""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestKey:
    """`key` as the client sent it, `body_hash` (32 bytes) over everything that makes the request what it is."""

    key: str
    body_hash: bytes


def request_key(key: str, body: bytes, *path: object) -> RequestKey:
    """Hash what a request asks for.

    Args:
        body: its values in one form: the same ones sent in another order or spelling are the same request.
        path: the ids of its path.
    """
    return RequestKey(
        key, hashlib.sha256(b"\0".join([*(str(part).encode() for part in path), body])).digest()
    )
