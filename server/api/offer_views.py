"""How an offer's name and its discount are told to programs and people, the same for every audience."""

from uuid import UUID

from benefits.terms import Terms
from common.money import price
from models.enums import DiscountKind
from server.schemas import Fen, Out


class OfferNameOut(Out):
    """The offer, by the title that it had at the claim."""

    id: UUID
    title: str


class DiscountOut(Out):
    """What an offer gives. Figures that its kind does not have are null; `text` says it in a few words."""

    kind: DiscountKind
    text: str
    percent_off: int | None = None
    cap_fen: Fen | None = None
    amount_off_fen: Fen | None = None
    threshold_fen: Fen | None = None
    fixed_price_fen: Fen | None = None
    deposit_fen: Fen | None = None
    pay_later_days: int | None = None
    higher_limit: int | None = None
    gift: str | None = None


FIGURES = {
    DiscountKind.PERCENT_OFF: ("percent_off", "cap_fen"),
    DiscountKind.AMOUNT_OFF: ("amount_off_fen",),
    DiscountKind.THRESHOLD_OFF: ("threshold_fen", "amount_off_fen"),
    DiscountKind.FIXED_PRICE: ("fixed_price_fen",),
    DiscountKind.FREE: ("gift",),
    DiscountKind.DEPOSIT_WAIVED: ("deposit_fen",),
    DiscountKind.PRIORITY_LANE: (),
    DiscountKind.PAY_LATER: ("pay_later_days",),
    DiscountKind.HIGHER_LIMIT: ("higher_limit",),
}


def offer_name(terms: Terms) -> OfferNameOut:
    """The offer that terms belong to."""
    return OfferNameOut(id=terms.offer_id, title=terms.title)


def discount_out(terms: Terms) -> DiscountOut:
    """The discount of one version of terms."""
    figures = {name: getattr(terms, name) for name in FIGURES[terms.discount_kind]}
    return DiscountOut(kind=terms.discount_kind, text=_text(terms), **figures)


def _text(terms: Terms) -> str:
    """In the words of the pages (`discountWords` in clients/mobile/src/offers.ts); no line breaks inside an amount."""
    match terms.discount_kind:
        case DiscountKind.PERCENT_OFF:
            cap = f"，最多减 {price(terms.cap_fen)}" if terms.cap_fen else ""
            return f"{(100 - terms.percent_off) / 10:g} 折{cap}"
        case DiscountKind.AMOUNT_OFF:
            return f"减 {price(terms.amount_off_fen)}"
        case DiscountKind.THRESHOLD_OFF:
            return f"满 {price(terms.threshold_fen)} 减 {price(terms.amount_off_fen)}"
        case DiscountKind.FIXED_PRICE:
            return f"只要 {price(terms.fixed_price_fen)}"
        case DiscountKind.FREE:
            return f"免费：{terms.gift}" if terms.gift else "免费"
        case DiscountKind.DEPOSIT_WAIVED:
            return f"免押金，原来要交 {price(terms.deposit_fen)}"
        case DiscountKind.PRIORITY_LANE:
            return "绿色通道"
        case DiscountKind.PAY_LATER:
            return f"先享后付，{terms.pay_later_days} 天内付款"
        case DiscountKind.HIGHER_LIMIT:
            return f"更高额度，提高到 {terms.higher_limit}"
