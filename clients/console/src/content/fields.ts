/** The fields of an offer's content in plain words: their names, and their values as people write them. */
import type { Answer } from '@shared/api'
import { exactYuan } from '@shared/money'
import { minute } from '@shared/times'
import { fill, words } from '@shared/words'

export type Story = Answer<'get', '/admin/offers/{offer_id}'>
export type Content = NonNullable<Story['in_force']>
export type Version = Story['versions'][number]
type Field = keyof Content

/** In the order in which people read an offer. */
export const names = words({
  title: ['名称', 'Title'],
  description: ['说明', 'Description'],
  discount_kind: ['优惠方式', 'Discount'],
  percent_off: ['折扣', 'Percent off'],
  amount_off_fen: ['立减', 'Amount off'],
  threshold_fen: ['满额', 'From'],
  cap_fen: ['最多优惠', 'At most'],
  fixed_price_fen: ['优惠价', 'Fixed price'],
  deposit_fen: ['免押金额', 'Deposit waived'],
  pay_later_days: ['后付天数', 'Pay later (days)'],
  higher_limit: ['提高额度至', 'Limit raised to'],
  gift: ['赠品', 'Gift'],
  list_price_fen: ['原价', 'List price'],
  evidence_file_id: ['原价凭证', 'Evidence'],
  most_cost_fen: ['每张最多让利', 'Most a coupon costs'],
  store_ids: ['适用门店', 'Stores'],
  claim_from: ['开始领取', 'Claim from'],
  claim_until: ['停止领取', 'Claim until'],
  valid_from: ['使用开始', 'Usable from'],
  valid_until: ['使用截止（不含）', 'Usable until (exclusive)'],
  valid_days: ['领取后有效天数', 'Days it is valid'],
  wait_days: ['领取后几天可用', 'Usable after (days)'],
  weekdays: ['可用星期', 'Weekdays'],
  open_minute: ['每日开始', 'From (time)'],
  close_minute: ['每日结束', 'Until (time)'],
  blackout_dates: ['不可用日期', 'Days off'],
  uses_total: ['可用次数', 'Uses'],
  daily_use_cap: ['每日可用次数', 'Uses a day'],
  per_citizen_limit: ['每人限领', 'A citizen’s limit'],
  per_citizen_period: ['限领周期', 'Counted'],
  min_tier_level: ['信用等级不低于', 'Lowest tier'],
  min_real_name_level: ['实名等级不低于', 'Lowest real-name level'],
  ordinary_path: ['普通渠道', 'Ordinary way'],
  is_client_renewal_allowed: ['离线出示', 'Code shown offline'],
  shows_holder: ['店员可见打码姓名', 'Staff see the masked name'],
  alliance_share: ['联盟分担', 'Alliance bears'],
  public_unit_share: ['公共单位分担', 'Public unit bears'],
  public_unit_id: ['分担的公共单位', 'Public unit'],
} satisfies Record<Field, readonly [string, string]>)
export const order = Object.keys(names) as Field[]

const kinds = words({
  percent_off: ['打折', 'Percent off'],
  amount_off: ['立减', 'Amount off'],
  threshold_off: ['满减', 'Off from an amount on'],
  fixed_price: ['优惠价', 'Fixed price'],
  free: ['免费', 'Free'],
  deposit_waived: ['免押金', 'No deposit'],
  priority_lane: ['优先办理', 'Priority'],
  pay_later: ['先享后付', 'Pay later'],
  higher_limit: ['提高额度', 'Higher limit'],
})
const periods = words({ ever: ['总共', 'ever'], day: ['每天', 'a day'], month: ['每月', 'a month'], year: ['每年', 'a year'] })
const levels = words({ 1: ['差', 'Bad'], 2: ['较差', 'Poor'], 3: ['中等', 'Fair'], 4: ['良好', 'Good'], 5: ['优秀', 'Excellent'] })
const t = words({
  none: ['无', 'none'],
  comma: ['、', ', '],
  yes: ['是', 'yes'],
  no: ['否', 'no'],
  off: ['减 {n}%（{zhe} 折）', '{n}% off'],
  week: ['一,二,三,四,五,六,日', 'Mon,Tue,Wed,Thu,Fri,Sat,Sun'],
  weekday: ['周', ''],
  every: ['每天', 'every day'],
  stores: ['{n} 家：{names}', '{n}: {names}'],
  storeCount: ['{n} 家', '{n}'],
  file: ['已提交凭证', 'a file'],
  unlimited: ['不限', 'no limit'],
  anybody: ['不限', 'anybody'],
})

const clock = (minutes: number) => `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`

/** A value as it is written; `nameOf` knows stores and units by their ids, and has no letters for one it does not know. */
export function written(field: string, value: unknown, nameOf: (id: string) => string): string {
  if (value === null || value === undefined || value === '') return field === 'min_tier_level' || field === 'per_citizen_limit' || field === 'uses_total' ? t.unlimited : t.none
  if (field.endsWith('_fen') && typeof value === 'number') return exactYuan(value)
  if (typeof value === 'boolean') return value ? t.yes : t.no
  switch (field) {
    case 'percent_off':
      return fill(t.off, { n: Number(value), zhe: Number(((100 - Number(value)) / 10).toFixed(1)) })
    case 'alliance_share':
    case 'public_unit_share':
      return `${String(value)}%`
    case 'discount_kind':
      return (kinds as Record<string, string>)[String(value)] ?? String(value)
    case 'per_citizen_period':
      return (periods as Record<string, string>)[String(value)] ?? String(value)
    case 'min_real_name_level':
      return value === 0 ? t.anybody : String(value)
    case 'min_tier_level':
      return (levels as Record<string, string>)[String(value)] ?? String(value)
    case 'claim_from':
    case 'claim_until':
    case 'valid_from':
    case 'valid_until':
      return minute(String(value))
    case 'open_minute':
    case 'close_minute':
      return clock(Number(value))
    case 'weekdays':
      return weekdays(value as number[])
    case 'store_ids':
      return stores((value as string[]).map(nameOf))
    case 'public_unit_id':
      return nameOf(String(value))
    case 'evidence_file_id':
      return t.file
    case 'blackout_dates':
      return (value as string[]).length ? (value as string[]).join(t.comma) : t.none
    default:
      return String(value)
  }
}

/** Whoever knows no names is told how many there are. */
function stores(known: string[]): string {
  const named = known.filter(Boolean)
  return named.length ? fill(t.stores, { n: known.length, names: named.join(t.comma) }) : fill(t.storeCount, { n: known.length })
}

function weekdays(days: number[]): string {
  if (days.length === 7) return t.every
  const short = t.week.split(',')
  return days.map((each) => `${t.weekday}${short[each - 1] ?? each}`).join(t.comma)
}

/** The fields that say something: what a kind of discount has no use for is left out. */
export const told = (content: Content): Field[] =>
  order.filter((field) => {
    const value = content[field]
    return !(value === null || (Array.isArray(value) && !value.length) || ((field.endsWith('_share') || field === 'wait_days') && value === 0))
  })

/** What a list lost, kept and got, so that a long one is read at a glance. */
export function listChange(before: unknown, after: unknown): { removed: string[]; kept: number; added: string[] } | null {
  if (!Array.isArray(before) || !Array.isArray(after)) return null
  const [was, will] = [before.map(String), after.map(String)]
  return {
    removed: was.filter((each) => !will.includes(each)),
    kept: was.filter((each) => will.includes(each)).length,
    added: will.filter((each) => !was.includes(each)),
  }
}
