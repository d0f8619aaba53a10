/** A list that grows page by page from the server, and what it shows meanwhile. */
import { ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import type { Page } from '@shared/api'

export interface Grown<T> {
  items: ShallowRef<T[]>
  loading: Ref<boolean>
  error: ShallowRef<unknown>
  /** Whether the server has more. */
  hasMore: Ref<boolean>
  /** Begins anew, as after a changed filter; an answer to an older question is thrown away. */
  reload(): Promise<void>
  more(): Promise<void>
  /** Asks again what was not answered. */
  retry(): Promise<void>
}

/** @param ask asks for one page: `(cursor) => citizen.get('/offers', { query: { cursor } })`. */
export function useList<T>(ask: (cursor: string | undefined) => Promise<Page<T>>): Grown<T> {
  const items = shallowRef<T[]>([])
  const loading = ref(false)
  const error = shallowRef<unknown>(null)
  const hasMore = ref(false)
  let cursor: string | undefined
  let question = 0

  async function read(asked: number): Promise<void> {
    loading.value = true
    error.value = null
    try {
      const page = await ask(cursor)
      if (asked !== question) return
      items.value = cursor === undefined ? page.items : [...items.value, ...page.items]
      cursor = page.next_cursor ?? undefined
      hasMore.value = page.next_cursor !== null
    } catch (problem) {
      if (asked === question) error.value = problem
    } finally {
      if (asked === question) loading.value = false
    }
  }
  return {
    items,
    loading,
    error,
    hasMore,
    reload() {
      cursor = undefined
      return read(++question)
    },
    retry: () => read(question),
    more: () => (hasMore.value && !loading.value ? read(question) : Promise.resolve()),
  }
}
