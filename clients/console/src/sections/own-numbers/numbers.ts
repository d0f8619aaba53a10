/** Which days the figures are of, and reading those that come in pages. */
import type { Answer, QueryOf } from '@shared/api'
import { day } from '@shared/times'
import { api } from '@/api'

/** Days; empty ones are the server's default, the last thirty days. */
export interface Span {
  from: string
  to: string
}
export type Flow = Answer<'get', '/member/numbers'>
export type Line = Flow['items'][number]
export type Cut = NonNullable<QueryOf<'get', '/member/numbers'>['by']>

/** A year of days is four pages, and so are four hundred stores or offers: the first ones have the most redemptions. */
const MOST_PAGES = 4

/** All lines of one cut. */
export async function readFlow(by: Cut, { from, to }: Span): Promise<Flow> {
  const query = { from: from || undefined, to: to || undefined, by, limit: 100 }
  let page = await api.get('/member/numbers', { query })
  const items = [...page.items]
  for (let pages = 1; page.next_cursor && pages < MOST_PAGES; pages++) {
    page = await api.get('/member/numbers', { query: { ...query, cursor: page.next_cursor } })
    items.push(...page.items)
  }
  return { ...page, items }
}

const DAY_MS = 86_400_000

/** The last `days` days up to today, Asia/Shanghai. */
export function lastDays(days: number): Span {
  const now = Date.now()
  return { from: day(now - (days - 1) * DAY_MS), to: day(now) }
}

/** Every day of the span: the server leaves out days on which nothing happened, and a line must not skip them. */
export function daysOf({ from, to }: Span): string[] {
  const span = from && to ? { from, to } : lastDays(30)
  const first = Date.parse(span.from)
  const count = Math.min(366, Math.max(1, Math.round((Date.parse(span.to) - first) / DAY_MS) + 1))
  return Array.from({ length: count }, (_, place) => new Date(first + place * DAY_MS).toISOString().slice(0, 10))
}

export const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',')

/** `25.0%`, or a dash where there is nothing to compare with. */
export const share = (part: number, whole: number): string => (whole > 0 ? `${((part / whole) * 100).toFixed(1)}%` : '—')
