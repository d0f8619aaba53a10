"""What a member proposes for an offer: plain values, and why some of them can't be (each names its field)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any
from uuid import UUID

from benefits.tier_bands import must_admit_two, spelled_tier, tier_words
from common.clock import end_of, start_of
from common.database import fetch_all, fetch_one
from common.errors import Invalid, Refused
from models.enums import DiscountKind, LimitPeriod, MemberKind
from models.region import subtree_prefix


class OfferFieldInvalid(Invalid):
    """A field that an offer can't have so; `pointer` names it."""

    code = "offer_field_invalid"
    zh = "优惠有一项内容需要修改。请按该项的提示改好后再保存。"
    en = "One field of the offer needs a change. Correct it, then save again."

    def __init__(self, field: str, zh: str, en: str) -> None:
        super().__init__()
        self.pointer = f"/{field}"  # type: ignore[misc]
        self._sentences = {"zh": zh, "en": en}

    def sentence(self, language: str) -> str:
        """What is wrong with this field."""
        return self._sentences["en" if language == "en" else "zh"]


class OrdinaryPathMissing(Invalid):
    """Rule 3: an offer of a public unit names its ordinary path."""

    code = "ordinary_path_missing"
    zh = "公共企事业单位的优惠须写明普通通道：没有信用等级的市民怎样照常办理。请填写后再保存。"
    en = "An offer of a public unit names its ordinary path: how citizens without a tier are served. Fill it in."
    pointer = "/ordinary_path"


class TitleSpellsTier(Invalid):
    """Rule 2: a scan must not tell more than "this or better"."""

    code = "title_spells_tier"
    zh = "有信用等级要求的优惠，标题里请不要出现等级名称（{word}），以免出示时透露市民的等级。换个说法即可，例如“诚信专享”。"
    en = "Leave the tier's name ({word}) out of the title, so that showing it does not tell a citizen's tier. Another wording will do."
    pointer = "/title"


class BudgetNeedsMostCost(Invalid):
    """Nothing says how much one coupon can cost at most, so no budget can be kept."""

    code = "budget_needs_most_cost"
    zh = "设了资金预算，就要能算出每张券最多花多少钱：按比例的优惠请填封顶金额，一口价和免费请填原价，并限定使用次数。"
    en = "A budget needs the most that one coupon can cost: give a cap (per cent), a list price (fixed price, free), and limit the uses."
    pointer = "/budget_fen"


class FixedOncePublished(Refused):
    """Programme, region, stock and budget are not a matter of versions."""

    code = "fixed_once_published"
    zh = "优惠发布后，不能在这里改产品、地区、份数和预算。份数和预算请联系联盟运营员调整。"
    en = "Programme, region, stock and budget can't be changed here once published. Ask the alliance's operators."


# What each kind of discount is made of; anything else of it stays empty.
DISCOUNT_FIELDS: Mapping[DiscountKind, frozenset[str]] = {
    DiscountKind.PERCENT_OFF: frozenset({"percent_off", "cap_fen"}),
    DiscountKind.AMOUNT_OFF: frozenset({"amount_off_fen"}),
    DiscountKind.THRESHOLD_OFF: frozenset({"amount_off_fen", "threshold_fen"}),
    DiscountKind.FIXED_PRICE: frozenset({"fixed_price_fen"}),
    DiscountKind.FREE: frozenset({"gift"}),
    DiscountKind.DEPOSIT_WAIVED: frozenset({"deposit_fen"}),
    DiscountKind.PRIORITY_LANE: frozenset(),
    DiscountKind.PAY_LATER: frozenset({"pay_later_days"}),
    DiscountKind.HIGHER_LIMIT: frozenset({"higher_limit"}),
}
MAY_BE_EMPTY = frozenset({"cap_fen", "gift"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """All that a member says of an offer. Units as in `models.OfferTerms`; days are Asia/Shanghai, both ends included."""

    programme: str
    region: str
    title: str
    description: str
    discount_kind: DiscountKind
    store_ids: Sequence[UUID]
    claim_from: datetime
    claim_until: datetime
    percent_off: int | None = None
    cap_fen: int | None = None
    amount_off_fen: int | None = None
    threshold_fen: int | None = None
    fixed_price_fen: int | None = None
    deposit_fen: int | None = None
    pay_later_days: int | None = None
    higher_limit: int | None = None
    gift: str | None = None
    uses_total: int | None = 1
    daily_use_cap: int | None = None
    first_day: date | None = None
    last_day: date | None = None
    wait_days: int = 0
    valid_days: int | None = None
    weekday_mask: int = 127
    open_minute: int = 0
    close_minute: int = 1440
    blackout_dates: Sequence[date] = ()
    is_client_renewal_allowed: bool = True
    shows_holder: bool = False
    alliance_share: int = 0
    public_unit_share: int = 0
    public_unit_id: UUID | None = None
    min_tier_level: int | None = None
    min_real_name_level: int = 0
    ordinary_path: str | None = None
    per_citizen_limit: int | None = None
    per_citizen_period: LimitPeriod = LimitPeriod.EVER
    list_price_fen: int | None = None
    evidence_file_id: UUID | None = None
    stock_total: int | None = None
    daily_limit: int | None = None
    budget_fen: int | None = None

    @property
    def is_limited(self) -> bool:
        """Whether claims are counted: it has a stock, a limit for a day or a budget."""
        return not (self.stock_total is None and self.daily_limit is None and self.budget_fen is None)

    def terms(self) -> dict[str, Any]:
        """The columns of `offer_terms`, without those that say which terms these are."""
        named = {field.name for field in fields(self)} & TERMS
        return {
            **{name: getattr(self, name) for name in sorted(named)},
            "store_ids": list(self.store_ids),
            "blackout_dates": sorted(set(self.blackout_dates)),
            "valid_from": start_of(self.first_day) if self.first_day else None,
            "valid_until": end_of(self.last_day) if self.last_day else None,
            "most_cost_fen": most_cost_fen(self),
        }

    def rules(self) -> dict[str, Any]:
        """The columns of `offer_versions` that ask something of a claim, and the list price."""
        return {name: getattr(self, name) for name in RULES}


TERMS = frozenset(
    {
        *(
            "title",
            "description",
            "discount_kind",
            "percent_off",
            "cap_fen",
            "amount_off_fen",
            "threshold_fen",
        ),
        *(
            "fixed_price_fen",
            "deposit_fen",
            "pay_later_days",
            "higher_limit",
            "gift",
            "uses_total",
            "daily_use_cap",
        ),
        *(
            "wait_days",
            "valid_days",
            "weekday_mask",
            "open_minute",
            "close_minute",
            "is_client_renewal_allowed",
            "shows_holder",
        ),
        *("alliance_share", "public_unit_share", "public_unit_id"),
    }
)
RULES = (
    *(
        "min_tier_level",
        "min_real_name_level",
        "ordinary_path",
        "claim_from",
        "claim_until",
        "per_citizen_limit",
        "per_citizen_period",
    ),
    *("list_price_fen", "evidence_file_id"),
)


def most_cost_fen(proposal: Proposal) -> int | None:
    """The greatest discount that one coupon can give, in fen; nothing where nobody can say.

    Per use: the amount off; the cap of a percentage; what a fixed price leaves of the list price; the list price of what
    is free. What leaves the price as it is (免押, 绿色通道, 先享后付, higher limits) costs nothing. A cashier who enters
    more than the list price gives more than this: that is the member's, not the budget's.
    """
    match proposal.discount_kind:
        case DiscountKind.PERCENT_OFF:
            once = proposal.cap_fen
        case DiscountKind.AMOUNT_OFF | DiscountKind.THRESHOLD_OFF:
            once = proposal.amount_off_fen
        case DiscountKind.FIXED_PRICE:
            price, fixed = proposal.list_price_fen, proposal.fixed_price_fen
            once = None if price is None or fixed is None else max(0, price - fixed)
        case DiscountKind.FREE:
            once = proposal.list_price_fen
        case _:
            return 0
    return None if once is None or proposal.uses_total is None else once * proposal.uses_total


def check_discount(proposal: Proposal) -> None:
    """Refuse a discount that lacks a part, or has one of another kind."""
    own = DISCOUNT_FIELDS[proposal.discount_kind]
    for name in sorted(frozenset().union(*DISCOUNT_FIELDS.values())):
        value = getattr(proposal, name)
        if name in own and value is None and name not in MAY_BE_EMPTY:
            raise OfferFieldInvalid(
                name, "这种优惠方式需要填写此项。", "This kind of discount needs this field."
            )
        if name not in own and value is not None:
            raise OfferFieldInvalid(
                name,
                "这种优惠方式没有此项，请删去。",
                "This kind of discount has no such field; leave it out.",
            )


def check_spans(proposal: Proposal, now: datetime) -> None:
    """Refuse spans of time that end before they begin or are over already, and two kinds of validity at once."""
    has_dates = proposal.first_day is not None and proposal.last_day is not None
    if (proposal.first_day is None) != (proposal.last_day is None) or has_dates == (
        proposal.valid_days is not None
    ):
        raise OfferFieldInvalid(
            "valid_days",
            "有效期请二选一：起止日期，或领取后若干天。",
            "Give either the first and last day, or days after the claim.",
        )
    if proposal.first_day and proposal.last_day and proposal.last_day < proposal.first_day:
        raise OfferFieldInvalid(
            "last_day", "结束日期不能早于开始日期。", "The last day can't be before the first."
        )
    if proposal.last_day and end_of(proposal.last_day) <= now:
        raise OfferFieldInvalid("last_day", "有效期已经过去，请改晚。", "The validity is over; choose later.")
    if proposal.claim_until <= max(proposal.claim_from, now):
        raise OfferFieldInvalid(
            "claim_until",
            "领取截止时间须晚于开始时间和现在。",
            "Claiming must end after it begins and after now.",
        )
    if proposal.close_minute <= proposal.open_minute:
        raise OfferFieldInvalid("close_minute", "结束时刻须晚于开始时刻。", "Closing comes after opening.")
    if proposal.uses_total is None and proposal.daily_use_cap is None:
        raise OfferFieldInvalid(
            "daily_use_cap",
            "不限次数的优惠须限定每天最多用几次。",
            "Without a number of uses, give the most uses in a day.",
        )


async def check_shares(proposal: Proposal) -> None:
    """Refuse shares of more than the whole, and a share of nobody's; the member bears the rest."""
    if proposal.alliance_share + proposal.public_unit_share > 100:
        raise OfferFieldInvalid(
            "alliance_share", "各方承担比例合计不能超过 100%。", "The shares can't exceed 100 % together."
        )
    if (proposal.public_unit_share > 0) != (proposal.public_unit_id is not None):
        raise OfferFieldInvalid(
            "public_unit_id",
            "公共企事业单位承担比例时须指明是哪一家；不承担时请留空。",
            "Name the public unit that bears a share, and none otherwise.",
        )
    if proposal.public_unit_id is not None and not await fetch_one(
        "SELECT 1 FROM members WHERE id = $1 AND kind = 'public_unit' AND status = 'active'",
        proposal.public_unit_id,
    ):
        raise OfferFieldInvalid(
            "public_unit_id",
            "没有这家公共企事业单位成员。",
            "There is no such public unit among the members.",
        )


async def check_places(proposal: Proposal, member_id: UUID) -> None:
    """Refuse an unknown programme, stores that are not the member's own, and a region that they are not in."""
    if not await fetch_one("SELECT 1 FROM programmes WHERE code = $1", proposal.programme):
        raise OfferFieldInvalid("programme", "没有这个信易+产品。", "There is no such programme.")
    wanted = set(proposal.store_ids)
    rows = await fetch_all(
        "SELECT region_id FROM stores WHERE member_id = $1 AND id = ANY ($2) AND is_active",
        *(member_id, list(wanted)),
    )
    if not wanted or len(rows) != len(wanted):
        raise OfferFieldInvalid(
            "store_ids",
            "只能选本单位营业中的门店，至少一家。",
            "Choose at least one open store, of your own only.",
        )
    prefix = subtree_prefix(proposal.region)
    is_known = await fetch_one("SELECT 1 FROM regions WHERE code = $1", proposal.region)
    if not is_known or not all(row["region_id"].startswith(prefix) for row in rows):
        raise OfferFieldInvalid(
            "region",
            "所选门店须都在优惠所属的地区内。",
            "All chosen stores have to be in the offer's region.",
        )


async def check_kindness(proposal: Proposal, kind: MemberKind, now: datetime) -> None:
    """Refuse what rules 2 and 3 forbid: no ordinary path at a public unit's, a title that spells a tier, a tier of one band."""
    if kind is MemberKind.PUBLIC_UNIT and not (proposal.ordinary_path or "").strip():
        raise OrdinaryPathMissing
    if proposal.min_tier_level is None:
        return
    if word := spelled_tier(proposal.title, await tier_words()):
        raise TitleSpellsTier(word=word)
    await must_admit_two(proposal.min_tier_level, now)
