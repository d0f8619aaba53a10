/** Runs a check and says in words why it could not be made. */
import { computed, reactive, shallowRef } from 'vue'
import { t } from './auditWords'
import { NotCheckable, type Verdict } from './seals'

export function useCheck() {
  const verdicts = shallowRef<Verdict[]>([])
  const problem = shallowRef<unknown>(null)
  const isBusy = shallowRef(false)
  let turn = 0

  async function run(make: () => Promise<Verdict[]>): Promise<void> {
    const mine = ++turn
    isBusy.value = true
    problem.value = null
    verdicts.value = []
    try {
      const found = await make()
      if (mine === turn) verdicts.value = found
    } catch (error) {
      if (mine === turn) problem.value = error
    } finally {
      if (mine === turn) isBusy.value = false
    }
  }
  function forget(): void {
    turn++
    isBusy.value = false
    verdicts.value = []
    problem.value = null
  }

  return reactive({
    verdicts,
    isBusy,
    run,
    forget,
    /** A sentence of ours, or empty where `problem` is the server's. */
    why: computed(() => (problem.value instanceof NotCheckable ? t[problem.value.why] : '')),
    problem: computed(() => (problem.value instanceof NotCheckable ? null : problem.value)),
  })
}
