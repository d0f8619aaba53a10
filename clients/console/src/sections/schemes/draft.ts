/** A draft of a version: as it is typed, what is wrong with it, and as the server takes it. */
import type { Answer, BodyOf } from '@shared/api'
import { day } from '@shared/times'
import { fill } from '@shared/words'
import { t } from './schemeWords'

export type DraftBody = BodyOf<'post', '/admin/tier-schemes/what-if'>
type Scheme = Answer<'get', '/admin/tier-schemes'>['items'][number]

export interface TypedBand {
  code: string
  name: string
  level: number
  low: number | undefined
  high: number | undefined
}
export interface Typed {
  code: string
  name: string
  explanation: string
  grace_points: number | undefined
  validity_days: number | undefined
  refresh_days: number | undefined
  notice_days: number | undefined
  /** A day; it counts from its midnight on, Asia/Shanghai. */
  day: string | null
  bands: TypedBand[]
}

const DAY_MS = 86_400_000
const CODE = /^[a-z][a-z0-9-]{0,31}$/

/** The first midnight after the notice: today's rest doesn't count as a day of it. */
export const earliest = (noticeDays: number): string => day(Date.now() + (noticeDays + 1) * DAY_MS)

/** A draft to begin with: a version there is, or an empty one. */
export function beginning(scheme: Scheme | undefined): Typed {
  const notice = scheme?.notice_days ?? 30
  return {
    code: scheme?.code ?? '',
    name: scheme?.name ?? '',
    explanation: scheme?.explanation ?? '',
    grace_points: scheme?.grace_points ?? 0,
    validity_days: scheme?.validity_days ?? 30,
    refresh_days: scheme?.refresh_days ?? undefined,
    notice_days: notice,
    // One day of slack, as another admin has to agree before the notice begins.
    day: day(Date.now() + (notice + 8) * DAY_MS),
    bands: scheme?.bands.map((band) => ({ ...band })) ?? [emptyBand(), emptyBand()],
  }
}

export const emptyBand = (below?: TypedBand): TypedBand => ({ code: '', name: '', level: below?.level ?? 1, low: below?.high, high: undefined })

export type Wrong = Partial<Record<keyof Typed, string>>

/** What is wrong, by field; the server checks all of it again. */
export function faultsOf(typed: Typed): Wrong {
  const wrong: Wrong = {}
  if (!CODE.test(typed.code)) wrong.code = t.codeWrong
  if (!typed.name.trim()) wrong.name = t.missing
  if (!typed.explanation.trim()) wrong.explanation = t.missing
  for (const name of ['grace_points', 'validity_days', 'notice_days'] as const) if (typed[name] === undefined) wrong[name] = t.missing
  if (typed.refresh_days !== undefined && typed.refresh_days > (typed.validity_days ?? 0)) wrong.refresh_days = t.refreshWrong
  const first = earliest(typed.notice_days ?? 0)
  if (!typed.day || typed.day < first) wrong.day = fill(t.dayWrong, { day: first })
  const place = typed.bands.findIndex((band, index) => !fits(band, typed.bands.slice(0, index)))
  if (place >= 0) wrong.bands = fill(t.bandWrong, { n: place + 1 })
  return wrong
}

function fits(band: TypedBand, below: readonly TypedBand[]): boolean {
  const before = below.at(-1)
  if (!CODE.test(band.code) || !band.name.trim() || band.low === undefined || band.high === undefined) return false
  if (below.some((other) => other.code === band.code || other.name === band.name)) return false
  return band.low < band.high && (!before || (band.low === before.high && band.level >= before.level))
}

/** For a draft without faults. */
export function bodyOf(typed: Typed): DraftBody {
  return {
    code: typed.code,
    name: typed.name.trim(),
    explanation: typed.explanation.trim(),
    grace_points: typed.grace_points ?? 0,
    validity_days: typed.validity_days ?? 0,
    refresh_days: typed.refresh_days ?? null,
    notice_days: typed.notice_days ?? 0,
    effective_from: `${typed.day}T00:00:00+08:00`,
    bands: typed.bands.map((band) => ({ code: band.code, name: band.name.trim(), level: band.level, low: band.low ?? 0, high: band.high ?? 0 })),
  }
}
