/**
 * The one redemption that nobody knows the outcome of: it was sent and no answer came. It outlives a reload, with its
 * key, so that a retry is the same request and can't be booked twice. It goes with a clear answer, or given up.
 */
import { ref } from 'vue'
import type { BodyOf } from '@shared/api'

export interface Pending {
  key: string
  body: BodyOf<'post', '/redemptions'>
  title: string
  discountText: string
  sentAt: number
}

const KEPT = 'xinyi.staff.pending'

export const pending = ref<Pending | null>((uni.getStorageSync(KEPT) as Pending | '') || null)

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

/** Reads it anew: another person may have signed in meanwhile, whose phone keeps nothing of the one before. */
export function loadPending(): void {
  pending.value = (uni.getStorageSync(KEPT) as Pending | '') || null
}
