/** What a page takes from its address. */
import type { LocationQuery } from 'vue-router'

export const DAY = /^\d{4}-\d{2}-\d{2}$/

/** Empty where the address says nothing of it, or nothing that can be. */
export function said(query: LocationQuery, name: string, pattern: RegExp): string {
  const value = query[name]
  return typeof value === 'string' && pattern.test(value) ? value : ''
}
