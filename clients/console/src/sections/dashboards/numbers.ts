/** Which days and region the alliance's figures are of, and reading them. */
import type { QueryOf } from '@shared/api'
import { api } from '@/api'
import { allPages, type Span } from '@/charts/figures'
import type { Flow } from '@/charts/flow'

export interface Scope extends Span {
  region: string
}
export type Cut = NonNullable<QueryOf<'get', '/admin/numbers'>['by']>

export const inQuery = ({ from, to, region }: Scope) => ({
  from: from || undefined,
  to: to || undefined,
  region: region || undefined,
})

/** All lines of one cut. */
export const readFlow = (by: Cut, scope: Scope): Promise<Flow> =>
  allPages((cursor) => api.get('/admin/numbers', { query: { ...inQuery(scope), by, limit: 100, cursor } }))
