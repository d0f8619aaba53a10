"""A discount is said in the words of the pages, short, and its amounts can't break in two."""

from typing import Any

import pytest

from models.enums import DiscountKind
from server.api.offer_views import discount_out
from tests.factories.offers import some_terms

SAID: list[tuple[str, DiscountKind, dict[str, Any]]] = [
    ("8 折", DiscountKind.PERCENT_OFF, {"percent_off": 20}),
    ("8.5 折，最多减 ¥20", DiscountKind.PERCENT_OFF, {"percent_off": 15, "cap_fen": 2_000}),
    ("减 ¥5", DiscountKind.AMOUNT_OFF, {"amount_off_fen": 500}),
    ("满 ¥15 减 ¥3", DiscountKind.THRESHOLD_OFF, {"threshold_fen": 1_500, "amount_off_fen": 300}),
    ("满 ¥1,200 减 ¥9.05", DiscountKind.THRESHOLD_OFF, {"threshold_fen": 120_000, "amount_off_fen": 905}),
    ("只要 ¥9.90", DiscountKind.FIXED_PRICE, {"fixed_price_fen": 990}),
    ("免费", DiscountKind.FREE, {}),
    ("免费：门票", DiscountKind.FREE, {"gift": "门票"}),
    ("免押金，原来要交 ¥300", DiscountKind.DEPOSIT_WAIVED, {"deposit_fen": 30_000}),
    ("绿色通道", DiscountKind.PRIORITY_LANE, {}),
    ("先享后付，7 天内付款", DiscountKind.PAY_LATER, {"pay_later_days": 7}),
    ("更高额度，提高到 5", DiscountKind.HIGHER_LIMIT, {"higher_limit": 5}),
]


@pytest.mark.parametrize(("text", "kind", "figures"), SAID)
def test_a_discount_is_said_in_a_few_words(text: str, kind: DiscountKind, figures: dict[str, Any]) -> None:
    assert discount_out(some_terms(**{"percent_off": None, "discount_kind": kind, **figures})).text == text
