"""Ids, money, masks and request keys."""

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.ids import AFTER_ALL, new_id, new_subject_id
from common.masking import masked_name, masked_numbers
from common.money import MAX_FEN, percent_of, yuan
from common.request_keys import request_key


def test_ids_sort_by_the_time_of_their_making() -> None:
    ids = [new_id() for _ in range(2000)]
    assert ids == sorted(ids) and len(set(ids)) == 2000
    assert type(ids[0]) is UUID and {id_.version for id_ in ids} == {7}
    assert all(id_ < AFTER_ALL for id_ in ids)


def test_subject_ids_tell_nothing() -> None:
    ids = [new_subject_id() for _ in range(2000)]
    assert {id_.version for id_ in ids} == {4} and len(set(ids)) == 2000 and ids != sorted(ids)


@settings(deadline=None)
@given(amount=st.integers(0, MAX_FEN), percent=st.integers(0, 100))
def test_per_cents_round_up_to_a_whole_fen(amount: int, percent: int) -> None:
    found = percent_of(amount, percent)
    assert (found - 1) * 100 < amount * percent <= found * 100


@pytest.mark.parametrize(
    ("fen", "text"), [(0, "0.00"), (5, "0.05"), (12_345, "123.45"), (MAX_FEN, "10000000.00")]
)
def test_fen_are_told_as_yuan(fen: int, text: str) -> None:
    assert yuan(fen) == text


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("打13712345678找我", "打137****5678找我"),
        ("+8613712345678", "137****5678"),
        ("008613712345678", "137****5678"),
        ("+86 137 1234 5678", "137****5678"),
        ("137-1234-5678。", "137****5678。"),
        ("身份证33010619900307123x", "身份证3****************x"),
        ("330106 19900307 1234", "3****************4"),
        ("没有这一天330106199013991234", "没有这一天3****************4"),
        ("旧证330106900307123", "旧证3****************3"),
        ("单号20261127000001234，共12345678901元", "单号20261127000001234，共12345678901元"),
    ],
)
def test_numbers_of_people_lose_their_middle_however_they_are_typed(typed: str, shown: str) -> None:
    """Rule 14."""
    assert masked_numbers(typed) == shown


@pytest.mark.parametrize(
    ("name", "shown"), [("王大友", "*大友"), ("王", "*"), ("", ""), ("欧阳娜娜", "*阳娜娜"), ("Anna", "*nna")]
)
def test_a_name_loses_its_first_character(name: str, shown: str) -> None:
    """Rule 14."""
    assert masked_name(name) == shown


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"a":2}', ("x",)),
        (b"", ("x",)),
        (b'{"a":1}', ("y",)),
        (b'{"a":1}', ("x", "y")),
        (b'{"a":1}', ()),
    ],
)
def test_any_other_value_or_path_is_another_request(body: bytes, path: tuple[str, ...]) -> None:
    one = request_key("k", b'{"a":1}', "x")
    other = request_key("k", body, *path)
    assert one.body_hash != other.body_hash and len(one.body_hash) == len(other.body_hash) == 32
    assert one.key == other.key == "k"
