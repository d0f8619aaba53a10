"""What a clerk is told whose count of the day is not the service's."""

import pytest

from benefits.day_closes import DayClosed

COLUMNS = ("redemptions", "reversals", "discount_fen")
WORDS = {
    (1, 0, 0): ("核销相差 +1 笔", "+1 redemptions"),
    (0, -1, 0): ("撤销相差 -1 笔", "-1 reversals"),
    (0, 0, -150): ("优惠相差 -1.50 元", "-1.50 yuan"),
    (1, 0, 150): ("核销相差 +1 笔，优惠相差 +1.50 元", "+1 redemptions, +1.50 yuan"),
    (2, 1, -5): (
        "核销相差 +2 笔，撤销相差 +1 笔，优惠相差 -0.05 元",
        "+2 redemptions, +1 reversals, -0.05 yuan",
    ),
}


@pytest.mark.parametrize("differences", WORDS)
def test_only_what_differs_is_named(differences: tuple[int, int, int]) -> None:
    counted = {name: 200 + one for name, one in zip(COLUMNS, differences, strict=True)}
    closed = DayClosed({**counted, **{f"server_{name}": 200 for name in COLUMNS}})
    zh, en = WORDS[differences]
    assert closed.sentence("zh") == f"清点与系统不一致：{zh}。请对照当天的核销记录核对后重新日结。"
    assert closed.sentence("en").startswith(f"Your count differs: {en} against the service.")
