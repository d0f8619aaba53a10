"""Why a claim, a code, a redemption or a reversal is refused: permanent codes, and what to do next."""

from common.errors import Ended, Forbidden, Invalid, Malformed, Refused, Unavailable

# Who may claim ------------------------------------------------------------------------------------


class TierTooLow(Forbidden):
    """The citizen's tier is below what the offer asks for."""

    code = "tier_too_low"
    zh = "您的信用等级（数据日期 {data_date}）未达到本优惠要求的“{wanted}及以上”。可以看看不限等级的优惠，或对记录提出异议。"
    en = "Your tier (data of {data_date}) is below “{wanted} and above”. See the offers open to all, or object to the record."


class Unrated(Forbidden):
    """The credit source has no record of the citizen."""

    code = "unrated"
    zh = "暂时没有您的信用记录（查询日期 {data_date}）。这不影响不限等级的优惠，欢迎先看看这些。"
    en = "There is no credit record of you yet (asked on {data_date}). The offers open to all remain yours to claim."


class SoldOut(Refused):
    """Every piece is claimed."""

    code = "sold_out"
    zh = "已经领完了。有人退回时会重新放出，可以稍后再看。"
    en = "All pieces are claimed. When somebody gives one back it returns to the offer; look again later."


class SoldOutToday(Refused):
    """Today's pieces are claimed."""

    code = "sold_out_today"
    zh = "今天的已经领完了，请明天再来。"
    en = "Today's pieces are all claimed; come back tomorrow."


class LimitReached(Refused):
    """The natural person has as many as the offer allows."""

    code = "limit_reached"
    zh = "您已领满本优惠的份数（每人 {limit} 份）。请先使用已领取的优惠券。"
    en = "You have as many as this offer allows ({limit} each). Use the ones in your wallet first."


class OfferNotStarted(Refused):
    """Claiming has not begun."""

    code = "offer_not_started"
    zh = "还没有到领取时间，{starts_at} 开始。"
    en = "Claiming starts at {starts_at}."
    shown = ("starts_at",)


class OfferEnded(Ended):
    """Claiming is over, or the offer was stopped. What was claimed stays usable (rule 13)."""

    code = "offer_ended"
    zh = "本优惠已停止领取。已经领到的优惠券仍可使用。"
    en = "This offer can no longer be claimed. Coupons already claimed stay usable."


# The code -----------------------------------------------------------------------------------------


class CodeMalformed(Malformed):
    """No code of ours at all."""

    code = "code_malformed"
    zh = "这不是信惠联的券码。请让顾客打开“我的优惠券”，重新扫码。"
    en = "This is no code of this alliance. Ask the customer to open “My coupons”, then scan again."


class CodeForged(Malformed):
    """The form is right, the MAC is not, or the coupon's keys have changed since."""

    code = "code_forged"
    zh = "券码无效。请让顾客在自己的手机上重新打开优惠券，再扫一次。"
    en = "The code is not valid. Ask the customer to open the coupon again on his own phone, then scan again."


class CodeExpired(Ended):
    """A good code outside its window: an old screenshot, or a clock that is off."""

    code = "code_expired"
    zh = "券码已过期（可能是截图）。请让顾客打开优惠券，等新的券码出现后再扫。"
    en = "The code is too old (perhaps a screenshot). Ask the customer to open the coupon and show a fresh code."


class CodeTooEarly(CodeExpired):
    """A good code of a step that is still to come: three scans in one step, or a clock that is ahead."""

    zh = "券码还没到可用的时间。请稍等十几秒，等新的券码出现后再扫。"
    en = "The code is not good yet. Wait some seconds until a fresh code appears, then scan again."


class CodeUsed(Refused):
    """This very code was redeemed with before; the coupon may still have uses."""

    code = "code_used"
    zh = "这个券码已经用过一次。请让顾客刷新出新的券码再扫。"
    en = "This code was used already. Ask the customer to refresh it, then scan again."


# The coupon ---------------------------------------------------------------------------------------


class AlreadyRedeemed(Refused):
    """The coupon is used up, or was used and so can't be given back."""

    code = "already_redeemed"
    zh = "这张优惠券已于 {redeemed_at} 使用，不能再次使用。"
    en = "This coupon was used at {redeemed_at} and can't be used again."
    shown = ("redeemed_at",)


class CouponExpired(Ended):
    """Past its validity."""

    code = "coupon_expired"
    zh = "优惠券已于 {valid_until} 到期。可以看看是否还能再领一张。"
    en = "The coupon ended at {valid_until}. See whether the offer can be claimed again."
    shown = ("valid_until",)


class CouponRevoked(Ended):
    """Given back by the citizen, or revoked with a reason."""

    code = "coupon_revoked"
    zh = "优惠券已退回或被撤销，不能使用。顾客可在“我的优惠券”里查看原因。"
    en = "The coupon was given back or revoked. The customer finds the reason under “My coupons”."


class CouponNotYetValid(Refused):
    """Before the first moment of its validity."""

    code = "coupon_not_yet_valid"
    zh = "优惠券还没有生效，{valid_from} 起可用。"
    en = "The coupon can be used from {valid_from} on."
    shown = ("valid_from",)


class OutsideHours(Invalid):
    """Not on this weekday, at this hour or on this date."""

    code = "outside_hours"
    zh = "现在不在本优惠的可用时段：{hours}。请在可用时段再来。"
    en = "The offer does not hold now: {hours}. Please come back then."


class DailyUseReached(Refused):
    """The pass was used as often as one day allows."""

    code = "daily_use_reached"
    zh = "今天的使用次数已满（每天 {cap} 次），请明天再来。"
    en = "Today's uses are spent ({cap} a day); come back tomorrow."


class NotEnoughUses(Refused):
    """More uses were asked for than are left."""

    code = "not_enough_uses"
    zh = "剩余次数不够：还剩 {uses_left} 次。请减少本次使用的次数。"
    en = "Only {uses_left} uses are left. Ask for fewer."
    shown = ("uses_left",)


class RenewalNotAllowed(Refused):
    """The offer forbids codes made by the phone, or too many phones had their key."""

    code = "renewal_not_allowed"
    zh = "这张优惠券不支持离线刷新券码，请联网后打开优惠券。"
    en = "This coupon's codes can't be renewed on the phone; open the coupon with a network."


# The clerk and the order --------------------------------------------------------------------------


class StoreNotAllowed(Forbidden):
    """Not this clerk's store, or the offer is not valid there."""

    code = "store_not_allowed"
    zh = "本店不能核销这张优惠券。请核对所选门店，或请顾客查看适用门店。"
    en = "This store can't redeem the coupon. Check the chosen store, or see the coupon's list of stores."


class OwnCoupon(Forbidden):
    """Staff can't redeem their own coupons."""

    code = "own_coupon"
    zh = "不能核销自己的优惠券。请同事帮忙核销。"
    en = "You can't redeem your own coupon; ask a colleague."


class BelowThreshold(Invalid):
    """The order is smaller than the benefit asks for."""

    code = "below_threshold"
    zh = "未达到使用门槛：满 {threshold_yuan} 元可用，还差 {missing_yuan} 元。"
    en = "The order is below the threshold of {threshold_yuan} yuan; {missing_yuan} yuan are missing."
    pointer = "/order_amount_fen"


class AmountRequired(Invalid):
    """The benefit depends on the order's amount."""

    code = "amount_required"
    zh = "请输入订单金额，本优惠按金额计算。"
    en = "Enter the order's amount: the benefit is worked out from it."
    pointer = "/order_amount_fen"


# Undoing ------------------------------------------------------------------------------------------


class AlreadyReversed(Refused):
    """A redemption is undone at most once."""

    code = "already_reversed"
    zh = "这笔核销已经撤销过了，不用再撤销。"
    en = "This redemption is undone already; nothing more to do."


class ReversalWindowClosed(Refused):
    """Too late for this role."""

    code = "reversal_window_closed"
    zh = "已超过可撤销的时间（{until}）。收银员 15 分钟内可撤销，之后请店长在当月对账截止前处理。"
    en = "The time to undo it ended at {until}. A cashier has 15 minutes; after that ask a manager before the month closes."
    shown = ("until",)


class IdempotencyKeyReused(Invalid):
    """The same key came with another body."""

    code = "idempotency_key_reused"
    zh = "这个请求编号（Idempotency-Key）已用于另一个请求。请为新的操作换一个新编号。"
    en = "This Idempotency-Key belongs to another request. Use a new key for a new operation."


class Busy(Unavailable):
    """The same thing was changed by others again and again while this request tried."""

    code = "busy"
    zh = "现在有点忙，什么都没有改变。请稍等一下，用同一个请求编号（Idempotency-Key）重试。"
    en = "Busy just now; nothing was changed. Retry with the same Idempotency-Key in a moment."
