"""What an order costs with a benefit: pure, used by the preview and by the redemption alike."""

from dataclasses import dataclass

from benefits.refusals import AmountRequired, BelowThreshold
from benefits.terms import Terms
from common.money import percent_of, yuan
from models.enums import DiscountKind


@dataclass(frozen=True, slots=True)
class Discount:
    """Fen off the order and fen left to pay; `payable_fen` is empty where no amount was given."""

    discount_fen: int
    payable_fen: int | None


# Benefits that are worked out from the order. The others need no amount; if one is entered it is printed with
# the benefit, and for a free item it is the price of what is free.
NEEDS_AMOUNT = frozenset(
    {DiscountKind.PERCENT_OFF, DiscountKind.AMOUNT_OFF, DiscountKind.THRESHOLD_OFF, DiscountKind.FIXED_PRICE}
)


def discount(terms: Terms, order_amount_fen: int | None, uses: int = 1) -> Discount:
    """Work out a discount.

    Several uses at once (a family at a museum) are several times the benefit: amounts, thresholds,
    caps and fixed prices count per use.

    Args:
        order_amount_fen: 0 to 1,000,000,000 fen, or nothing where the benefit needs no amount.
        uses: 1 or more.

    Raises:
        AmountRequired: the benefit depends on the amount.
        BelowThreshold: 满减 below its threshold.
    """
    if order_amount_fen is None:
        if terms.discount_kind in NEEDS_AMOUNT:
            raise AmountRequired
        return Discount(0, None)
    off = min(_amount_off(terms, order_amount_fen, uses), order_amount_fen)
    return Discount(off, order_amount_fen - off)


def _amount_off(terms: Terms, order_amount_fen: int, uses: int) -> int:
    """Before it is cut to the order: `discount` sees to that."""
    match terms.discount_kind:
        case DiscountKind.PERCENT_OFF:
            off = percent_of(order_amount_fen, terms.percent_off)
            return off if terms.cap_fen is None else min(off, terms.cap_fen * uses)
        case DiscountKind.AMOUNT_OFF:
            return terms.amount_off_fen * uses
        case DiscountKind.THRESHOLD_OFF:
            missing = terms.threshold_fen * uses - order_amount_fen
            if missing > 0:
                raise BelowThreshold(
                    threshold_yuan=yuan(terms.threshold_fen * uses), missing_yuan=yuan(missing)
                )
            return terms.amount_off_fen * uses
        case DiscountKind.FIXED_PRICE:
            return max(0, order_amount_fen - terms.fixed_price_fen * uses)
        case DiscountKind.FREE:
            return order_amount_fen
        case _:
            # 免押, 绿色通道, 先享后付 and higher limits leave the price as it is.
            return 0
