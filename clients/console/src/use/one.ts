/** One thing of the API, read anew whenever its id changes; an empty id reads nothing. */
import { reactive, shallowRef, watch } from 'vue'

export interface One<T> {
  value: T | null
  isLoading: boolean
  problem: unknown
  reload(): Promise<void>
}

export function useOne<T>(id: () => string, read: (id: string) => Promise<T>): One<T> {
  const value = shallowRef<T | null>(null)
  const isLoading = shallowRef(false)
  const problem = shallowRef<unknown>(null)
  let turn = 0

  async function reload(): Promise<void> {
    const mine = ++turn
    problem.value = null
    if (!id()) return
    isLoading.value = true
    try {
      const answer = await read(id())
      if (mine === turn) value.value = answer
    } catch (error) {
      if (mine === turn) problem.value = error
    } finally {
      if (mine === turn) isLoading.value = false
    }
  }
  watch(
    id,
    () => {
      value.value = null
      void reload()
    },
    { immediate: true },
  )
  return reactive({ value, isLoading, problem, reload }) as One<T>
}
