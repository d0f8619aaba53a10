"""Passwords and the lock-out after wrong ones: the same answer and the same time for known and unknown logins."""

import asyncio
import hashlib
from datetime import datetime, timedelta
from functools import cache
from weakref import WeakValueDictionary

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from common.database import execute, fetch_one
from common.errors import Invalid, TooMany, Unauthenticated
from server.common_passwords import is_commonplace

ALLOWED_FAILURES = 5
WINDOW = timedelta(minutes=15)
MIN_LENGTH = 12
# Of a member's staff, who sign in behind a counter; alliance admins need more (NIST SP 800-63B: eight and up).
STAFF_MIN_LENGTH = 10

_hasher = PasswordHasher()
# 64 MiB each: a rush of sign-ins waits instead of filling the memory.
_at_once = asyncio.Semaphore(2)
# Kept only as long as somebody holds or waits for one.
_turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()


class LoginFailed(Unauthenticated):
    """Unknown login or wrong password: never which."""

    code = "login_failed"
    zh = "登录名或密码不对，请重新输入。忘记密码请联系店长或联盟管理员。"
    en = "Login or password is not right. If you forgot it, ask your manager or the alliance office."


class AdminLoginFailed(LoginFailed):
    """The same for those who sign in with a one-time code too."""

    zh = "登录名、密码或动态口令不对，请重新输入。忘记密码请联系联盟管理员。"
    en = "Login, password or one-time code is not right. If you forgot the password, ask the alliance office."


class TooManyAttempts(TooMany):
    """Too many wrong passwords for this login, known or not."""

    code = "too_many_attempts"
    zh = "输错次数太多，这个账号先锁住了，最多等 15 分钟再试。"
    en = "Too many wrong tries; the login is locked for up to 15 minutes."


class PasswordWeak(Invalid):
    """Too short, or easy to guess: the login, one of the commonest, a row of signs. What it is made of is free."""

    code = "password_weak"
    pointer = "/password"
    zh = "密码至少 {least} 个字符，不能是登录名、常见密码、手机号或连续、重复的字符。请换一个，例如几个不相干的词连在一起。"
    en = "The password needs {least} characters or more, and must not be the login, a common one, a phone number or a row of signs. Try several unrelated words."


def refuse_weak(password: str, login: str, least: int = MIN_LENGTH) -> None:
    """Let a new password pass (NIST SP 800-63B).

    Raises:
        PasswordWeak: it says which rules there are, never which one was broken.
    """
    if len(password) < least or is_commonplace(password, login):
        raise PasswordWeak(least=least)


async def fresh(password: str, login: str) -> str:
    """The hash of a new password of a member's staff.

    Raises:
        PasswordWeak: shorter than ten characters, or easy to guess.
    """
    refuse_weak(password, login, STAFF_MIN_LENGTH)
    return await hash_of(password)


def hashed(password: str) -> str:
    """An argon2id hash with the library's current parameters."""
    return _hasher.hash(password)


async def hash_of(password: str) -> str:
    """The same beside the event loop, and no more at once than the memory holds."""
    async with _at_once:
        return await asyncio.to_thread(hashed, password)


async def check(kind: str, login: str, password: str, password_hash: str | None, now: datetime) -> None:
    """Check a password; an unknown login (no hash) costs as much as a known one.

    Args:
        kind: `staff` or `admin`; each counts failures of its own.

    Raises:
        TooManyAttempts: five failures within 15 minutes; also for the right password then.
        LoginFailed: not right; counted.
    """
    async with _turn_of(kind, login):
        # Counted before it is checked, so that a thousand guesses at once are still five.
        await _count_try(kind, login, now)
        async with _at_once:
            # Made by the first sign-in of a process, whoever's it is: both kinds take the same time.
            nobodys_hash = await asyncio.to_thread(_nobodys_hash)
            is_right = await asyncio.to_thread(_verify, password_hash or nobodys_hash, password)
        if not is_right or password_hash is None:
            raise refusal_of(kind)
        await forgive(kind, login)


def refusal_of(kind: str) -> type[LoginFailed]:
    """How a failed sign-in is told to an audience."""
    return AdminLoginFailed if kind == "admin" else LoginFailed


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("nobody has this password")


def _turn_of(kind: str, login: str) -> asyncio.Lock:
    """One try after the other per login: six phones with the right password at once are no six guesses."""
    return _turns.setdefault((kind, login), asyncio.Lock())


async def forgive(kind: str, login: str) -> None:
    """Forget the failures of a login: it was the right person after all."""
    await execute("DELETE FROM login_failures WHERE login_hash = $1", _login_hash(kind, login))


async def _count_try(kind: str, login: str, now: datetime) -> None:
    """Count one try; the window begins with the first and is not prolonged by more."""
    row = await fetch_one(
        "INSERT INTO login_failures AS f (login_hash, failures, window_ends_at) VALUES ($1, 1, $2)"
        " ON CONFLICT (login_hash) DO UPDATE SET"
        "  failures = CASE WHEN f.window_ends_at <= $3 THEN 1 ELSE f.failures + 1 END,"
        "  window_ends_at = CASE WHEN f.window_ends_at <= $3 THEN $2 ELSE f.window_ends_at END"
        " RETURNING failures, window_ends_at",
        *(_login_hash(kind, login), now + WINDOW, now),
    )
    if row is not None and row["failures"] > ALLOWED_FAILURES:
        raise TooManyAttempts(retry_after_s=max(1, int((row["window_ends_at"] - now).total_seconds())))


def _login_hash(kind: str, login: str) -> bytes:
    return hashlib.sha256(f"{kind}:{login}".encode()).digest()


def totp_step(secret: str, code: str, last_step: int, now: datetime) -> int | None:
    """The step that a one-time code (RFC 6238) is good for, or nothing.

    Args:
        last_step: the newest step that was used; it and older ones are burnt.
    """
    totp = pyotp.TOTP(secret)
    present = int(now.timestamp()) // totp.interval
    for step in (present, present - 1, present + 1):
        if step > last_step and pyotp.utils.strings_equal(totp.generate_otp(step), code):
            return step
    return None


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
