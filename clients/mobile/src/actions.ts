/** One wish of a person that changes something: pressed once, its key kept through every retry. */
import { ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import { newKey, Offline, Problem } from '@shared/api'

export interface Action<A extends unknown[], R> {
  busy: Ref<boolean>
  error: ShallowRef<unknown>
  /** Carries it out; `undefined` if it failed (`error` says why) or is still under way. */
  run(...given: A): Promise<R | undefined>
}

/**
 * @param act gets the idempotency key first. Where nobody knows whether it was carried out (no answer, or a server
 *   that broke), the next run of the same wish keeps the key, so that it happens once. A clear answer ends the wish.
 */
export function useAction<A extends unknown[], R>(act: (key: string, ...given: A) => Promise<R>): Action<A, R> {
  const busy = ref(false)
  const error = shallowRef<unknown>(null)
  let key = newKey()
  let wish = ''
  return {
    busy,
    error,
    async run(...given) {
      if (busy.value) return undefined
      busy.value = true
      error.value = null
      const wanted = JSON.stringify(given)
      if (wanted !== wish) key = newKey()
      wish = wanted
      try {
        const answer = await act(key, ...given)
        key = newKey()
        return answer
      } catch (problem) {
        if (!isOpen(problem)) key = newKey()
        error.value = problem
        return undefined
      } finally {
        busy.value = false
      }
    },
  }
}

function isOpen(problem: unknown): boolean {
  return problem instanceof Offline || (problem instanceof Problem && problem.status >= 500)
}
