/** The regions to choose from, read once: they change with a release, if at all. */
import type { Answer } from '@shared/api'
import { citizen } from './session'

export type Region = Answer<'get', '/regions'>['items'][number]

let read: Promise<Region[]> | null = null

/** All of them in the order of their codes; a failure is not kept. */
export function allRegions(): Promise<Region[]> {
  read ??= walk().catch((problem: unknown) => {
    read = null
    throw problem
  })
  return read
}

async function walk(): Promise<Region[]> {
  const found: Region[] = []
  let cursor: string | undefined
  do {
    const page = await citizen.get('/regions', { query: { limit: 100, ...(cursor ? { cursor } : {}) } })
    found.push(...page.items)
    cursor = page.next_cursor ?? undefined
  } while (cursor)
  return found
}
