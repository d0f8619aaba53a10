"""券码: what a phone shows and a clerk scans. Form and MAC are judged here, before any database.

Text: `R1` and the base32 (RFC 4648, upper case, no padding) of 30 bytes:

    0      type and version, 0x11
    1      id of the master key
    2-9    coupon number: two bytes of cell, six random ones
    10-13  step: unix seconds // 15, big-endian
    14-29  first 16 bytes of HMAC-SHA-256(coupon key, "R1" + bytes 0-13)

The coupon key is derived from the master key, the coupon number and the coupon's key generation. A new
generation kills every code and renewal key of the one before. Nothing in a code names a person or a tier.
"""

import base64
import binascii
import hmac
from dataclasses import dataclass

from benefits.refusals import CodeForged, CodeMalformed

PREFIX = "R1"
TYPE_AND_VERSION = 0x11
STEP_S = 15
# A code is good in its step and one on either side.
WINDOW_STEPS = 1
# The last generation is never given to a phone, so that a lost one can always be shut out.
GENERATIONS = 32
TEXT_LENGTH = 50
HEAD_BYTES = 14
MAC_BYTES = 16


@dataclass(frozen=True)
class KeyRing:
    """Master keys of ≥ 32 bytes by their one-byte id. The first makes new codes, all of them verify.

    Raises:
        ValueError: there is no key, or an id is no byte.
    """

    keys: dict[int, bytes]

    def __post_init__(self) -> None:
        if not self.keys or not all(0 <= key_id <= 255 for key_id in self.keys):
            raise ValueError("ids of master keys go from 0 to 255")

    @property
    def current_id(self) -> int:
        """The id that new codes carry."""
        return next(iter(self.keys))


@dataclass(frozen=True, slots=True)
class Code:
    """A code whose form and MAC are good. Whether its generation is still the coupon's is for the database."""

    number: int
    step: int
    generation: int


def step_at(unix_s: float) -> int:
    """The step that a moment lies in."""
    return int(unix_s) // STEP_S


def is_in_window(step: int, unix_s: float) -> bool:
    """Whether a code of this step is good at this moment."""
    return abs(step - step_at(unix_s)) <= WINDOW_STEPS


def coupon_key(master_key: bytes, number: int, generation: int) -> bytes:
    """The 32-byte key that a coupon's codes of one generation are made with."""
    return hmac.digest(master_key, b"coupon key" + number.to_bytes(8) + generation.to_bytes(1), "sha256")


def make(keys: KeyRing, number: int, generation: int, step: int) -> str:
    """The text of a code, by the current master key."""
    head = _head(keys.current_id, number, step)
    return _text(head + _mac(coupon_key(keys.keys[keys.current_id], number, generation), head))


def renewal_key(keys: KeyRing, number: int, generation: int) -> str:
    """What lets a phone make this coupon's codes without a network: the coupon key, base64url, no padding.

    It belongs to the master key id in byte 1 of the code that is handed out with it.
    """
    key = coupon_key(keys.keys[keys.current_id], number, generation)
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode()


def verify(keys: KeyRing, text: str) -> Code:
    """Read a scanned text, in upper or lower case and with blanks around it.

    Every comparison of a MAC takes the same time, and a forged code costs all generations, so that
    nothing can be learned from how long a refusal took.

    Raises:
        CodeMalformed: prefix, length, alphabet or type.
        CodeForged: an unknown master key, or no generation's MAC.
    """
    raw = _decode(text)
    head, mac = raw[:HEAD_BYTES], raw[HEAD_BYTES:]
    number, step = int.from_bytes(head[2:10]), int.from_bytes(head[10:14])
    master_key = keys.keys.get(head[1])
    if master_key is None:
        raise CodeForged
    for generation in range(GENERATIONS):
        if hmac.compare_digest(_mac(coupon_key(master_key, number, generation), head), mac):
            return Code(number, step, generation)
    raise CodeForged


def _decode(text: str) -> bytes:
    # Only ASCII has an upper case that is one letter of the alphabet and nothing else.
    text = text.strip().upper() if text.isascii() else ""
    body = text[len(PREFIX) :]
    if len(text) != TEXT_LENGTH or not text.startswith(PREFIX):
        raise CodeMalformed
    try:
        raw = base64.b32decode(body)
    except binascii.Error:  # a letter that the alphabet does not have, or padding
        raise CodeMalformed from None
    if len(raw) != HEAD_BYTES + MAC_BYTES or raw[0] != TYPE_AND_VERSION:
        raise CodeMalformed
    return raw


def _head(key_id: int, number: int, step: int) -> bytes:
    return bytes((TYPE_AND_VERSION, key_id)) + number.to_bytes(8) + step.to_bytes(4)


def _mac(key: bytes, head: bytes) -> bytes:
    return hmac.digest(key, PREFIX.encode() + head, "sha256")[:MAC_BYTES]


def _text(raw: bytes) -> str:
    return PREFIX + base64.b32encode(raw).decode()
