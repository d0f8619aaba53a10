/**
 * The one redemption that nobody knows the outcome of: it was sent and no answer came. It outlives a reload, with its
 * key, so that a retry is the same request and can't be booked twice. It goes with a clear answer, or given up; a session
 * that ends by itself does not take it along. A key belongs to the clerk who made it: another one never sends it.
 */
import { ref } from 'vue'
import type { BodyOf } from '@shared/api'

export interface Pending {
  /** The clerk's id. */
  by: string
  key: string
  body: BodyOf<'post', '/redemptions'>
  title: string
  discountText: string
  sentAt: number
}

// Of the desk: what is the session's (`xinyi.staff.*`) goes with the session.
const KEPT = 'xinyi.desk.pending'

export const pending = ref<Pending | null>(null)

export function keepPending(wish: Pending): void {
  uni.setStorageSync(KEPT, wish)
  pending.value = wish
}

/** Ends a wish; an older one that ends late does not take a newer one with it. */
export function dropPending(key: string): void {
  if (pending.value?.key !== key) return
  uni.removeStorageSync(KEPT)
  pending.value = null
}

/** Reads it anew for the clerk who works here now; what another one left open is his no more. */
export function loadPending(by: string): void {
  const kept = (uni.getStorageSync(KEPT) as Pending | '') || null
  if (kept && kept.by !== by) uni.removeStorageSync(KEPT)
  pending.value = kept?.by === by ? kept : null
}
