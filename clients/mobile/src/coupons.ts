/** What the screens of coupons share: their words, and the codes that this phone keeps for when there is no network. */
import type { Answer } from '@shared/api'
import { fill, words } from '@shared/words'
import { day } from '@shared/times'

export type Coupon = Answer<'get', '/coupons/{coupon_id}'>
export type CouponLine = Answer<'get', '/me/coupons'>['items'][number]
export type Happening = Coupon['history'][number]
export type Status = CouponLine['status']

const t = words({
  claimed: ['可以用', 'Ready to use'],
  redeemed: ['已用完', 'Used up'],
  expired: ['已过期', 'Ended'],
  given_back: ['已退回', 'Given back'],
  revoked: ['已作废', 'Revoked'],
  until: ['{day} 当天结束前有效', 'Good until the end of {day}'],
  left: ['还剩 {n} 次', '{n} uses left'],
  leftOne: ['可用 1 次', '1 use left'],
  unlimited: ['次数不限', 'Any number of uses'],
})

export const statusWord = (status: Status): string => t[status]

/** The last day of a coupon: its end is the midnight after it. */
export const lastDay = (validUntil: string): string => day(Date.parse(validUntil) - 1)

export const untilWords = (validUntil: string): string => fill(t.until, { day: lastDay(validUntil) })

export function usesWords(left: number | null): string {
  if (left === null) return t.unlimited
  return left === 1 ? t.leftOne : fill(t.left, { n: left })
}

/** What this phone makes a coupon's codes with. */
export interface Source {
  /** A code of the server: it names coupon and master key. */
  code: string
  renewalKey: string
}
/** What it says of the coupon meanwhile. */
export interface About {
  title: string
  discount: string
  validUntil: string
  usesLeft: number | null
  /** How much of the coupon's history was shown already. */
  seen: number
}
export interface Kept {
  source: Source
  about: About
  /** How far the phone's own clock is behind the server's, in ms. */
  skew: number
}

// Below the citizen's prefix, so that it leaves the phone when he signs out.
const KEPT = 'xinyi.citizen.code.'

export const kept = (id: string): Kept | null => (uni.getStorageSync(KEPT + id) as Kept | '') || null

export const keep = (id: string, what: Kept): void => uni.setStorageSync(KEPT + id, what)

export const forgetKept = (id: string): void => uni.removeStorageSync(KEPT + id)

/** The coupons that open without a network; those that ended leave the phone. */
export function keptCoupons(): { id: string; kept: Kept }[] {
  return uni
    .getStorageInfoSync()
    .keys.filter((key) => key.startsWith(KEPT))
    .map((key) => ({ id: key.slice(KEPT.length), kept: uni.getStorageSync(key) as Kept }))
    .filter(({ id, kept: { about, skew } }) => {
      const isOver = Date.now() + skew >= Date.parse(about.validUntil)
      if (isOver) forgetKept(id)
      return !isOver
    })
}
