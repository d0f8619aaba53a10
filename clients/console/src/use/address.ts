/** What a page takes from its address. */
import type { LocationQuery } from 'vue-router'

/** A day of the calendar; 2026-13-40 is none. */
export const DAY = {
  test(value: string): boolean {
    const at = /^\d{4}-\d{2}-\d{2}$/.test(value) ? Date.parse(`${value}T00:00:00Z`) : NaN
    return !Number.isNaN(at) && new Date(at).toISOString().startsWith(value)
  },
}

/** Empty where the address says nothing of it, or nothing that can be. */
export function said(query: LocationQuery, name: string, pattern: Pick<RegExp, 'test'>): string {
  const value = query[name]
  return typeof value === 'string' && pattern.test(value) ? value : ''
}
