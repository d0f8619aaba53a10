"""The bytes of requests, made before they are sent."""

import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection

from bench.load import LoadFailed
from benefits import codes
from common.clock import now

CLERKS = ("demo-cashier", "demo-cashier-2")
# A code is good in its step and the ones beside it: made for the middle of a run, it is good for all of one
# that is no longer than this (the length of two steps).
LONGEST_RUN_S = 2 * codes.STEP_S


@dataclass(frozen=True)
class Clerk:
    """A signed-in clerk and the store where he redeems."""

    token: str
    store_id: str


def sign_in(address: tuple[str, int], login: str) -> Clerk:
    """Sign a clerk in.

    Raises:
        LoadFailed: he is not let in.
    """
    body = json.dumps({"login": login, "password": login}).encode()
    head = f"POST /api/v1/auth/staff HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    said = json.loads(ask(address, head.encode() + body, 200))
    return Clerk(said["access_token"], said["staff"]["stores"][0]["id"])


def redeems(keys: codes.KeyRing, clerks: Sequence[Clerk], numbers: Iterable[int], in_s: float) -> list[bytes]:
    """One redemption for each coupon number; the clerks take turns.

    Args:
        in_s: seconds from now to the middle of the run, which the codes are made for.
    """
    step = codes.step_at(now().timestamp() + in_s)
    tails = [b'","store_id":"%b","order_amount_fen":10000}' % clerk.store_id.encode() for clerk in clerks]
    # The code has a fixed length and so has the body.
    length = len(b'{"code":"') + codes.TEXT_LENGTH + len(tails[0])
    heads = [
        b"POST /api/v1/redemptions HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %b\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\nIdempotency-Key: bench-"
        % (clerk.token.encode(), length)
        for clerk in clerks
    ]
    made = []
    for number in numbers:
        turn = number % len(clerks)
        code = codes.make(keys, number, 0, step).encode()
        made.append(b'%b%08d\r\n\r\n{"code":"%b%b' % (heads[turn], number, code, tails[turn]))
    return made


def claim(path: str, token: str, key: str) -> bytes:
    """One claim."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: {key}\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    ).encode()


def ask(address: tuple[str, int], request: bytes, status: int) -> bytes:
    """The body that one request is answered with.

    Raises:
        LoadFailed: the answer has another status.
    """
    head, _, body = request.decode().partition("\r\n\r\n")
    line, *headers = head.split("\r\n")
    method, path, _ = line.split(" ")
    with closing(HTTPConnection(*address, timeout=30)) as connection:
        connection.request(method, path, body or None, dict(header.split(": ", 1) for header in headers))
        answer = connection.getresponse()
        text = answer.read()
    if answer.status != status:
        raise LoadFailed(f"{method} {path} was answered with {answer.status} {text[:200]!r}")
    return text


def get(path: str, token: str = "") -> bytes:
    """A GET, by somebody who is signed in when there is a token."""
    signed = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n{signed}\r\n".encode()
