"""The code: its bytes as the contract has them, read here by an implementation of its own, and what is refused."""

import base64
import hashlib
import hmac
import random
import string
from itertools import pairwise

import pytest

from benefits import attempts
from benefits.codes import (
    GENERATIONS,
    KeyRing,
    coupon_key,
    is_in_window,
    make,
    renewal_key,
    step_at,
    verify,
)
from benefits.redemptions import redeem
from benefits.refusals import CodeForged, CodeMalformed
from common import database
from common.actors import StaffActor
from common.errors import DomainError
from common.ids import new_coupon_number
from tests.factories.moments import NOON
from tests.factories.offers import STORE
from tests.factories.scans import SCAN_KEYS, a_key, an_order

OLD, NEW = b"an old master key, 32 bytes long", b"a new master key, 32 bytes long."
RING = KeyRing({7: NEW, 3: OLD})
NUMBER, STEP = 0x0000_1234_5678_9ABC, 118_848_960
ALPHABET = string.ascii_uppercase + "234567"


def decoded(text: str) -> bytes:
    """30 bytes of a code, by the contract: `R1`, base32 without padding."""
    assert text[:2] == "R1"
    return base64.b32decode(text[2:])


def by_hand(key: bytes, key_id: int, number: int, step: int) -> str:
    """A code as a phone makes it from its coupon key."""
    head = bytes([0x11, key_id]) + number.to_bytes(8, "big") + step.to_bytes(4, "big")
    mac = hmac.new(key, b"R1" + head, hashlib.sha256).digest()[:16]
    return "R1" + base64.b32encode(head + mac).decode()


def test_the_bytes_are_those_of_the_contract() -> None:
    text = make(RING, NUMBER, 0, STEP)
    raw = decoded(text)
    assert len(text) == 50 and len(raw) == 30
    assert raw[0] == 0x11
    assert raw[1] == 7
    assert raw[2:10] == NUMBER.to_bytes(8, "big") and raw[2:4] == b"\0\0"
    assert int.from_bytes(raw[10:14], "big") == STEP
    expected = hmac.new(coupon_key(NEW, NUMBER, 0), b"R1" + raw[:14], hashlib.sha256).digest()
    assert raw[14:] == expected[:16]


def test_a_code_is_of_qr_codes_alphanumeric_alphabet() -> None:
    assert set(make(RING, NUMBER, 0, STEP)) <= set(ALPHABET + "1")


def test_a_phone_makes_the_same_codes_from_its_renewal_key() -> None:
    handed_out = renewal_key(RING, NUMBER, 2)
    assert "=" not in handed_out and len(handed_out) == 43
    key = base64.urlsafe_b64decode(handed_out + "=")
    for step in (STEP, STEP + 1, STEP + 4000):
        assert by_hand(key, 7, NUMBER, step) == make(RING, NUMBER, 2, step)


def test_the_coupon_key_depends_on_master_key_number_and_generation() -> None:
    keys = {
        coupon_key(master, number, generation)
        for master in (OLD, NEW)
        for number in (NUMBER, NUMBER + 1)
        for generation in (0, 1)
    }
    assert len(keys) == 8 and all(len(key) == 32 for key in keys)


@pytest.mark.parametrize("generation", [0, 1, GENERATIONS - 1])
def test_a_code_is_read_back_with_its_number_step_and_generation(generation: int) -> None:
    code = verify(RING, make(RING, NUMBER, generation, STEP))
    assert (code.number, code.step, code.generation) == (NUMBER, STEP, generation)


@pytest.mark.parametrize("shape", ["{}", "  {}", "{}\n", "\t{} \r\n"])
def test_lower_case_and_blanks_around_are_accepted(shape: str) -> None:
    text = make(RING, NUMBER, 0, STEP)
    assert verify(RING, shape.format(text)) == verify(RING, shape.format(text.lower())) == verify(RING, text)


def test_every_flipped_bit_is_refused() -> None:
    good = decoded(make(RING, NUMBER, 0, STEP))
    said = []
    for bit in range(len(good) * 8):
        raw = bytearray(good)
        raw[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DomainError) as refused:
            verify(RING, "R1" + base64.b32encode(raw).decode())
        said.append(refused.value.code)
    assert said == ["code_malformed"] * 8 + ["code_forged"] * 29 * 8


GOOD = make(RING, NUMBER, 0, STEP)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "R1",
        GOOD[:-1],
        GOOD + "A",
        "R2" + GOOD[2:],
        "r0" + GOOD[2:],
        GOOD[2:],
        "R1" + GOOD,
        GOOD[:-1] + "1",
        GOOD[:-1] + "0",
        GOOD[:-1] + "=",
        GOOD[:-1] + "é",
        GOOD[:25] + " " + GOOD[25:],
        GOOD[:25] + " " + GOOD[26:],
        GOOD[:25] + "\0" + GOOD[26:],
        "https://example.com/" + "A" * 30,
        "一" * 50,
    ],
)
def test_wrong_prefix_length_or_alphabet_is_malformed(text: str) -> None:
    with pytest.raises(CodeMalformed):
        verify(RING, text)


@pytest.mark.parametrize(("letter", "lookalike"), [("S", "ſ"), ("I", "ı")])
def test_a_foreign_letter_is_no_letter_of_the_alphabet(letter: str, lookalike: str) -> None:
    step = next(step for step in range(STEP, STEP + 500) if letter in make(RING, NUMBER, 0, step)[2:])
    text = make(RING, NUMBER, 0, step)
    with pytest.raises(CodeMalformed):
        verify(RING, text[:2] + text[2:].replace(letter, lookalike))


def test_another_first_byte_is_malformed_even_with_a_good_mac() -> None:
    for first in set(range(256)) - {0x11}:
        head = bytes([first, 7]) + NUMBER.to_bytes(8, "big") + STEP.to_bytes(4, "big")
        mac = hmac.new(coupon_key(NEW, NUMBER, 0), b"R1" + head, hashlib.sha256).digest()[:16]
        with pytest.raises(CodeMalformed):
            verify(RING, "R1" + base64.b32encode(head + mac).decode())


def test_an_unknown_key_id_is_forged() -> None:
    for key_id in set(range(256)) - set(RING.keys):
        with pytest.raises(CodeForged):
            verify(RING, by_hand(coupon_key(NEW, NUMBER, 0), key_id, NUMBER, STEP))


def test_a_retired_master_key_still_verifies_and_makes_no_new_codes() -> None:
    before = make(KeyRing({3: OLD}), NUMBER, 0, STEP)
    assert verify(RING, before).number == NUMBER
    assert decoded(make(RING, NUMBER, 0, STEP))[1] == 7
    with pytest.raises(CodeForged):
        verify(KeyRing({7: NEW}), before)


def test_a_key_under_another_id_is_another_key() -> None:
    with pytest.raises(CodeForged):
        verify(KeyRing({3: NEW, 7: OLD}), GOOD)


def test_generations_beyond_the_last_are_forged() -> None:
    with pytest.raises(CodeForged):
        verify(RING, by_hand(coupon_key(NEW, NUMBER, GENERATIONS), 7, NUMBER, STEP))


@pytest.mark.parametrize("keys", [{}, {-1: OLD}, {256: OLD}, {1: OLD, 300: NEW}])
def test_a_key_ring_needs_a_key_and_ids_of_one_byte(keys: dict[int, bytes]) -> None:
    with pytest.raises(ValueError, match="0 to 255"):
        KeyRing(keys)


def test_steps_are_fifteen_seconds_long() -> None:
    start = STEP * 15
    assert [step_at(start + offset) - STEP for offset in (-0.001, 0, 14.999, 15)] == [-1, 0, 0, 1]


@pytest.mark.parametrize(
    ("offset_s", "is_good"),
    [(-15.001, False), (-15, True), (0, True), (14.999, True), (29.999, True), (30, False), (10**9, False)],
)
def test_a_code_is_good_in_its_step_and_one_on_either_side(offset_s: float, is_good: bool) -> None:
    assert is_in_window(STEP, STEP * 15 + offset_s) is is_good


def test_coupon_numbers_have_the_cell_in_front_and_do_not_follow_each_other() -> None:
    numbers = [new_coupon_number() for _ in range(1000)]
    assert len(set(numbers)) == 1000 and max(numbers) < 2**48
    assert len({after - before for before, after in pairwise(numbers)}) > 990


async def test_a_hundred_thousand_guesses_never_reach_the_database() -> None:
    """No connection is open here: a code that got through would raise another error."""
    guesses = random.Random(20260304)
    clerk = StaffActor(STORE, STORE, STORE)
    order, request = an_order(STORE), a_key()
    with pytest.raises(Exception, match="."):
        await database.fetch_one("SELECT 1")
    counted = {"code_malformed": 0, "code_forged": 0}
    for place in range(100_000):
        raw = guesses.randbytes(30)
        # Most guess the key's id too, some know it, and one in ten knows nothing of the form.
        head = b"" if place % 10 == 0 else b"\x11\x01" if place % 10 == 1 else b"\x11"
        text = "R1" + base64.b32encode((head + raw)[:30]).decode()
        try:
            await redeem(clerk, text, order, request, SCAN_KEYS, NOON)
        except (CodeForged, CodeMalformed) as refused:
            counted[refused.code] += 1
    assert sum(counted.values()) == 100_000
    assert {code: attempts._counted.pop((STORE, code)) for code in counted} == counted
    assert counted["code_forged"] >= 90_000
