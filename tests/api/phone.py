"""A phone that makes its codes itself: the contract's text put into code once more, apart from the server's."""

import base64
import hashlib
import hmac
import time


def parts(code: str) -> tuple[int, int, int, int]:
    """Type and version, key id, coupon number and step of a code."""
    assert len(code) == 50 and code[:2] == "R1"
    raw = base64.b32decode(code[2:])
    assert len(raw) == 30
    return raw[0], raw[1], int.from_bytes(raw[2:10], "big"), int.from_bytes(raw[10:14], "big")


def renewed(renewal_key: str, shown: str, step: int) -> str:
    """The code of another step, from the renewal key and any code of the same coupon."""
    key = base64.urlsafe_b64decode(renewal_key + "=" * (-len(renewal_key) % 4))
    head = base64.b32decode(shown[2:])[:10] + step.to_bytes(4, "big")
    mac = hmac.new(key, b"R1" + head, hashlib.sha256).digest()[:16]
    return "R1" + base64.b32encode(head + mac).decode()


def step_now() -> int:
    """The step of this moment."""
    return int(time.time()) // 15


def flipped(code: str, byte: int, bit: int = 0) -> str:
    """The same code with one bit changed."""
    raw = bytearray(base64.b32decode(code[2:]))
    raw[byte] ^= 1 << bit
    return "R1" + base64.b32encode(bytes(raw)).decode()
