/** How benefits are said: the discount in big words, the field, until when. Read inside templates, so that they follow the language. */
import type { Answer } from '@shared/api'
import { yuan } from '@shared/money'
import { day } from '@shared/times'
import { fill, language, words } from '@shared/words'

export type Offer = Answer<'get', '/offers'>['items'][number]
export type OfferDetail = Answer<'get', '/offers/{offer_id}'>
export type Category = Offer['category']
type Discount = Offer['discount']
type Tier = Pick<Answer<'get', '/me/credit'>, 'tier_name' | 'tier_level'>

export const CATEGORIES: readonly { code: Category; sign: string }[] = [
  { code: 'education', sign: '学' },
  { code: 'tourism_shopping', sign: '购' },
  { code: 'home_services', sign: '家' },
  { code: 'elder_child_care', sign: '老' },
  { code: 'transport', sign: '行' },
  { code: 'culture', sign: '阅' },
  { code: 'health', sign: '医' },
  { code: 'housing', sign: '租' },
]

export const categoryWords = words({
  education: ['教育培训', 'Learning'],
  tourism_shopping: ['旅游购物', 'Travel, shops'],
  home_services: ['家政服务', 'Home help'],
  elder_child_care: ['养老托幼', 'Care'],
  transport: ['交通出行', 'Transport'],
  culture: ['文化阅读', 'Culture'],
  health: ['医疗健康', 'Health'],
  housing: ['住房租赁', 'Housing'],
})

/** Names of the common ladder that every scheme's bands map to. */
export const levelWords = words({
  1: ['差', 'bad'],
  2: ['较差', 'poor'],
  3: ['中等', 'fair'],
  4: ['良好', 'good'],
  5: ['优秀', 'excellent'],
})

/** A tier as its scheme calls it; in English the ladder's own name stands before it. */
export function tierWords({ tier_name, tier_level }: Tier): string {
  const english = language.value === 'en' && tier_level ? `${levelWords[tier_level]} · ` : ''
  return english + (tier_name ?? '')
}

const t = words({
  percent: ['{n} 折', '{n}% off'],
  cap: ['最多减 {sum}', 'up to {sum}'],
  off: ['减 {sum}', '{sum} off'],
  threshold: ['满 {from} 减 {sum}', '{sum} off from {from}'],
  fixed: ['只要 {sum}', 'Only {sum}'],
  free: ['免费', 'Free'],
  deposit: ['免押金', 'No deposit'],
  depositSum: ['原来要交 {sum}', 'instead of {sum}'],
  lane: ['绿色通道', 'Priority lane'],
  laneNote: ['不用排普通队', 'no ordinary queue'],
  later: ['先享后付', 'Pay later'],
  laterDays: ['{n} 天内付款', 'within {n} days'],
  higher: ['更高额度', 'Higher limit'],
  higherTo: ['提高到 {n}', 'up to {n}'],
  always: ['长期可领', 'No end date'],
  until: ['{day} 前可领', 'Claim until {day}'],
})

/** The discount in a few big words, and what stands small beside them. */
export function discountWords(discount: Discount): { big: string; small: string } {
  switch (discount.kind) {
    case 'percent_off': {
      const off = discount.percent_off ?? 0
      // 20 % off is what Chinese calls eight tenths; English counts what is taken off.
      const n = t.percent.includes('%') ? off : (100 - off) / 10
      return { big: fill(t.percent, { n }), small: discount.cap_fen ? fill(t.cap, { sum: yuan(discount.cap_fen) }) : '' }
    }
    case 'amount_off':
      return { big: fill(t.off, { sum: yuan(discount.amount_off_fen ?? 0) }), small: '' }
    case 'threshold_off':
      return {
        big: fill(t.threshold, { from: yuan(discount.threshold_fen ?? 0), sum: yuan(discount.amount_off_fen ?? 0) }),
        small: '',
      }
    case 'fixed_price':
      return { big: fill(t.fixed, { sum: yuan(discount.fixed_price_fen ?? 0) }), small: '' }
    case 'free':
      return { big: t.free, small: discount.gift ?? '' }
    case 'deposit_waived':
      return { big: t.deposit, small: discount.deposit_fen ? fill(t.depositSum, { sum: yuan(discount.deposit_fen) }) : '' }
    case 'priority_lane':
      return { big: t.lane, small: t.laneNote }
    case 'pay_later':
      return { big: t.later, small: discount.pay_later_days ? fill(t.laterDays, { n: discount.pay_later_days }) : '' }
    case 'higher_limit':
      return { big: t.higher, small: discount.higher_limit ? fill(t.higherTo, { n: discount.higher_limit }) : '' }
    default:
      return { big: discount.text, small: '' }
  }
}

/** The discount in one line: in Chinese as the server says it. */
export function discountText(discount: Discount): string {
  if (language.value !== 'en') return discount.text
  const { big, small } = discountWords(discount)
  return small ? `${big}, ${small}` : big
}

/** The last day on which it can be claimed: the end on the wire is exclusive. */
export function untilWords(validUntil: string): string {
  const last = day(Date.parse(validUntil) - 1)
  return last >= '2090' ? t.always : fill(t.until, { day: last })
}
