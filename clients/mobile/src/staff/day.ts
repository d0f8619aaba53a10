/** A store's redemptions of one day, read to the end, so that the totals are of the day and not of a page. */
import { computed, ref, shallowRef } from 'vue'
import type { Answer } from '@shared/api'
import { day } from '@shared/times'
import { staff } from '@/session'

export type Line = Answer<'get', '/redemptions'>['items'][number]

const DAY_MS = 24 * 3600 * 1000

/** Today in Asia/Shanghai, `2026-11-27`. */
export const today = (): string => day(Date.now())
/** The day that is so many days later. */
export const dayAfter = (date: string, days: number): string => day(Date.parse(`${date}T00:00:00+08:00`) + days * DAY_MS)

export function useDay() {
  const lines = shallowRef<Line[]>([])
  const loading = ref(false)
  const complete = ref(false)
  const error = shallowRef<unknown>(null)
  let cursor: string | undefined
  let question = 0
  let asked = { store: '', date: '' }

  async function read(mine: number): Promise<void> {
    loading.value = true
    error.value = null
    try {
      do {
        const page = await staff.get('/redemptions', {
          query: {
            store_id: asked.store,
            from: `${asked.date}T00:00:00+08:00`,
            to: `${dayAfter(asked.date, 1)}T00:00:00+08:00`,
            limit: 100,
            cursor,
          },
        })
        if (mine !== question) return
        lines.value = cursor === undefined ? page.items : [...lines.value, ...page.items]
        cursor = page.next_cursor ?? undefined
      } while (cursor !== undefined)
      complete.value = true
    } catch (problem) {
      if (mine === question) error.value = problem
    } finally {
      if (mine === question) loading.value = false
    }
  }

  const totals = computed(() => {
    const good = lines.value.filter((line) => !line.reversal)
    return {
      redemptions: lines.value.length,
      reversals: lines.value.length - good.length,
      discountFen: good.reduce((sum, line) => sum + line.discount_fen, 0),
      payableFen: good.reduce((sum, line) => sum + (line.payable_fen ?? 0), 0),
    }
  })

  return {
    lines,
    loading,
    complete,
    error,
    totals,
    /** Reads a day anew. */
    load(store: string, date: string): Promise<void> {
      asked = { store, date }
      cursor = undefined
      complete.value = false
      lines.value = []
      return read(++question)
    },
    /** Goes on where the network broke. */
    goOn: (): Promise<void> => read(++question),
  }
}
