/** The shapes that a block of the work page is made of, and how they are filled. */
import type { RouteLocationRaw } from 'vue-router'
import { day } from '@shared/times'
import type { Right } from '@/rights'
import type { Words2 } from '..'

/** How many of a list are looked at. */
export const MOST = 50

export interface Count {
  n: number
  hasMore: boolean
  label: Words2
  to: RouteLocationRaw
  /** Past its time, or broken. */
  isUrgent?: boolean
  /** Good to know, but for others to do. */
  isQuiet?: boolean
  /** The right to do something about it, where it isn't the block's. */
  act?: Right
}

export interface Item {
  id: string
  /** A name, words, or a code of `labels.ts`. */
  title: string | Words2 | { kind: 'approval_kind' | 'complaint_kind'; code: string }
  /** Said after the title, in soft type. */
  more?: string | null
  /** A region's code, said in the same place; its name may be known later only. */
  region?: string
  note: Words2
  isUrgent?: boolean
  to: RouteLocationRaw
}

export interface Found {
  counts: Count[]
  items: Item[]
}

export interface Block {
  key: string
  title: Words2
  may: Right
  /** Who has it does something about it; for others it is good to know. */
  act: Right
  read: () => Promise<Found>
  /** Jobs and credit batches have no region: only the province's admins see them. */
  provinceOnly: boolean
}

export const block = (key: string, title: Words2, may: Right, act: Right, read: () => Promise<Found>, { provinceOnly = false } = {}): Block => ({ key, title, may, act, read, provinceOnly })

export const seen = (page: { items: unknown[]; next_cursor: string | null } | undefined) => ({
  n: page?.items.length ?? 0,
  hasMore: (page?.next_cursor ?? null) !== null,
})

/** The three that wait longest, of what was read. */
export function oldest<T>(items: readonly T[], at: (item: T) => string): T[] {
  return [...items].sort((one, other) => Date.parse(at(one)) - Date.parse(at(other))).slice(0, 3)
}

export const since = (at: string | null): Words2 => (at ? [`${day(at)} 提交`, `since ${day(at)}`] : ['', ''])

/** Days from Monday to Friday that are left until a time; public holidays aren't known here, so it is said as "about". */
export function workdaysLeft(until: string, from = Date.now()): number {
  const DAY_MS = 86_400_000
  let left = 0
  // Starts at the beginning of tomorrow in Shanghai: the day that runs is not counted.
  for (let at = Date.parse(`${day(from)}T00:00:00+08:00`) + DAY_MS; at < Date.parse(until); at += DAY_MS) {
    const weekday = new Date(`${day(at)}T12:00:00Z`).getUTCDay()
    if (weekday !== 0 && weekday !== 6) left++
  }
  return left
}
