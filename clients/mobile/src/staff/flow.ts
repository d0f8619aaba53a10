/**
 * One customer at the desk: scan, look (preview), decide, redeem, answer. Nothing is booked before `redeem`; from its
 * press on the wish is kept on the phone with its key until the server has said clearly what became of it.
 */
import { computed, reactive, watch } from 'vue'
import { newKey, Problem, type Answer } from '@shared/api'
import { fenOf } from '@shared/money'
import { discountText } from '@/offers'
import { staff } from '@/session'
import { asNumber } from './amount'
import { codeOf } from './code-text'
import { inTime } from './in-time'
import { desk, me, store } from './me'
import { dropPending, keepPending, pending, type Pending } from './pending'
import { isClear, wayOn } from './refusals'
import { signal } from './signals'

type Seen = Answer<'post', '/redemptions/preview'>
export type Done = Answer<'post', '/redemptions'>

/** `cut`: no answer to the look, nothing was booked. `unsure`: no answer to the redemption. */
export type Outcome =
  | { kind: 'good'; done: Done; title: string; discountText: string }
  | { kind: 'bad'; problem: Problem }
  | { kind: 'cut' | 'unsure'; error: unknown }
  | { kind: 'undone'; title: string }

const BETWEEN_KEYS_MS = 500

export function useFlow() {
  const flow = reactive({
    step: 'idle' as 'idle' | 'checking' | 'deciding' | 'redeeming' | 'answer',
    code: '',
    amount: '',
    uses: 1,
    needsAmount: false,
    seen: null as Seen | null,
    /** What is not right yet with the amount or the uses; the clerk mends it where he is. */
    note: null as unknown,
    looking: false,
    outcome: null as Outcome | null,
  })
  let look = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  const amountFen = computed(() => (flow.amount === '' ? null : fenOf(asNumber(flow.amount))))
  /** The most uses of this scan: what is left, and what this scan would take. `null` where uses are not counted. */
  const mostUses = computed(() => (flow.seen?.uses_left == null ? null : flow.seen.uses_left + flow.seen.uses))
  const canRedeem = computed(
    () => flow.step === 'deciding' && !flow.looking && flow.seen !== null && flow.note === null && (!flow.needsAmount || amountFen.value !== null),
  )

  function body() {
    return {
      code: flow.code,
      store_id: store.value!.id,
      uses: flow.uses,
      order_amount_fen: amountFen.value,
    }
  }

  /** A code came in. The amount stays, where the last code was refused and the same customer shows a fresh one. */
  function scanned(text: string): void {
    if (pending.value || !store.value || flow.step === 'checking' || flow.step === 'redeeming') return
    const asksForFresh = flow.outcome?.kind === 'bad' && wayOn(flow.outcome.problem.code) === 'rescan'
    if (flow.step === 'answer' && !asksForFresh) next()
    if (codeOf(text) !== flow.code) Object.assign(flow, { seen: null, needsAmount: flow.amount !== '', uses: 1 })
    Object.assign(flow, { code: codeOf(text), outcome: null, note: null, step: 'checking' })
    void check()
  }

  async function check(): Promise<void> {
    const asked = ++look
    const first = flow.step === 'checking'
    flow.looking = true
    try {
      const seen = await inTime(staff.post('/redemptions/preview', { body: body() }))
      if (asked !== look) return
      Object.assign(flow, { seen, note: null, step: 'deciding' })
      const isDecided = !flow.needsAmount && (mostUses.value ?? 1) === 1
      if (first && desk.value.direct && isDecided) void redeem()
    } catch (error) {
      if (asked === look) refusedLook(error, first)
    } finally {
      if (asked === look) flow.looking = false
    }
  }

  function refusedLook(error: unknown, first: boolean): void {
    const code = error instanceof Problem ? error.code : ''
    if (code === 'amount_required') Object.assign(flow, { needsAmount: true, step: 'deciding', seen: null, note: null })
    else if (wayOn(code) === 'amend') Object.assign(flow, { note: error, step: 'deciding', needsAmount: flow.needsAmount || code === 'below_threshold' })
    else if (isClear(error)) answer({ kind: 'bad', problem: error })
    else if (first) answer({ kind: 'cut', error })
    else flow.note = error
  }

  // What comes off is worked out by the server alone, while the amount is being keyed in.
  watch(
    () => [flow.amount, flow.uses],
    () => {
      // What `next` wiped is no wish of the clerk's: another customer's look may be under way already.
      if (flow.step !== 'deciding') return
      clearTimeout(timer)
      look++
      flow.looking = false
      if (flow.needsAmount && amountFen.value === null) {
        Object.assign(flow, { seen: null, note: null })
        return
      }
      flow.looking = true
      timer = setTimeout(() => void check(), BETWEEN_KEYS_MS)
    },
  )

  function redeem(): void {
    if (!flow.seen || !me.value || flow.step !== 'deciding') return
    const wish = { by: me.value.id, key: newKey(), body: body(), title: flow.seen.offer.title, discountText: discountText(flow.seen.discount), sentAt: Date.now() }
    keepPending(wish)
    send(wish)
  }

  /** The same request again, with its key: at most one of them is booked. */
  function send(wish: Pending): void {
    flow.step = 'redeeming'
    flow.outcome = null
    const asked = staff.post('/redemptions', { body: wish.body, key: wish.key }).then(
      (done) => settle(wish, { kind: 'good', done, title: wish.title, discountText: wish.discountText }),
      (error: unknown) => {
        if (!isClear(error)) throw error
        settle(wish, { kind: 'bad', problem: error })
      },
    )
    // An answer that comes after our patience still settles it.
    inTime(asked).catch((error: unknown) => {
      if (pending.value?.key === wish.key) answer({ kind: 'unsure', error })
    })
  }

  function settle(wish: Pending, outcome: Outcome): void {
    if (pending.value?.key !== wish.key) return
    dropPending(wish.key)
    answer(outcome)
  }

  function answer(outcome: Outcome): void {
    Object.assign(flow, { outcome, step: 'answer' })
    signal(outcome.kind === 'good' ? 'good' : 'bad')
  }

  function undone(title: string): void {
    flow.outcome = { kind: 'undone', title }
  }

  /** Back to the amount or the uses, with the same code. */
  function amend(): void {
    Object.assign(flow, { outcome: null, step: 'deciding' })
  }

  /** The next customer: nothing of the last one stays. */
  function next(): void {
    clearTimeout(timer)
    look++
    Object.assign(flow, { step: 'idle', code: '', amount: '', uses: 1, needsAmount: false, seen: null, note: null, outcome: null, looking: false })
  }

  /** The same customer with a fresh code: what was keyed in stays. */
  function again(): void {
    Object.assign(flow, { step: 'idle', outcome: null, note: null })
  }

  function lookAgain(): void {
    Object.assign(flow, { step: 'checking', outcome: null })
    void check()
  }

  return { flow, amountFen, mostUses, canRedeem, scanned, redeem, send, amend, next, again, lookAgain, undone, check }
}
