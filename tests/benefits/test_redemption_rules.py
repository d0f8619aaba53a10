"""Judging a scan, in the contract's order: window and burnt step, rights, what the coupon and the offer allow."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from benefits.codes import Code, step_at
from benefits.discounts import Discount
from benefits.redemption_rules import Clerk, CouponState, Order, judge
from benefits.terms import Terms
from common.errors import DomainError
from models.enums import CouponStatus, DiscountKind
from tests.factories.moments import NOON, shanghai
from tests.factories.offers import STORE, some_terms

MILLISECOND = timedelta(milliseconds=1)
TODAY, YESTERDAY = date(2026, 3, 4), date(2026, 3, 3)
STEP = step_at(NOON.timestamp())
COUPON = CouponState(
    status=CouponStatus.CLAIMED,
    key_generation=0,
    uses_total=1,
    uses_done=0,
    uses_day=None,
    uses_today=0,
    valid_from=NOON - timedelta(days=1),
    valid_until=NOON + timedelta(days=1),
    is_step_burnt=False,
    last_redeemed_at=None,
)
CLERK = Clerk(is_active=True, may_redeem_at_store=True, is_holder=False)
ORDER = Order(STORE, 10_000, 1)
FRESH = Code(number=1, step=STEP, generation=0)
USED_UP: dict[str, Any] = {
    "status": CouponStatus.REDEEMED,
    "uses_done": 1,
    "last_redeemed_at": NOON - timedelta(seconds=20),
}
PASS = {"uses_total": 10, "uses_done": 3}


def refusal(
    coupon: dict[str, Any] | None = None,
    clerk: dict[str, Any] | None = None,
    terms: Terms | None = None,
    code: dict[str, Any] | None = None,
    order: Order = ORDER,
    at: datetime = NOON,
) -> DomainError:
    """What a scan with these differences from a good one is refused with."""
    with pytest.raises(DomainError) as refused:
        judge(
            replace(COUPON, **(coupon or {})),
            replace(CLERK, **(clerk or {})),
            terms or some_terms(),
            replace(FRESH, **(code or {})),
            order,
            at,
        )
    return refused.value


def test_a_good_scan_gives_the_discount() -> None:
    assert judge(COUPON, CLERK, some_terms(), FRESH, ORDER, NOON) == Discount(2_000, 8_000)


EXPIRED_CODE = {"step": STEP - 2}
BURNT = {"is_step_burnt": True}
NOT_MY_STORE = {"may_redeem_at_store": False}
CLOSED = some_terms(close_minute=1)


@pytest.mark.parametrize(
    ("code", "differences"),
    [
        # One thing wrong.
        ("code_forged", {"code": {"generation": 1}}),
        ("code_forged", {"coupon": {"key_generation": 3}}),
        ("code_expired", {"code": EXPIRED_CODE}),
        ("code_expired", {"code": {"step": STEP + 2}}),
        ("code_used", {"coupon": BURNT | PASS}),
        ("already_redeemed", {"coupon": BURNT | USED_UP}),
        ("unauthenticated", {"clerk": {"is_active": False}}),
        ("store_not_allowed", {"clerk": NOT_MY_STORE}),
        ("store_not_allowed", {"order": Order(uuid4(), 10_000, 1)}),
        ("own_coupon", {"clerk": {"is_holder": True}}),
        ("already_redeemed", {"coupon": USED_UP}),
        ("coupon_revoked", {"coupon": {"status": CouponStatus.REVOKED}}),
        ("coupon_revoked", {"coupon": {"status": CouponStatus.GIVEN_BACK}}),
        ("coupon_expired", {"coupon": {"valid_until": NOON}}),
        ("coupon_not_yet_valid", {"coupon": {"valid_from": NOON + MILLISECOND}}),
        ("outside_hours", {"terms": CLOSED}),
        ("not_enough_uses", {"order": Order(STORE, 10_000, 2)}),
        ("daily_use_reached", {"coupon": PASS | {"uses_day": TODAY, "uses_today": 2},
                               "terms": some_terms(daily_use_cap=2)}),
        ("amount_required", {"order": Order(STORE, None, 1)}),
        ("below_threshold", {"terms": some_terms(discount_kind=DiscountKind.THRESHOLD_OFF,
                                                 amount_off_fen=1, threshold_fen=10_001)}),
        # Two things wrong: the one that the contract judges first.
        ("code_forged", {"code": EXPIRED_CODE | {"generation": 1}}),
        ("code_expired", {"code": EXPIRED_CODE, "coupon": BURNT | USED_UP}),
        ("code_expired", {"code": EXPIRED_CODE, "clerk": NOT_MY_STORE}),
        ("code_expired", {"code": EXPIRED_CODE, "coupon": {"status": CouponStatus.REVOKED}}),
        ("code_used", {"coupon": BURNT | PASS, "clerk": NOT_MY_STORE}),
        ("code_used", {"coupon": BURNT | {"status": CouponStatus.REVOKED}}),
        ("code_used", {"coupon": BURNT | USED_UP, "clerk": NOT_MY_STORE}),
        ("unauthenticated", {"clerk": {"is_active": False, "may_redeem_at_store": False}}),
        ("store_not_allowed", {"clerk": NOT_MY_STORE, "coupon": USED_UP}),
        ("store_not_allowed", {"clerk": NOT_MY_STORE, "coupon": {"valid_until": NOON}}),
        ("store_not_allowed", {"clerk": {"may_redeem_at_store": False, "is_holder": True}}),
        ("own_coupon", {"clerk": {"is_holder": True}, "coupon": {"status": CouponStatus.REVOKED}}),
        ("own_coupon", {"clerk": {"is_holder": True}, "terms": CLOSED}),
        ("already_redeemed", {"coupon": USED_UP | {"valid_until": NOON}}),
        ("coupon_revoked", {"coupon": {"status": CouponStatus.REVOKED, "valid_until": NOON}}),
        ("coupon_expired", {"coupon": {"valid_until": NOON}, "terms": CLOSED}),
        ("outside_hours", {"terms": CLOSED, "order": Order(STORE, None, 2)}),
        ("not_enough_uses", {"order": Order(STORE, None, 2)}),
        ("not_enough_uses", {"order": Order(STORE, 10_000, 5), "terms": some_terms(daily_use_cap=2)}),
    ],
)  # fmt: skip
def test_the_first_reason_in_the_contracts_order_is_told(code: str, differences: dict[str, Any]) -> None:
    assert refusal(**differences).code == code


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_the_step_and_its_neighbours_are_good(steps: int) -> None:
    code = replace(FRESH, step=STEP + steps)
    assert judge(COUPON, CLERK, some_terms(), code, ORDER, NOON).discount_fen == 2_000


@pytest.mark.parametrize("moved", [timedelta(seconds=-45), timedelta(seconds=45), timedelta(days=-400)])
def test_a_clock_that_moved_makes_codes_expired_and_nothing_else(moved: timedelta) -> None:
    assert refusal(at=NOON + moved).code == "code_expired"


def test_expiry_is_exact_to_the_millisecond() -> None:
    until = NOON + MILLISECOND
    coupon = replace(COUPON, valid_until=until)
    assert judge(coupon, CLERK, some_terms(), FRESH, ORDER, NOON).discount_fen == 2_000
    assert refusal(coupon={"valid_until": until}, at=until).code == "coupon_expired"


def test_validity_begins_with_its_first_moment() -> None:
    assert judge(replace(COUPON, valid_from=NOON), CLERK, some_terms(), FRESH, ORDER, NOON)


def test_a_used_up_coupon_says_when_it_was_used() -> None:
    assert refusal(coupon=USED_UP).facts["redeemed_at"] == USED_UP["last_redeemed_at"]
    assert refusal(coupon=BURNT | USED_UP).facts["redeemed_at"] == USED_UP["last_redeemed_at"]


def test_refusals_of_time_say_the_time() -> None:
    assert refusal(coupon={"valid_until": NOON}).facts["valid_until"] == NOON
    later = {"valid_from": NOON + timedelta(days=2), "valid_until": NOON + timedelta(days=3)}
    assert refusal(coupon=later).facts["valid_from"] == later["valid_from"]
    assert "09:00–10:00" in refusal(terms=some_terms(open_minute=540, close_minute=600)).sentence("zh")


@pytest.mark.parametrize(("uses", "fits"), [(1, True), (7, True), (8, False)])
def test_several_uses_at_once_fit_into_what_is_left(uses: int, fits: bool) -> None:
    order = Order(STORE, 10_000, uses)
    if fits:
        judge(replace(COUPON, **PASS), CLERK, some_terms(), FRESH, order, NOON)
    else:
        assert refusal(coupon=PASS, order=order).facts["uses_left"] == 7


@pytest.mark.parametrize(
    ("uses_day", "uses_today", "uses", "fits"),
    [
        (None, 0, 2, True),
        (None, 0, 3, False),
        (TODAY, 1, 1, True),
        (TODAY, 1, 2, False),
        (TODAY, 2, 1, False),
        (YESTERDAY, 2, 2, True),
        (YESTERDAY, 2, 3, False),
    ],
)
def test_the_daily_cap_counts_todays_uses_only(
    uses_day: date | None, uses_today: int, uses: int, fits: bool
) -> None:
    state = {"uses_total": None, "uses_done": 40, "uses_day": uses_day, "uses_today": uses_today}
    terms, order = some_terms(uses_total=None, daily_use_cap=2), Order(STORE, 10_000, uses)
    if fits:
        judge(replace(COUPON, **state), CLERK, terms, FRESH, order, NOON)
    else:
        assert refusal(coupon=state, terms=terms, order=order).facts == {"cap": 2}


@pytest.mark.parametrize(
    ("moment", "is_tomorrow"), [("2026-03-04 23:59:59.999", False), ("2026-03-05 00:00", True)]
)
def test_the_day_of_the_cap_turns_at_midnight_in_hangzhou(moment: str, is_tomorrow: bool) -> None:
    at = shanghai(moment)
    state: dict[str, Any] = {"uses_total": None, "uses_day": TODAY, "uses_today": 1}
    code = {"step": step_at(at.timestamp())}
    terms = some_terms(uses_total=None, daily_use_cap=1)
    if is_tomorrow:
        judge(replace(COUPON, **state), CLERK, terms, replace(FRESH, **code), ORDER, at)
    else:
        assert refusal(coupon=state, terms=terms, code=code, at=at).code == "daily_use_reached"
