/** The regions by code, read once; a page shows the code until they are here. */
import { shallowRef } from 'vue'
import type { Answer } from '@shared/api'
import { api } from './api'

export type Region = Answer<'get', '/regions'>['items'][number]

const all = shallowRef<readonly Region[]>([])
let reading: Promise<void> | null = null

async function read(): Promise<void> {
  const found: Region[] = []
  let cursor: string | undefined
  do {
    const page = await api.get('/regions', { query: { limit: 100, cursor } })
    found.push(...page.items)
    cursor = page.next_cursor ?? undefined
  } while (cursor)
  all.value = found
}

/** All regions, province first; begins to read them. */
export function useRegions() {
  reading ??= read().catch(() => {
    reading = null
  })
  return all
}

export const regionName = (code: string | null | undefined): string =>
  all.value.find((region) => region.code === code)?.name ?? code ?? '—'

/** The regions of an admin: his own and what lies below it. */
export function regionsBelow(code: string): Region[] {
  const inside = new Set([code])
  let size = 0
  while (size !== inside.size) {
    size = inside.size
    for (const region of all.value) if (region.parent && inside.has(region.parent)) inside.add(region.code)
  }
  return all.value.filter((region) => inside.has(region.code))
}
