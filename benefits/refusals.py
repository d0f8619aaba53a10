"""Why a claim, a code, a redemption or a reversal is refused: permanent codes, and what to do next."""

from common.errors import Ended, Forbidden, Invalid, Malformed, Refused, Unavailable

# Who may claim ------------------------------------------------------------------------------------


class TierTooLow(Forbidden):
    """The citizen's tier is below what the offer asks for."""

    code = "tier_too_low"
    zh = "您的信用等级（数据日期 {data_date}）未达到本优惠要求的“{wanted}及以上”。可以看看不限等级的优惠；觉得等级不对，可以向信用平台提出异议。"
    en = "Your tier (data of {data_date}) is below “{wanted} and above”. See the offers open to all; if the tier is wrong, object at the credit platform."


class Unrated(Forbidden):
    """The credit source has no record of the citizen."""

    code = "unrated"
    zh = "这个优惠要看信用等级，信用平台还没有您的记录（查询日期 {data_date}）。没有记录不是坏记录，请先看看不限等级的优惠。"
    en = "This offer asks for a tier, and there is no credit record of you yet (asked on {data_date}). That is no bad mark; see the offers open to all."


class RealNameRequired(Forbidden):
    """The offer is for people whom a channel has verified."""

    code = "real_name_required"
    zh = "这个优惠需要实名后领取。请在“我的—账号与登录”里添加浙里办，或改用浙里办登录。"
    en = "This offer asks for a verified person. Add Zheliban under “Me – Account and sign-in”, or sign in through it."


class PhoneRequired(RealNameRequired):
    """The offer is for people of whom a channel has verified a mobile number, or more."""

    zh = "这个优惠需要验证手机号后领取。请在微信或支付宝小程序里授权手机号登录，或在“我的—账号与登录”里添加浙里办。"
    en = "This offer asks for a verified mobile number. Share it when you sign in through WeChat or Alipay, or add Zheliban."


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
    zh = "这不是信惠联的券码。请让顾客打开“我的券”，重新扫码。"
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
    """The coupon is used up."""

    code = "already_redeemed"
    zh = "这张优惠券已于 {redeemed_at} 用完。请换一张券，或按原价结账。"
    en = "This coupon was used up at {redeemed_at}. Take another one, or pay the full price."
    shown = ("redeemed_at",)


class UsedNotReturnable(AlreadyRedeemed):
    """It was used, so it can't be given back; the uses that are left stay good."""

    zh = "这张优惠券已于 {redeemed_at} 使用过，不能退回。没用完的次数可以继续使用。"
    en = "This coupon was used at {redeemed_at} and can't be given back; the uses that are left stay good."


class CouponExpired(Ended):
    """Past its validity."""

    code = "coupon_expired"
    zh = "优惠券已于 {valid_until} 到期。可以看看是否还能再领一张。"
    en = "The coupon ended at {valid_until}. See whether the offer can be claimed again."
    shown = ("valid_until",)


class CouponRevoked(Ended):
    """Given back by the citizen, or revoked with a reason."""

    code = "coupon_revoked"
    zh = "这张优惠券已退回或已作废，不能用了。请按原价结账；顾客可在“我的券”里看原因。"
    en = "The coupon was given back or revoked; the full price is due. The customer finds the reason under “My coupons”."


class CouponNotYetValid(Refused):
    """Before the first moment of its validity."""

    code = "coupon_not_yet_valid"
    zh = "优惠券还没有生效，{valid_from} 起可用。"
    en = "The coupon can be used from {valid_from} on."
    shown = ("valid_from",)


class OutsideHours(Invalid):
    """Not on this weekday, at this hour or on this date."""

    code = "outside_hours"
    zh = "现在不在本优惠的可用时间里。可用时间：{hours}。"
    en = "The offer does not hold now. Usable: {hours}."

    def __init__(self, hours: str, hours_en: str) -> None:
        super().__init__(hours=hours)
        self._hours_en = hours_en

    def sentence(self, language: str) -> str:
        """With the hours in the language of the sentence."""
        return self.en.format(hours=self._hours_en) if language == "en" else super().sentence(language)


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
    zh = "这家店不能用这张券。请先看收银端选的门店对不对；对的话，请顾客在券里看哪些店能用。"
    en = "This store can't redeem the coupon. Check which store is chosen; if it is right, the coupon says which stores take it."


class OnlyStoreNotAllowed(StoreNotAllowed):
    """The same for a clerk of one store, who has none to choose."""

    zh = "这家店不能用这张券。请按原价结账；顾客在券里能看到哪些店能用。"
    en = "This store can't redeem the coupon; the full price is due. The coupon says which stores take it."


class OwnCoupon(Forbidden):
    """Staff can't redeem their own coupons."""

    code = "own_coupon"
    zh = "不能核销自己的优惠券。请同事帮忙核销。"
    en = "You can't redeem your own coupon; ask a colleague."


class AmountUnfinished(Invalid):
    """The clerk is still keying the order's amount: to a preview that is an answer, and no refused scan."""

    pointer = "/order_amount_fen"


class BelowThreshold(AmountUnfinished):
    """The order is smaller than the benefit asks for."""

    code = "below_threshold"
    zh = "未达到使用门槛：满 {threshold_yuan} 元可用，还差 {missing_yuan} 元。"
    en = "The order is below the threshold of {threshold_yuan} yuan; {missing_yuan} yuan are missing."


class AmountRequired(AmountUnfinished):
    """The benefit depends on the order's amount."""

    code = "amount_required"
    zh = "请输入订单金额，本优惠按金额计算。"
    en = "Enter the order's amount: the benefit is worked out from it."


# Undoing ------------------------------------------------------------------------------------------


class PersonRequired(Forbidden):
    """A device undoes nothing: nobody answers for it."""

    code = "person_required"
    zh = "扫码终端不能撤销核销。请店员用自己的账号登录后撤销。"
    en = (
        "A device can't undo a redemption. Somebody of the staff signs in with his own account and undoes it."
    )


class AlreadyReversed(Refused):
    """A redemption is undone at most once."""

    code = "already_reversed"
    zh = "这笔核销已经撤销过了，不用再撤销。"
    en = "This redemption is undone already; nothing more to do."


class ReversalWindowClosed(Refused):
    """Too late for a cashier; a manager still can."""

    code = "reversal_window_closed"
    zh = "已过 15 分钟（{until}），店员不能撤销了。请店长或负责人在当月月底前撤销。"
    en = "A cashier's 15 minutes ended at {until}. Ask a manager or the owner to undo it before the month ends."
    shown = ("until",)


class ReversalMonthClosed(ReversalWindowClosed):
    """Too late for everybody: the month is closed."""

    zh = "这笔核销所在月份的账已截止（{until}），不能撤销了。请联系联盟管理员。"
    en = "The month of this redemption was closed at {until}; it can't be undone here. Ask the alliance office."


class LateReversalWindowClosed(Refused):
    """Too late even for a counter-entry on a later statement."""

    code = "late_reversal_window_closed"
    zh = "这笔核销已超过 90 天（{until}），不能再补撤销了。请联系联盟管理员。"
    en = "The 90 days for a late reversal ended at {until}. Ask the alliance office."
    shown = ("until",)


class LateReversalNeedsBudget(Refused):
    """The coupon could be used again for all it may cost, and that is promised to others already."""

    code = "late_reversal_needs_budget"
    zh = "补撤销后这张券还能再用，但优惠的预算已被别人领完。请先联系联盟办公室提高预算，再来补撤销。"
    en = "Undone, the coupon could be used again, but the offer's budget is used up. Ask the alliance office to raise it first."


class NotYourStore(StoreNotAllowed):
    """A day is closed by who works there."""

    zh = "您不在这家店，不能为它日结。请选择自己的门店后再提交。"
    en = (
        "This is not one of your stores, so you can't close its day. Choose your own store and send it again."
    )


class DayNotBegun(Invalid):
    """A day that is still ahead has nothing to count."""

    code = "day_not_begun"
    zh = "日结日期还没到。请核对日期后重新提交。"
    en = "This day has not begun yet. Check the date and send it again."
    pointer = "/day"


class IdempotencyKeyReused(Invalid):
    """The same Idempotency-Key came with another body: a new operation takes a new key."""

    code = "idempotency_key_reused"
    zh = "这次操作和以前的另一次混在了一起，没有执行。请返回后重新操作。"
    en = "This was mixed up with an earlier action and not done. Go back and start it anew."


class Busy(Unavailable):
    """The same thing was changed by others again and again while this request tried; the same key may retry."""

    code = "busy"
    zh = "现在人多，这次没有办成，什么都没有改变。请等几秒再点一次。"
    en = "Busy just now; nothing was changed. Try again in a few seconds."
