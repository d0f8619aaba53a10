/** What many days of one source add up to. */
import type { Answer } from '@shared/api'

export type Quality = Answer<'get', '/admin/data-quality'>['items'][number]

export const RATES = ['collection', 'conformity', 'timeliness', 'accuracy', 'rectification'] as const
export type Rate = (typeof RATES)[number]

export interface SourceQuality {
  source: string
  days: number
  received: number
  bad: number
  open: number
  rates: Record<Rate, number | null>
}

/** What each rate of a day is measured over, so that a day with few rows doesn't count as much as one with many. */
const WEIGHT: Record<Rate, (day: Quality) => number> = {
  collection: (day) => day.expected,
  conformity: (day) => day.received,
  timeliness: (day) => day.received,
  accuracy: (day) => day.received,
  rectification: (day) => day.bad_open + day.bad_mended + day.bad_closed,
}

/** By source, the worst 合规率 first: that is where to begin. Rates are in parts of ten thousand. */
export function bySource(items: readonly Quality[]): SourceQuality[] {
  const groups = new Map<string, Quality[]>()
  for (const item of items) groups.set(item.source, [...(groups.get(item.source) ?? []), item])
  return [...groups]
    .map(([source, days]) => ({
      source,
      days: new Set(days.map((each) => each.day)).size,
      received: sum(days, (each) => each.received),
      bad: sum(days, (each) => each.bad),
      open: sum(days, (each) => each.bad_open),
      rates: Object.fromEntries(RATES.map((rate) => [rate, mean(days, rate)])) as Record<Rate, number | null>,
    }))
    .sort((one, other) => (one.rates.conformity ?? 10_001) - (other.rates.conformity ?? 10_001))
}

const sum = (days: readonly Quality[], of: (day: Quality) => number) => days.reduce((all, day) => all + of(day), 0)

function mean(days: readonly Quality[], rate: Rate): number | null {
  let [all, weights] = [0, 0]
  for (const day of days) {
    const value = day[rate]
    if (value === null) continue
    all += value * WEIGHT[rate](day)
    weights += WEIGHT[rate](day)
  }
  return weights > 0 ? all / weights : null
}

/** `9950` → `99.50%`. */
export const percent = (rate: number | null): string => (rate === null ? '—' : `${(rate / 100).toFixed(2)}%`)
