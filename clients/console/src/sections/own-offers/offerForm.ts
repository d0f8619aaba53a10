/** An offer as it is typed: money in yuan, days and times of Shanghai; `bodyOf` makes the API's proposal of it. */
import type { Answer, BodyOf } from '@shared/api'
import { fenOf } from '@shared/money'
import { day, minute } from '@shared/times'

export type Proposal = BodyOf<'post', '/member/offers'>
export type Story = Answer<'get', '/member/offers/{offer_id}'>
export type DiscountKind = Proposal['discount_kind']

export const MONEY = ['cap_fen', 'amount_off_fen', 'threshold_fen', 'fixed_price_fen', 'deposit_fen', 'list_price_fen', 'budget_fen'] as const
export const NUMBERS = ['percent_off', 'pay_later_days', 'higher_limit', 'uses_total', 'daily_use_cap', 'valid_days', 'per_citizen_limit', 'stock_total', 'daily_limit'] as const
type Money = (typeof MONEY)[number]
type Numbered = (typeof NUMBERS)[number]

/** Which fields a kind of discount has; the server takes no others. */
export const FIELDS: Record<DiscountKind, readonly (Money | Numbered | 'gift')[]> = {
  percent_off: ['percent_off', 'cap_fen'],
  amount_off: ['amount_off_fen'],
  threshold_off: ['threshold_fen', 'amount_off_fen'],
  fixed_price: ['fixed_price_fen'],
  free: ['gift'],
  deposit_waived: ['deposit_fen'],
  priority_lane: [],
  pay_later: ['pay_later_days'],
  higher_limit: ['higher_limit'],
}
const OF_KINDS: readonly string[] = Object.values(FIELDS).flat()

export function emptyForm() {
  return {
    programme: '',
    region: '',
    title: '',
    description: '',
    discount_kind: 'percent_off' as DiscountKind,
    money: Object.fromEntries(MONEY.map((name) => [name, ''])) as Record<Money, string>,
    numbers: { ...(Object.fromEntries(NUMBERS.map((name) => [name, null])) as Record<Numbered, number | null>), uses_total: 1 as number | null },
    gift: '',
    store_ids: [] as string[],
    validity: 'days' as 'days' | 'dates',
    first_day: '',
    last_day: '',
    wait_days: 0,
    weekdays: [1, 2, 3, 4, 5, 6, 7],
    open_minute: 0,
    close_minute: 1440,
    blackout_dates: [] as string[],
    is_client_renewal_allowed: true,
    shows_holder: false,
    alliance_share: 0,
    public_unit_share: 0,
    public_unit_id: '',
    /** 0 asks for none. */
    min_tier_level: 0,
    min_real_name_level: 0,
    ordinary_path: '',
    claim_from: '',
    claim_until: '',
    per_citizen_period: 'ever' as NonNullable<Proposal['per_citizen_period']>,
    evidence_file_id: null as string | null,
  }
}
export type Form = ReturnType<typeof emptyForm>

/** A moment as the pickers write it. */
const picked = (at: string): string => `${minute(at).replace(' ', 'T')}:00+08:00`
const yuanText = (fen: number | null): string => (fen === null ? '' : String(fen / 100))

/** What is being written, or else what is in force; null where there is neither. */
export function formOf(story: Story): Form | null {
  const open = story.versions.find((version) => version.number === story.open_number) ?? (story.in_force ? null : story.versions[0])
  const content = open?.content ?? story.in_force
  if (!content) return null
  const form = emptyForm()
  const { money, numbers } = form
  const whole = { ...content, stock_total: story.stock_total, daily_limit: story.daily_limit, budget_fen: story.budget_fen }
  for (const name of MONEY) money[name] = yuanText(whole[name])
  for (const name of NUMBERS) numbers[name] = whole[name]
  return {
    ...form,
    programme: story.programme,
    region: story.region,
    title: content.title,
    description: content.description,
    discount_kind: content.discount_kind,
    gift: content.gift ?? '',
    store_ids: [...content.store_ids],
    validity: content.valid_days === null ? 'dates' : 'days',
    first_day: content.valid_from ? day(content.valid_from) : '',
    last_day: content.valid_until ? day(Date.parse(content.valid_until) - 1) : '',
    wait_days: content.wait_days,
    weekdays: [...content.weekdays],
    open_minute: content.open_minute,
    close_minute: content.close_minute,
    blackout_dates: [...content.blackout_dates],
    is_client_renewal_allowed: content.is_client_renewal_allowed,
    shows_holder: content.shows_holder,
    alliance_share: content.alliance_share,
    public_unit_share: content.public_unit_share,
    public_unit_id: content.public_unit_id ?? '',
    min_tier_level: content.min_tier_level ?? 0,
    min_real_name_level: content.min_real_name_level,
    ordinary_path: content.ordinary_path ?? '',
    claim_from: picked(content.claim_from),
    claim_until: picked(content.claim_until),
    per_citizen_period: content.per_citizen_period,
    evidence_file_id: content.evidence_file_id,
  }
}

/** The first thing that is missing or can't be read: the name of its field; null where the form can be sent. */
export function missingIn(form: Form): string | null {
  for (const name of ['title', 'programme', 'region'] as const) if (!form[name].trim()) return name
  if (!form.store_ids.length) return 'store_ids'
  if (!form.weekdays.length) return 'weekdays'
  if (!form.claim_from || !form.claim_until) return 'claim_from'
  const used = (name: string) => !OF_KINDS.includes(name) || (FIELDS[form.discount_kind] as readonly string[]).includes(name)
  return MONEY.find((name) => used(name) && form.money[name].trim() && fenOf(form.money[name]) === null) ?? null
}

export function bodyOf(form: Form): Proposal {
  const { money, numbers, validity, ...rest } = form
  const mine: readonly string[] = FIELDS[form.discount_kind]
  const used = (name: string) => !OF_KINDS.includes(name) || mine.includes(name)
  const fen = Object.fromEntries(MONEY.map((name) => [name, used(name) && money[name].trim() ? fenOf(money[name]) : null])) as Record<Money, number | null>
  const counts = Object.fromEntries(NUMBERS.map((name) => [name, used(name) ? numbers[name] : null])) as Record<Numbered, number | null>
  const isByDays = validity === 'days'
  return {
    ...rest,
    ...fen,
    ...counts,
    title: form.title.trim(),
    gift: (used('gift') && form.gift.trim()) || null,
    valid_days: isByDays ? counts.valid_days : null,
    first_day: (!isByDays && form.first_day) || null,
    last_day: (!isByDays && form.last_day) || null,
    min_tier_level: form.min_tier_level || null,
    public_unit_id: (form.public_unit_share > 0 && form.public_unit_id.trim()) || null,
    ordinary_path: form.ordinary_path.trim() || null,
  }
}
