/** One action of a person: carried out once, however often the button is pressed or the network fails. */
import { reactive, ref, shallowRef } from 'vue'
import { ElMessage } from 'element-plus/es/components/message/index'
import { ElMessageBox } from 'element-plus/es/components/message-box/index'
import 'element-plus/es/components/message/style/css'
import 'element-plus/es/components/message-box/style/css'
import { newKey, Offline, Problem } from '@shared/api'
import { words } from '@shared/words'

const t = words({
  sure: ['请确认', 'Please confirm'],
  yes: ['确认', 'Confirm'],
  no: ['取消', 'Cancel'],
})

export interface ActionOptions {
  /** A sentence that says what will happen; without one nothing is asked. */
  confirm?: string
  /** The confirming button's words, e.g. 暂停成员. */
  yes?: string
  /** Shown when it is done. */
  done?: string
}

export interface Action {
  isBusy: boolean
  /** What went wrong at the last try, for `ErrorNote`. */
  problem: unknown
  /**
   * Runs `call` with an idempotency key that stays the same while the same wish has got no definite answer.
   *
   * @param wish what is wanted (names, ids, the body): another wish has another key.
   * @returns the answer, or undefined if the person thought better of it, it was refused or is under way already.
   */
  run<T>(wish: unknown, call: (key: string) => Promise<T>, options?: ActionOptions): Promise<T | undefined>
  /** Forgets the last refusal, for instance when a dialog opens anew. */
  clear(): void
}

export function useAction(): Action {
  const isBusy = ref(false)
  const problem = shallowRef<unknown>(null)
  let key = ''
  let keyOf = ''

  async function run<T>(wish: unknown, call: (key: string) => Promise<T>, options: ActionOptions = {}): Promise<T | undefined> {
    if (isBusy.value) return undefined
    isBusy.value = true
    problem.value = null
    try {
      if (options.confirm && !(await isSure(options.confirm, options.yes))) return undefined
      const text = JSON.stringify(wish)
      if (!key || keyOf !== text) [key, keyOf] = [newKey(), text]
      const answer = await call(key)
      key = ''
      if (options.done) ElMessage({ type: 'success', message: options.done, plain: true, offset: 72 })
      return answer
    } catch (error) {
      problem.value = error
      if (isDefinite(error)) key = ''
      return undefined
    } finally {
      isBusy.value = false
    }
  }

  return reactive({ isBusy, problem, run, clear: () => void (problem.value = null) }) as Action
}

/** Whether it is sure that nothing was carried out. */
function isDefinite(error: unknown): boolean {
  if (error instanceof Offline) return false
  return error instanceof Problem && error.status < 500 && error.status !== 429
}

/** Asks in a dialog; false if the person thought better of it. */
export async function isSure(sentence: string, yes?: string): Promise<boolean> {
  try {
    await ElMessageBox.confirm(sentence, t.sure, {
      type: 'warning',
      confirmButtonText: yes ?? t.yes,
      cancelButtonText: t.no,
      autofocus: false,
    })
    return true
  } catch {
    return false
  }
}
