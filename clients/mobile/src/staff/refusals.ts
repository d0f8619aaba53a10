/** What a refusal is called in two or three words, and which press goes on from it. The server says the rest. */
import { Problem } from '@shared/api'
import { words } from '@shared/words'

/** `rescan`: the customer shows a fresh code. `amend`: another amount or number of uses. `next`: final. */
export type WayOn = 'rescan' | 'amend' | 'next'

const t = words({
  already_redeemed: ['这张券已经用过', 'Used already'],
  code_used: ['这个码刚才用过', 'This code was used'],
  code_expired: ['券码不在有效时间', 'Not the time of this code'],
  code_malformed: ['不是我们的券码', 'Not a code of ours'],
  code_forged: ['券码无效', 'The code is not valid'],
  coupon_expired: ['优惠券已到期', 'The coupon has ended'],
  coupon_revoked: ['优惠券已作废', 'The coupon was revoked'],
  coupon_not_yet_valid: ['还没到可用日期', 'Not valid yet'],
  own_coupon: ['不能核销自己的券', 'Your own coupon'],
  store_not_allowed: ['这家店不能用', 'Not at this store'],
  outside_hours: ['现在不是可用时间', 'Not at this hour'],
  below_threshold: ['金额不够', 'The amount is too small'],
  amount_required: ['需要金额', 'An amount is needed'],
  not_enough_uses: ['剩余次数不够', 'Not enough uses left'],
  daily_use_reached: ['今天的次数用完了', 'Today’s uses are spent'],
  other: ['不能核销', 'Not accepted'],
})
const WAYS: Partial<Record<string, WayOn>> = {
  code_used: 'rescan',
  code_expired: 'rescan',
  code_malformed: 'rescan',
  code_forged: 'rescan',
  below_threshold: 'amend',
  amount_required: 'amend',
  not_enough_uses: 'amend',
}

export const refusalTitle = (code: string): string => t[code as keyof typeof t] || t.other
export const wayOn = (code: string): WayOn => WAYS[code] ?? 'next'

// Said before anybody looked at the request: an earlier try of it may have been booked.
const NOT_LOOKED_AT = [401, 429]

/** Whether the server said clearly that nothing was booked; one that is broken or busy, or a session's end, leaves it open. */
export const isClear = (error: unknown): error is Problem =>
  error instanceof Problem && error.status < 500 && !NOT_LOOKED_AT.includes(error.status)
