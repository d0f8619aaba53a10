/**
 * What a citizen used and saved, from his coupons and their histories: the ledger has no list by person, on purpose,
 * for it holds nobody's name.
 */
import { computed, ref, shallowRef } from 'vue'
import { citizen } from './session'
import type { Coupon, CouponLine } from './coupons'

export interface Use {
  redemptionId: string
  title: string
  store: string
  at: string
  savedFen: number
  isReversed: boolean
}
const AT_ONCE = 6

export function useSavings() {
  const uses = shallowRef<Use[]>([])
  const loading = ref(false)
  const error = shallowRef<unknown>(null)
  const totalFen = computed(() => uses.value.reduce((sum, use) => sum + (use.isReversed ? 0 : use.savedFen), 0))
  const count = computed(() => uses.value.filter((use) => !use.isReversed).length)

  async function reload(): Promise<void> {
    if (loading.value) return
    loading.value = true
    error.value = null
    try {
      const found: Use[] = []
      const coupons = (await all()).filter(({ status }) => status !== 'given_back')
      while (coupons.length) {
        const some = coupons.splice(0, AT_ONCE).map(({ id }) => citizen.get('/coupons/{coupon_id}', { path: { coupon_id: id } }))
        found.push(...(await Promise.all(some)).flatMap(usesOf))
      }
      uses.value = found.sort((one, other) => Date.parse(other.at) - Date.parse(one.at))
    } catch (problem) {
      error.value = problem
    } finally {
      loading.value = false
    }
  }
  return { uses, loading, error, totalFen, count, reload }
}

async function all(): Promise<CouponLine[]> {
  const lines: CouponLine[] = []
  let cursor: string | undefined
  do {
    const page = await citizen.get('/me/coupons', { query: { limit: 100, cursor } })
    lines.push(...page.items)
    cursor = page.next_cursor ?? undefined
  } while (cursor)
  return lines
}

function usesOf(coupon: Coupon): Use[] {
  const undone = new Set(coupon.history.filter(({ event }) => event === 'reversed').map((entry) => entry.redemption_id))
  return coupon.history
    .filter(({ event }) => event === 'redeemed')
    .map((entry) => ({
      redemptionId: entry.redemption_id ?? '',
      title: coupon.offer.title,
      store: entry.store ?? '',
      at: entry.at,
      savedFen: entry.discount_fen ?? 0,
      isReversed: undone.has(entry.redemption_id),
    }))
}
