/** What pages of figures have in common: which days they are of, reading what comes in pages, and how numbers are written. */
import { day } from '@shared/times'

/** Days; empty ones are the server's default, the last thirty days. */
export interface Span {
  from: string
  to: string
}

/** A year of days is four pages, and no other cut of figures is longer. */
const MOST_PAGES = 4

/** Everything that comes in pages, as one page. */
export async function allPages<Page extends { items: unknown[]; next_cursor: string | null }>(read: (cursor?: string) => Promise<Page>): Promise<Page> {
  let page = await read()
  const items = [...page.items]
  for (let pages = 1; page.next_cursor && pages < MOST_PAGES; pages++) {
    page = await read(page.next_cursor)
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

/** The first and the last day that are shown. */
export function endsOf(span: Span): Span {
  const all = daysOf(span)
  return { from: span.from || (all[0] ?? ''), to: span.to || (all.at(-1) ?? '') }
}

export const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',')

/** `25.0%`, or a dash where there is nothing to compare with. */
export const share = (part: number, whole: number): string => (whole > 0 ? `${((part / whole) * 100).toFixed(1)}%` : '—')
