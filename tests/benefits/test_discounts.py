"""What a benefit takes off an order: each kind, its caps, and never a fen less than promised."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benefits.discounts import NEEDS_AMOUNT, Discount, discount
from benefits.refusals import AmountRequired, BelowThreshold
from benefits.terms import Terms
from common.money import MAX_FEN
from models.enums import DiscountKind
from tests.factories.offers import some_terms

PERCENT, AMOUNT, THRESHOLD, FIXED = (
    DiscountKind.PERCENT_OFF,
    DiscountKind.AMOUNT_OFF,
    DiscountKind.THRESHOLD_OFF,
    DiscountKind.FIXED_PRICE,
)
WITHOUT_PRICE = (
    DiscountKind.DEPOSIT_WAIVED,
    DiscountKind.PRIORITY_LANE,
    DiscountKind.PAY_LATER,
    DiscountKind.HIGHER_LIMIT,
)


@pytest.mark.parametrize(
    ("kind", "terms", "order_fen", "uses", "off_fen"),
    [
        (PERCENT, {"percent_off": 20}, 10_000, 1, 2_000),
        (PERCENT, {"percent_off": 20}, 10_001, 1, 2_001),
        (PERCENT, {"percent_off": 20}, 1, 1, 1),
        (PERCENT, {"percent_off": 1}, 99, 1, 1),
        (PERCENT, {"percent_off": 99}, 101, 1, 100),
        (PERCENT, {"percent_off": 33}, 0, 1, 0),
        (PERCENT, {"percent_off": 20, "cap_fen": 1_500}, 10_000, 1, 1_500),
        (PERCENT, {"percent_off": 20, "cap_fen": 2_000}, 10_000, 1, 2_000),
        (PERCENT, {"percent_off": 20, "cap_fen": 1_500}, 10_000, 2, 2_000),
        (PERCENT, {"percent_off": 20, "cap_fen": 900}, 10_000, 2, 1_800),
        (PERCENT, {"percent_off": 99}, MAX_FEN, 1, 990_000_000),
        (AMOUNT, {"amount_off_fen": 300}, 10_000, 1, 300),
        (AMOUNT, {"amount_off_fen": 300}, 299, 1, 299),
        (AMOUNT, {"amount_off_fen": 300}, 0, 1, 0),
        (AMOUNT, {"amount_off_fen": 300}, 10_000, 3, 900),
        (THRESHOLD, {"threshold_fen": 10_000, "amount_off_fen": 3_000}, 10_000, 1, 3_000),
        (THRESHOLD, {"threshold_fen": 10_000, "amount_off_fen": 3_000}, 29_999, 1, 3_000),
        (THRESHOLD, {"threshold_fen": 10_000, "amount_off_fen": 3_000}, 20_000, 2, 6_000),
        (FIXED, {"fixed_price_fen": 1_500}, 4_000, 1, 2_500),
        (FIXED, {"fixed_price_fen": 1_500}, 1_500, 1, 0),
        (FIXED, {"fixed_price_fen": 1_500}, 900, 1, 0),
        (FIXED, {"fixed_price_fen": 0}, 900, 1, 900),
        (FIXED, {"fixed_price_fen": 1_500}, 4_000, 2, 1_000),
        (DiscountKind.FREE, {}, 8_800, 1, 8_800),
        *((kind, {}, 8_800, 2, 0) for kind in WITHOUT_PRICE),
    ],
)
def test_each_kind_takes_off_what_it_promises(
    kind: DiscountKind, terms: dict[str, Any], order_fen: int, uses: int, off_fen: int
) -> None:
    given_ = discount(some_terms(discount_kind=kind, **{"percent_off": 0, **terms}), order_fen, uses)
    assert given_ == Discount(off_fen, order_fen - off_fen)


@pytest.mark.parametrize(
    ("order_fen", "uses", "wanted", "missing"),
    [(9_999, 1, "100.00", "0.01"), (0, 1, "100.00", "100.00"), (19_900, 2, "200.00", "1.00")],
)
def test_below_the_threshold_says_how_much_is_missing(
    order_fen: int, uses: int, wanted: str, missing: str
) -> None:
    terms = some_terms(discount_kind=THRESHOLD, threshold_fen=10_000, amount_off_fen=3_000)
    with pytest.raises(BelowThreshold) as refused:
        discount(terms, order_fen, uses)
    assert refused.value.facts == {"threshold_yuan": wanted, "missing_yuan": missing}
    assert wanted in refused.value.sentence("zh") and missing in refused.value.sentence("en")


@pytest.mark.parametrize("kind", DiscountKind)
def test_an_amount_is_asked_for_only_where_the_benefit_depends_on_it(kind: DiscountKind) -> None:
    terms = some_terms(discount_kind=kind)
    if kind in NEEDS_AMOUNT:
        with pytest.raises(AmountRequired) as refused:
            discount(terms, None)
        assert refused.value.pointer == "/order_amount_fen"
    else:
        assert discount(terms, None) == Discount(0, None)


def test_the_kinds_that_depend_on_the_amount_are_these() -> None:
    assert {PERCENT, AMOUNT, THRESHOLD, FIXED} == NEEDS_AMOUNT


money = st.integers(min_value=0, max_value=MAX_FEN)
anything = st.builds(
    some_terms,
    discount_kind=st.sampled_from(DiscountKind),
    percent_off=st.integers(1, 99),
    cap_fen=st.none() | st.integers(1, MAX_FEN),
    amount_off_fen=st.integers(1, MAX_FEN),
    threshold_fen=st.just(0),
    fixed_price_fen=money,
)


@settings(deadline=None, max_examples=300)
@given(terms=anything, order_fen=money, uses=st.integers(1, 1000))
def test_a_discount_is_never_negative_nor_more_than_the_order(
    terms: Terms, order_fen: int, uses: int
) -> None:
    done = discount(terms, order_fen, uses)
    assert 0 <= done.discount_fen <= order_fen
    assert done.payable_fen == order_fen - done.discount_fen


@settings(deadline=None, max_examples=300)
@given(percent=st.integers(1, 99), order_fen=money)
def test_per_cents_round_up_by_less_than_a_fen(percent: int, order_fen: int) -> None:
    done = discount(some_terms(percent_off=percent), order_fen)
    in_hundredths = done.discount_fen * 100 - order_fen * percent
    assert 0 <= in_hundredths < 100


@settings(deadline=None, max_examples=200)
@given(
    # Of fixed prices each use costs one.
    terms=anything.filter(lambda terms: terms.discount_kind is not FIXED),
    order_fen=money,
    uses=st.integers(1, 100),
)
def test_more_uses_at_once_never_give_less(terms: Terms, order_fen: int, uses: int) -> None:
    assert discount(terms, order_fen, uses + 1).discount_fen >= discount(terms, order_fen, uses).discount_fen
