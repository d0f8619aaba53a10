/** Reading a member's own figures. */
import type { QueryOf } from '@shared/api'
import { api } from '@/api'
import { allPages, type Span } from '@/charts/figures'
import type { Flow } from '@/charts/flow'

export type Cut = NonNullable<QueryOf<'get', '/member/numbers'>['by']>

/** All lines of one cut; of more than four hundred stores or offers the first ones, which have the most redemptions. */
export const readFlow = (by: Cut, { from, to }: Span): Promise<Flow> =>
  allPages((cursor) => api.get('/member/numbers', { query: { from: from || undefined, to: to || undefined, by, limit: 100, cursor } }))
