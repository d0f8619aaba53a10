/** Why a scan of my coupon was refused, said to the citizen: what happened, and what to do next. */
import { words } from '@shared/words'

const t = words({
  already_redeemed: ['券已经用完了。', 'The coupon was used up already.'],
  amount_required: ['店员没有输入订单金额。请店员填好金额再扫。', 'The clerk entered no amount. Ask for another scan with the amount.'],
  below_threshold: ['订单没有满足使用门槛。满额以后可以再用。', 'The order was below the threshold. Use it with a larger order.'],
  code_expired: ['扫到的是旧券码，可能是截图。请打开“出示券码”再扫。', 'An old code was scanned, perhaps a screenshot. Open “Show the code” and have it scanned again.'],
  code_used: ['这个券码刚用过。请等新的券码出来再扫。', 'That very code had been used. Wait for the next one and have it scanned again.'],
  coupon_expired: ['券已经到期。', 'The coupon had ended.'],
  coupon_not_yet_valid: ['券还没有到可以用的时间。', 'The coupon was not good yet.'],
  coupon_revoked: ['券已经退回或作废。', 'The coupon was given back or revoked.'],
  daily_use_reached: ['当天的次数已经用满，第二天可以再用。', 'The uses of that day were used up. It can be used the next day.'],
  not_enough_uses: ['剩下的次数不够，请减少本次的次数。', 'There were not enough uses left. Use fewer at once.'],
  outside_hours: ['不在可用的时间里。可用时间写在这张券的内容里。', 'It was outside the hours that the terms of this coupon name.'],
  own_coupon: ['店员不能核销自己的券，请同事帮忙。', 'Clerks can’t redeem their own coupons. Ask a colleague.'],
  store_not_allowed: ['这家店不能用这张券，或店员选错了门店。哪些店能用，见“看这个优惠”。', 'That store does not take this coupon, or the clerk chose another store. “See the offer” names the stores.'],
  other: ['这次扫码没有通过。可以请店员再扫一次。', 'That scan was not accepted. Ask the clerk to scan again.'],
})

export const refusedWords = (code: string): string => (code in t ? t[code as keyof typeof t] : t.other)
