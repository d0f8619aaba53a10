/** Which days and region the figures are of, and reading those that come in pages. */
import type { Answer, QueryOf } from '@shared/api'
import { day } from '@shared/times'
import { api } from '@/api'

/** `from` and `to` are days; empty ones are the server's default, the last thirty days. */
export interface Scope {
  from: string
  to: string
  region: string
}
export type Flow = Answer<'get', '/admin/numbers'>
export type Cut = NonNullable<QueryOf<'get', '/admin/numbers'>['by']>

export const inQuery = ({ from, to, region }: Scope) => ({
  from: from || undefined,
  to: to || undefined,
  region: region || undefined,
})

/** A year of days is four pages; no other cut is longer here. */
const MOST_PAGES = 4

/** All lines of one cut. */
export async function readFlow(by: Cut, scope: Scope): Promise<Flow> {
  let page = await api.get('/admin/numbers', { query: { ...inQuery(scope), by, limit: 100 } })
  const items = [...page.items]
  for (let pages = 1; page.next_cursor && pages < MOST_PAGES; pages++) {
    page = await api.get('/admin/numbers', { query: { ...inQuery(scope), by, limit: 100, cursor: page.next_cursor } })
    items.push(...page.items)
  }
  return { ...page, items }
}

const DAY_MS = 86_400_000

/** The last `days` days up to today, Asia/Shanghai. */
export function lastDays(days: number): { from: string; to: string } {
  const now = Date.now()
  return { from: day(now - (days - 1) * DAY_MS), to: day(now) }
}

/** Every day of the span: the server leaves out days on which nothing happened, and a line must not skip them. */
export function daysOf({ from, to }: Scope): string[] {
  const span = from && to ? { from, to } : lastDays(30)
  const first = Date.parse(span.from)
  const count = Math.min(366, Math.max(1, Math.round((Date.parse(span.to) - first) / DAY_MS) + 1))
  return Array.from({ length: count }, (_, place) => new Date(first + place * DAY_MS).toISOString().slice(0, 10))
}

export const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',')

/** `25.0%`, or a dash where there is nothing to compare with. */
export const share = (part: number, whole: number): string => (whole > 0 ? `${((part / whole) * 100).toFixed(1)}%` : '—')
