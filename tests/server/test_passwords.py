"""Passwords: five tries a quarter of an hour, the same for logins that nobody has; one-time codes good once."""

import asyncio
import time
from datetime import datetime, timedelta

import pyotp
import pytest
from argon2 import PasswordHasher

from common.database import fetch_all
from server import passwords
from server.passwords import ALLOWED_FAILURES, WINDOW, LoginFailed, TooManyAttempts, check, totp_step
from tests.factories.databases import database, kept_database  # noqa: F401 - fixtures
from tests.factories.moments import NOON

RIGHT, WRONG = "correct horse battery", "wrong horse battery"
# Cheap to check: what is tested here is mostly the counting.
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(RIGHT)
SECOND = timedelta(seconds=1)
counted = pytest.mark.usefixtures("database")


async def sign_in(
    password: str = RIGHT,
    login: str = "clerk",
    password_hash: str | None = HASH,
    at: datetime = NOON,
    kind: str = "staff",
) -> None:
    await check(kind, login, password, password_hash, at)


async def outcome(**how: object) -> str:
    """`in`, or the code of the refusal."""
    try:
        await sign_in(**how)  # type: ignore[arg-type]
    except (LoginFailed, TooManyAttempts) as refused:
        return refused.code
    return "in"


@counted
async def test_the_right_password_lets_in_and_forgets_what_was_wrong() -> None:
    for _ in range(3):
        for _ in range(ALLOWED_FAILURES - 1):
            assert await outcome(password=WRONG) == "login_failed"
        assert await outcome() == "in"
    assert await fetch_all("SELECT 1 FROM login_failures") == []


@counted
@pytest.mark.parametrize("password_hash", [HASH, None], ids=["known", "unknown"])
async def test_the_sixth_try_is_locked_out_for_known_and_unknown_logins_alike(
    password_hash: str | None,
) -> None:
    assert ALLOWED_FAILURES == 5
    said = [await outcome(password=WRONG, password_hash=password_hash) for _ in range(8)]
    assert said == ["login_failed"] * 5 + ["too_many_attempts"] * 3


@counted
async def test_a_shift_that_signs_in_at_once_with_the_right_password_is_no_attack() -> None:
    said = await asyncio.gather(*(outcome() for _ in range(4 * ALLOWED_FAILURES)))
    assert said == ["in"] * len(said)
    assert not passwords._turns


@counted
async def test_the_right_password_does_not_help_while_locked_out() -> None:
    for _ in range(ALLOWED_FAILURES):
        await outcome(password=WRONG)
    with pytest.raises(TooManyAttempts) as refused:
        await sign_in(at=NOON + timedelta(minutes=5))
    assert refused.value.retry_after_s == 600


@counted
async def test_the_window_begins_with_the_first_failure_and_is_not_prolonged() -> None:
    for number in range(20):
        await outcome(password=WRONG, at=NOON + number * SECOND)
    assert timedelta(minutes=15) == WINDOW
    assert await outcome(at=NOON + WINDOW - SECOND) == "too_many_attempts"
    assert await outcome(at=NOON + WINDOW) == "in"


@counted
async def test_a_new_window_counts_from_one() -> None:
    for moment in (NOON, NOON + WINDOW, NOON + 2 * WINDOW):
        said = [await outcome(password=WRONG, at=moment) for _ in range(6)]
        assert said == ["login_failed"] * 5 + ["too_many_attempts"]


@counted
async def test_logins_and_kinds_are_counted_apart() -> None:
    for _ in range(ALLOWED_FAILURES + 1):
        await outcome(password=WRONG)
    assert await outcome() == "too_many_attempts"
    assert await outcome(login="another") == "in"
    assert await outcome(kind="admin") == "in"


@counted
async def test_guesses_at_once_are_counted_before_they_are_checked() -> None:
    said = await asyncio.gather(*(outcome(password=WRONG, at=NOON) for _ in range(20)))
    assert (said.count("login_failed"), said.count("too_many_attempts")) == (5, 15)


@counted
async def test_which_logins_were_tried_can_not_be_read() -> None:
    await outcome(password=WRONG, login="a-login-that-tells")
    (row,) = await fetch_all("SELECT * FROM login_failures")
    assert len(row["login_hash"]) == 32 and b"a-login-that-tells" not in row["login_hash"]


@counted
async def test_an_unknown_login_costs_as_much_as_a_known_one() -> None:
    async def cost(login: str, password_hash: str | None) -> float:
        times = []
        for _ in range(2):
            began = time.process_time()
            assert await outcome(password=WRONG, login=login, password_hash=password_hash) == "login_failed"
            times.append(time.process_time() - began)
        return min(times)

    known, unknown = await cost("known", passwords.hashed(RIGHT)), await cost("unknown", None)
    assert unknown > known / 2 > 0.005


@counted
@pytest.mark.parametrize("password", ["", WRONG, RIGHT + " ", RIGHT.upper(), "\0", "密码" * 50])
async def test_only_the_password_itself_is_right(password: str) -> None:
    assert await outcome(password=password) == "login_failed"


@counted
@pytest.mark.parametrize("broken", ["", "none", "$argon2id$broken", "plain text"])
async def test_a_broken_hash_lets_nobody_in(broken: str) -> None:
    with pytest.raises(LoginFailed):
        await check("staff", "clerk", broken, broken, NOON)


def test_a_password_is_kept_as_a_salted_argon2id_hash() -> None:
    again = passwords.hashed(RIGHT)
    assert again.startswith("$argon2id$v=19$m=65536,") and RIGHT not in again
    assert again != passwords.hashed(RIGHT)


SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
STEP = int(NOON.timestamp()) // 30


@pytest.mark.parametrize(("steps", "is_good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_one_time_code_is_good_in_its_step_and_one_on_either_side(steps: int, is_good: bool) -> None:
    code = pyotp.TOTP(SECRET).generate_otp(STEP + steps)
    assert totp_step(SECRET, code, 0, NOON) == (STEP + steps if is_good else None)


def test_a_burnt_step_and_those_before_it_are_no_good() -> None:
    totp = pyotp.TOTP(SECRET)
    for burnt, good in ((STEP - 2, [-1, 0, 1]), (STEP - 1, [0, 1]), (STEP, [1]), (STEP + 1, [])):
        found = [
            offset
            for offset in (-1, 0, 1)
            if totp_step(SECRET, totp.generate_otp(STEP + offset), burnt, NOON) is not None
        ]
        assert found == good


@pytest.mark.parametrize("code", ["", "0", "abcdef", "１２３４５６", "0000000"])
def test_other_texts_are_no_one_time_codes(code: str) -> None:
    assert totp_step(SECRET, code, 0, NOON) is None
